//! What must not be written down is taken out of a body before it is.
//!
//! A path names values by the keys that lead to them: `/messages/*/content` is the content of every message. Segments
//! are separated by `/`; `*` stands for any key or index; `~1` is a `/` in a key and `~0` a `~`, as in JSON pointers.
//! A value that a path names is replaced whole, whatever is in it.
//!
//! Bodies are cut at a limit before they come here, so the reader works on the beginning of a JSON text as well as on
//! a whole one: what it does not understand, and all behind that, it leaves out.
//!
//! ```
//! use ccflare_core::record::Redaction;
//!
//! let redaction = Redaction::parse(["/messages/*/content"]).unwrap();
//! let cut = br#"{"model": "m", "messages": [{"role": "user", "content": "my secr"#;
//! let kept = redaction.body("application/json", cut);
//! assert_eq!(kept, br#"{"model": "m", "messages": [{"role": "user", "content": "[redacted]""#);
//! ```

use std::borrow::Cow;

use memchr::memmem;

/// What takes the place of a value.
const REDACTED: &[u8] = b"\"[redacted]\"";

/// Deeper JSON is left out.
const DEPTH: usize = 128;

/// How API keys and tokens of Anthropic begin, wherever they stand.
pub(super) const KEY: &[u8] = b"sk-ant-";

/// What to take out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redaction {
    paths: Vec<Vec<Segment>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Any,
    Key(String),
}

/// A path that names nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no path such as /messages/*/content")]
pub struct PathError(String);

impl Redaction {
    /// Takes out what `paths` name, besides what looks like a key.
    ///
    /// # Errors
    /// [`PathError`] for a path that does not begin with `/`, has an empty segment, or a `~` before anything but 0 or 1.
    pub fn parse<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<Self, PathError> {
        let path = |text: &str| {
            let segments = text.strip_prefix('/').map(|rest| rest.split('/').map(Segment::parse).collect());
            segments.flatten().ok_or_else(|| PathError(text.to_owned()))
        };
        Ok(Self { paths: paths.into_iter().map(path).collect::<Result<_, _>>()? })
    }

    /// What may be kept of a body of this content type: JSON and event streams without the values that paths name. Of
    /// other types nothing is kept if there are paths, for nobody can say what they would name there.
    #[must_use]
    pub fn body(&self, content_type: &str, body: &[u8]) -> Vec<u8> {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let kept = match kind.as_str() {
            _ if self.paths.is_empty() => body.to_vec(),
            "application/json" => self.json(body),
            "text/event-stream" => self.events(body),
            _ => Vec::new(),
        };
        mask(kept, KEY)
    }

    /// A JSON text, whole or cut.
    fn json(&self, text: &[u8]) -> Vec<u8> {
        let mut reader = Reader { text, at: 0, out: Vec::with_capacity(text.len()), hidden: false };
        let paths: Vec<_> = self.paths.iter().map(Vec::as_slice).collect();
        // Where it stops is where the text is over, or can't be understood any more.
        let _ = reader.value(&paths, DEPTH);
        reader.out
    }

    /// An event stream: the data of each event is one JSON text. Only data and names of events are kept.
    fn events(&self, stream: &[u8]) -> Vec<u8> {
        let (mut out, mut data) = (Vec::with_capacity(stream.len()), Vec::new());
        let flush = |data: &mut Vec<u8>, out: &mut Vec<u8>| {
            if !data.is_empty() {
                for line in self.json(data).split(|byte| *byte == b'\n') {
                    out.extend_from_slice(&[b"data: ", line, b"\n"].concat());
                }
                data.clear();
            }
        };
        for line in lines(stream) {
            if let Some(value) = field(line, b"data") {
                if !data.is_empty() {
                    data.push(b'\n');
                }
                data.extend_from_slice(value);
            } else if line.is_empty() {
                flush(&mut data, &mut out);
                if !out.is_empty() && !out.ends_with(b"\n\n") {
                    out.push(b'\n');
                }
            } else if field(line, b"event").is_some() {
                out.extend_from_slice(&[line, b"\n"].concat());
            }
        }
        flush(&mut data, &mut out);
        out
    }
}

