//! Reads a stream of server-sent events while it passes, without I/O and without keeping it.
//!
//! Built for reading along: whoever listens says by an event's name whether its data is wanted, and data that is not
//! (nearly all of a stream: content deltas) is only run over for its line ends, never copied. Chunks may be cut
//! anywhere; lines end in LF, CRLF or CR; what is kept between chunks is bounded.
//!
//! ```
//! use ccflare_core::sse::{Scanner, Sink};
//!
//! #[derive(Default)]
//! struct Usage(Vec<String>);
//!
//! impl Sink for Usage {
//!     fn wants(&mut self, event: &[u8]) -> bool {
//!         event == b"message_delta"
//!     }
//!
//!     fn event(&mut self, _: &[u8], data: &[u8]) {
//!         self.0.push(String::from_utf8_lossy(data).into_owned());
//!     }
//! }
//!
//! let (mut scanner, mut usage) = (Scanner::default(), Usage::default());
//! for chunk in ["event: ping\ndata: {}\n\nevent: mess", "age_delta\nda", "ta: {\"n\":1}\n\n"] {
//!     scanner.feed(chunk.as_bytes(), &mut usage);
//! }
//! assert_eq!(usage.0, [r#"{"n":1}"#]);
//! ```

use memchr::memchr2;

/// The longest line and the longest data of one event that are kept. A longer event is left out; scanning goes on.
const LIMIT: usize = 256 * 1024;

/// Whoever reads along.
pub trait Sink {
    /// Whether the data of an event of this name is wanted; asked once for each event, at its first `data` line.
    fn wants(&mut self, event: &[u8]) -> bool;

    /// A wanted event, whole: its name (empty if it has none) and its data, lines joined with LF.
    fn event(&mut self, event: &[u8], data: &[u8]);
}

/// The state between two chunks.
#[derive(Debug, Default)]
pub struct Scanner {
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    /// The rest of the line under way is of no interest.
    skips_line: bool,
    /// The last chunk ended in CR: an LF at the beginning of the next one belongs to it.
    ended_in_cr: bool,
    /// A byte order mark may only stand at the very beginning.
    begun: bool,
    name: Vec<u8>,
    data: Vec<u8>,
    interest: Interest,
}

/// What is known of the wish for the data of the event under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Interest {
    /// No data line has come.
    #[default]
    Unasked,
    Wanted,
    Unwanted,
}

impl Scanner {
    /// Reads one more chunk.
    pub fn feed(&mut self, chunk: &[u8], sink: &mut impl Sink) {
        let mut rest = chunk;
        // Nothing has come, so a CR that was last still waits for its LF.
        if rest.is_empty() {
            return;
        }
        if std::mem::take(&mut self.ended_in_cr) && rest.first() == Some(&b'\n') {
            rest = &rest[1..];
        }
        while let Some(end) = memchr2(b'\n', b'\r', rest) {
            self.end_line(&rest[..end], sink);
            let is_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if is_cr {
                self.ended_in_cr = rest.is_empty();
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
        }
        if !rest.is_empty() {
            self.keep(rest, sink);
        }
    }

    fn end_line(&mut self, piece: &[u8], sink: &mut impl Sink) {
        if std::mem::take(&mut self.skips_line) {
            return;
        }
        if self.line.is_empty() {
            self.read_line(piece, sink);
        } else if self.line.len() + piece.len() > LIMIT {
            self.line.clear();
            self.interest = Interest::Unwanted;
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(piece);
            self.read_line(&line, sink);
            // Its room is used again.
            line.clear();
            self.line = line;
        }
    }

    /// Keeps the beginning of a line, unless it is already clear that nobody wants it.
    fn keep(&mut self, piece: &[u8], sink: &mut impl Sink) {
        if self.skips_line {
            return;
        }
        if self.line.len() + piece.len() > LIMIT {
            self.interest = Interest::Unwanted;
            self.skip_line();
            return;
        }
        self.line.extend_from_slice(piece);
        // A name that is known by now decides about a data line however much of it has come.
        if self.line.starts_with(b"data:") && !self.name.is_empty() && !self.asks(sink) {
            self.skip_line();
        }
    }

    fn skip_line(&mut self) {
        self.line.clear();
        self.skips_line = true;
    }

    fn asks(&mut self, sink: &mut impl Sink) -> bool {
        if self.interest == Interest::Unasked {
            self.interest = if sink.wants(&self.name) { Interest::Wanted } else { Interest::Unwanted };
        }
        self.interest == Interest::Wanted
    }

    fn read_line(&mut self, line: &[u8], sink: &mut impl Sink) {
        let line = if std::mem::replace(&mut self.begun, true) {
            line
        } else {
            line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line)
        };
        if line.is_empty() {
            return self.end_event(sink);
        }
        if let Some(value) = field(line, b"event") {
            self.name.clear();
            // An overlong name is nobody's; its beginning must not pass for one.
            if value.len() <= LIMIT {
                self.name.extend_from_slice(value);
            }
        } else if let Some(value) = field(line, b"data")
            && self.asks(sink)
        {
            self.keep_data(value);
        }
    }

    fn keep_data(&mut self, value: &[u8]) {
        if self.data.len() + value.len() > LIMIT {
            self.interest = Interest::Unwanted;
            self.data.clear();
            return;
        }
        self.data.extend_from_slice(value);
        // Taken off again at the end; so a second line is joined and an empty one counts.
        self.data.push(b'\n');
    }