/// Lines end with LF, CR LF or CR.
fn lines(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = stream.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    whole.flat_map(|line| line.split(|byte| *byte == b'\r'))
}

fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let value = line.strip_prefix(name)?.strip_prefix(b":")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

impl Segment {
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        while let Some(at) = rest.find('~') {
            rest = rest[at + 1..].strip_prefix(['0', '1'])?;
        }
        match text {
            "" => None,
            "*" => Some(Self::Any),
            text => Some(Self::Key(text.replace("~1", "/").replace("~0", "~"))),
        }
    }

    fn fits(&self, key: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Key(wanted) => wanted == key,
        }
    }
}

/// Puts stars in the place of every word that begins with `start`.
pub(super) fn mask(text: Vec<u8>, start: &[u8]) -> Vec<u8> {
    if start.is_empty() || memmem::find(&text, start).is_none() {
        return text;
    }
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text.as_slice());
    while let Some(at) = memmem::find(rest, start) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(b"[redacted]");
        rest = &rest[at + start.len()..];
        let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')).count();
        rest = &rest[word..];
    }
    out.extend_from_slice(rest);
    out
}

/// Takes the beginning of `word` from the end of a text that was cut there.
pub(super) fn mask_end(mut text: Vec<u8>, word: &[u8]) -> Vec<u8> {
    let longest = (TELLING..=word.len().min(text.len())).rev().find(|length| text.ends_with(&word[..*length]));
    text.truncate(text.len() - longest.unwrap_or(0));
    text
}

/// So much of a credential's beginning tells something.
const TELLING: usize = 4;

/// The text is over, or is no JSON from here on.
struct Stop;

/// Copies a JSON text but for what paths name.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    out: Vec<u8>,
    /// Within a value that is named: nothing is copied.
    hidden: bool,
}

impl<'a> Reader<'a> {
    /// One value. `paths` are what is left of those that lead here.
    fn value(&mut self, paths: &[&[Segment]], depth: usize) -> Result<(), Stop> {
        self.space();
        if !self.hidden && paths.iter().any(|path| path.is_empty()) {
            // Only where there is a value: a text that ends here has none.
            self.peek()?;
            self.out.extend_from_slice(REDACTED);
            self.hidden = true;
            self.value(&[], depth)?;
            self.hidden = false;
            return Ok(());
        }
        match self.peek()? {
            b'{' => self.object(paths, depth.checked_sub(1).ok_or(Stop)?),
            b'[' => self.array(paths, depth.checked_sub(1).ok_or(Stop)?),
            b'"' => self.string(),
            _ => self.word(),
        }
    }

    fn object(&mut self, paths: &[&[Segment]], depth: usize) -> Result<(), Stop> {
        self.take(b'{')?;
        self.space();
        if self.peek()? == b'}' {
            return self.take(b'}');
        }
        loop {
            self.space();
            let key = self.key()?;
            self.space();
            self.take(b':')?;
            self.value(&below(paths, &key), depth)?;
            self.space();
            match self.peek()? {
                b',' => self.take(b',')?,
                _ => return self.take(b'}'),
            }
        }
    }

    fn array(&mut self, paths: &[&[Segment]], depth: usize) -> Result<(), Stop> {
        self.take(b'[')?;
        self.space();
        if self.peek()? == b']' {
            return self.take(b']');
        }
        for index in 0_usize.. {
            let below = if paths.is_empty() { Vec::new() } else { below(paths, &index.to_string()) };
            self.value(&below, depth)?;
            self.space();
            match self.peek()? {
                b',' => self.take(b',')?,
                _ => break,
            }
        }
        self.take(b']')
    }

    /// A key, copied once it is whole: half of one could be anything.
    fn key(&mut self) -> Result<Cow<'a, str>, Stop> {
        let end = self.string_end().ok_or(Stop)?;
        let raw = &self.text[self.at..end];
        let key = if raw.contains(&b'\\') {
            Cow::Owned(serde_json::from_slice(raw).map_err(|_| Stop)?)
        } else {
            Cow::Borrowed(std::str::from_utf8(&raw[1..raw.len() - 1]).map_err(|_| Stop)?)
        };
        self.copy_to(end);
        Ok(key)
    }

    /// A text value, or the beginning of one.
    fn string(&mut self) -> Result<(), Stop> {
        let end = self.string_end();
        self.copy_to(end.unwrap_or(self.text.len()));
        end.map(drop).ok_or(Stop)
    }

    /// Behind the closing quote of the string that begins here.
    fn string_end(&self) -> Option<usize> {
        if self.text.get(self.at) != Some(&b'"') {
            return None;
        }
        let mut at = self.at + 1;
        loop {
            at += memchr::memchr2(b'"', b'\\', self.text.get(at..)?)?;
            match self.text[at] {
                b'"' => return Some(at + 1),
                _ => at += 2,
            }
        }
    }

    /// A number, `true`, `false` or `null`, or the beginning of one.
    fn word(&mut self) -> Result<(), Stop> {
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
        let word = &rest[..length];
        let is_number = word.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
        let is_cut = length == rest.len();
        let is_name =
            [&b"true"[..], b"false", b"null"].iter().any(|name| *name == word || is_cut && name.starts_with(word));
        if length == 0 || !(is_number || is_name) {
            return Err(Stop);
        }
        self.copy_to(self.at + length);
        Ok(())
    }

    fn space(&mut self) {
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.copy_to(self.at + length);
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.text.get(self.at).copied().ok_or(Stop)
    }

    fn take(&mut self, byte: u8) -> Result<(), Stop> {
        if self.peek()? != byte {
            return Err(Stop);
        }
        self.copy_to(self.at + 1);
        Ok(())
    }

    fn copy_to(&mut self, end: usize) {
        if !self.hidden {
            self.out.extend_from_slice(&self.text[self.at..end]);
        }
        self.at = end;
    }
}