    fn end_event(&mut self, sink: &mut impl Sink) {
        if self.interest == Interest::Wanted {
            let data = self.data.strip_suffix(b"\n").unwrap_or(&self.data);
            sink.event(&self.name, data);
        }
        self.name.clear();
        self.data.clear();
        self.interest = Interest::Unasked;
    }
}

/// The value of a line, if it is this field's: behind the colon and at most one space.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    match line.strip_prefix(name)? {
        [] => Some(&[]),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prop_assert_eq, prop_oneof, proptest, strategy::Strategy};

    use super::*;

    type Event = (String, String);

    #[derive(Default)]
    struct Everything(Vec<Event>);

    impl Sink for Everything {
        fn wants(&mut self, event: &[u8]) -> bool {
            event != b"content"
        }

        fn event(&mut self, event: &[u8], data: &[u8]) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            self.0.push((text(event), text(data)));
        }
    }

    fn scan<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
        let (mut scanner, mut sink) = (Scanner::default(), Everything::default());
        for chunk in chunks {
            scanner.feed(chunk, &mut sink);
        }
        sink.0
    }

    fn events(expected: &[(&str, &str)]) -> Vec<Event> {
        expected.iter().map(|(name, data)| ((*name).to_owned(), (*data).to_owned())).collect()
    }

    #[test]
    fn every_form_of_the_format_is_read() {
        for (stream, expected) in [
            ("event: a\ndata: 1\n\n", &[("a", "1")][..]),
            ("event:a\r\ndata:1\r\n\r\n", &[("a", "1")]),
            ("event: a\rdata: 1\r\r", &[("a", "1")]),
            ("\u{feff}event: a\ndata: 1\n\n", &[("a", "1")]),
            (": comment\n\nevent: a\n: another\ndata: 1\ndata: 2\nid: 7\n\n", &[("a", "1\n2")]),
            ("data: 1\n\ndata\n\n", &[("", "1"), ("", "")]),
            ("event: content\ndata: skipped\n\nevent: a\ndata:  two\n\n", &[("a", " two")]),
            ("event: nothing\n\n", &[]),
            ("event: a\ndata: unfinished", &[]),
        ] {
            assert_eq!(scan([stream.as_bytes()]), events(expected), "{stream:?}");
            assert_eq!(scan(stream.as_bytes().chunks(1)), events(expected), "{stream:?} byte by byte");
        }
    }

    #[test]
    fn an_empty_chunk_changes_nothing_not_even_between_cr_and_lf() {
        let whole = scan([&b"data: a\r\ndata: b\r\n\r\n"[..]]);
        assert_eq!(whole, events(&[("", "a\nb")]));
        assert_eq!(scan([&b"data: a\r"[..], b"", b"\ndata: b\r", b"", b"", b"\n\r\n"]), whole);
    }

    #[test]
    fn an_overlong_event_is_left_out_and_the_next_one_is_read() {
        let long = "x".repeat(LIMIT + 1);
        let stream = format!("event: a\ndata: {long}\n\nevent: b\ndata: 1\n\n");
        for size in [1000, stream.len()] {
            assert!(scan(stream.as_bytes().chunks(size)) == events(&[("b", "1")]), "chunks of {size}");
        }
    }

    #[test]
    fn unwanted_data_is_not_kept_however_long_its_line_is() {
        let (mut scanner, mut sink) = (Scanner::default(), Everything::default());
        scanner.feed(b"event: content\ndata: ", &mut sink);
        for _ in 0..1000 {
            scanner.feed(&[b'x'; 1000], &mut sink);
        }
        assert!(scanner.line.capacity() < 1000);
    }

    /// What an independent parser makes of the same stream.
    fn oracle(stream: &str) -> Vec<Event> {
        let mut events = Vec::new();
        let (mut name, mut data) = (String::new(), Vec::new());
        let unified = stream.replace("\r\n", "\n").replace('\r', "\n");
        let Some((whole, _)) = unified.rsplit_once('\n') else { return events };
        for line in whole.split('\n') {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match key {
                "" if line.is_empty() => {
                    let (name, data) = (std::mem::take(&mut name), std::mem::take(&mut data));
                    if !data.is_empty() && name != "content" {
                        events.push((name, data.join("\n")));
                    }
                }
                "event" => value.clone_into(&mut name),
                "data" => data.push(value.to_owned()),
                _ => {}
            }
        }
        events
    }

    fn lines() -> impl Strategy<Value = String> {
        let line = prop_oneof!["", "", ":c", "event: (a|content)", "data: ?[a-zé:]{0,8}", "data", "id: 1", "retry"];
        let end = prop_oneof!["\n", "\r\n", "\r"];
        // `event` in front of `data`, as every API writes it: asked at the first data line, the name must be there.
        vec((line, end), 0..30).prop_map(|lines| lines.into_iter().map(|(line, end)| line + &end).collect())
    }

    proptest! {
        #[test]
        fn chunks_may_be_cut_anywhere(stream in lines(), size in 1usize..20) {
            prop_assert_eq!(scan([stream.as_bytes()]), scan(stream.as_bytes().chunks(size)));
        }

        #[test]
        fn it_reads_what_another_parser_reads(stream in lines().prop_filter("names go first", |stream| names_go_first(stream))) {
            prop_assert_eq!(scan([stream.as_bytes()]), oracle(&stream));
        }
    }

    fn names_go_first(stream: &str) -> bool {
        let unified = stream.replace("\r\n", "\n").replace('\r', "\n");
        unified.split("\n\n").all(|event| match (event.rfind("event"), event.find("data")) {
            (Some(name), Some(data)) => name < data,
            _ => true,
        })
    }
}