/// What is left of the paths that go on with `key`.
fn below<'a>(paths: &[&'a [Segment]], key: &str) -> Vec<&'a [Segment]> {
    let left = paths.iter().filter_map(|path| path.split_first());
    left.filter(|(first, _)| first.fits(key)).map(|(_, rest)| rest).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn redaction(paths: &[&str]) -> Redaction {
        Redaction::parse(paths.iter().copied()).expect("paths")
    }

    fn json(paths: &[&str], text: &str) -> String {
        String::from_utf8(redaction(paths).body("application/json", text.as_bytes())).expect("text")
    }

    #[test]
    fn what_a_path_names_is_replaced_whole() {
        for (paths, text, kept) in [
            (&["/a"][..], r#"{"a": {"b": [1, "x"]}, "c": 1}"#, r#"{"a": "[redacted]", "c": 1}"#),
            (
                &["/m/*/content"],
                r#"{"m":[{"content":"x"},{"content":[{}],"r":1}]}"#,
                r#"{"m":[{"content":"[redacted]"},{"content":"[redacted]","r":1}]}"#,
            ),
            (&["/m/1"], r#"{"m":[1,2,3]}"#, r#"{"m":[1,"[redacted]",3]}"#),
            (&["/*"], r#"{"a":1,"b":null}"#, r#"{"a":"[redacted]","b":"[redacted]"}"#),
            (&["/a~1b", "/c~0d"], r#"{"a/b":1,"c~d":2,"e":3}"#, r#"{"a/b":"[redacted]","c~d":"[redacted]","e":3}"#),
            (&["/a"], r#"{"\u0061":"x","a":"y"}"#, r#"{"\u0061":"[redacted]","a":"[redacted]"}"#),
            (&["/a/b"], r#"{"a":"b","b":1}"#, r#"{"a":"b","b":1}"#),
        ] {
            assert_eq!(json(paths, text), kept, "{paths:?} {text}");
        }
    }

    #[test]
    fn a_path_that_names_nothing_is_an_error() {
        for wrong in ["", "a", "/", "/a//b", "/a~2", "/a~"] {
            assert!(Redaction::parse([wrong]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_cut_text_gives_nothing_away_wherever_it_is_cut() {
        let text =
            r#"{"a":[1,{"s":"canary-\"canary","t":"open"}],"s":{"x":"canary"},"\u0073":"canary","z":[true,null]}"#;
        for end in 0..=text.len() {
            let kept = json(&["/s", "/a/*/s"], &text[..end]);
            assert!(!kept.contains("can"), "{end}: {kept}");
        }
        assert!(json(&["/s", "/a/*/s"], text).ends_with(r#""z":[true,null]}"#));
    }

    #[test]
    fn what_is_no_json_is_left_out_from_there_on() {
        for (text, kept) in [
            ("canary", ""),
            ("{\"a\":canary}", "{\"a\":"),
            ("{\"a\":1 canary", "{\"a\":1 "),
            ("{canary", "{"),
            ("{\"a\":1}canary", "{\"a\":1}"),
        ] {
            assert_eq!(json(&["/s"], text), kept, "{text}");
        }
        let deep = "[".repeat(10_000);
        assert_eq!(json(&["/s"], &deep).len(), DEPTH);
        assert!(redaction(&["/s"]).body("text/plain", b"canary").is_empty());
        assert_eq!(redaction(&[]).body("text/plain", b"kept"), b"kept");
    }

    #[test]
    fn each_event_of_a_stream_is_a_text_of_its_own() {
        let stream = "event: a\r\ndata: {\"delta\":\r\ndata: {\"text\":\"canary\"}}\r\n\r\n: canary\ndata: {\"x\":1}\n\ndata: {\"delta\":{\"te";
        let kept = redaction(&["/delta/text"]).body("text/event-stream; charset=utf-8", stream.as_bytes());
        let kept = String::from_utf8(kept).expect("text");
        assert!(!kept.contains("canary"), "{kept}");
        assert!(kept.starts_with("event: a\n") && kept.contains("data: {\"x\":1}\n\n"), "{kept}");
    }

    #[test]
    fn keys_are_masked_wherever_they_stand() {
        let kept = json(&[], r#"{"a":"key sk-ant-api03-canary_1-x, sk-ant-oat01-canary"}"#);
        assert_eq!(kept, r#"{"a":"key [redacted], [redacted]"}"#);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z\"\\\\é\n]{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[ab\"\\\\]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn model(value: &mut Value, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else {
            *value = json!("[redacted]");
            return;
        };
        match value {
            Value::Object(map) => map
                .iter_mut()
                .filter(|(key, _)| *first == "*" || key == first)
                .for_each(|(_, value)| model(value, rest)),
            Value::Array(all) => all
                .iter_mut()
                .enumerate()
                .filter(|(at, _)| *first == "*" || at.to_string() == *first)
                .for_each(|(_, value)| model(value, rest)),
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn a_whole_text_loses_what_is_named_and_nothing_else(
            value in any_json(), path in proptest::collection::vec(prop_oneof![Just("*"), Just("a"), Just("b"), Just("0")], 1..4),
        ) {
            let text = value.to_string();
            let kept = redaction(&[&format!("/{}", path.join("/"))]).body("application/json", text.as_bytes());
            let mut expected = value;
            model(&mut expected, &path);
            prop_assert_eq!(serde_json::from_slice::<Value>(&kept).expect("JSON"), expected);
        }

        #[test]
        fn no_bytes_make_it_panic(text in proptest::collection::vec(any::<u8>(), 0..64)) {
            let redaction = redaction(&["/a/*", "/*/b"]);
            let _ = redaction.body("application/json", &text);
            let _ = redaction.body("text/event-stream", &text);
        }
    }
}
