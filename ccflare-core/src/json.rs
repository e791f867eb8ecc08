//! Reads what it is asked for out of a JSON text and runs over the rest at the speed of memory: bodies are long, and what
//! matters in them is little. Nothing is copied, and nothing is kept.
//!
//! It reads leniently. Braces are counted but not matched, words and numbers are not checked, and what is of another kind
//! than it should be is as good as absent, so that one odd field does not cost the others. Only a text that breaks is an
//! error. What has to be certain is read by `serde_json`.

use std::borrow::Cow;

use memchr::memchr;

/// The text broke, or who reads has seen enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop;

/// So many words of a string are looked at one by one: most strings are shorter than what a search needs to begin.
const SHORT: usize = 8;

/// A place in a JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// At the beginning of `text`.
    pub(crate) const fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    /// Gives `each` the keys of an object, as they stand between their quotes; it reads or skips the value behind each.
    /// Anything else is skipped. Says whether it was an object.
    ///
    /// # Errors
    /// [`Stop`] if the text breaks, and when `each` says so.
    pub(crate) fn object(
        &mut self,
        mut each: impl FnMut(&'a [u8], &mut Self) -> Result<(), Stop>,
    ) -> Result<bool, Stop> {
        self.elements(b'{', b'}', |reader| {
            let key = reader.between_quotes()?;
            reader.take(b':')?;
            each(key, reader)
        })
    }

    /// Has `each` read or skip the elements of a list. Anything else is skipped. Says whether it was a list.
    ///
    /// # Errors
    /// [`Stop`] if the text breaks, and when `each` says so.
    pub(crate) fn list(&mut self, each: impl FnMut(&mut Self) -> Result<(), Stop>) -> Result<bool, Stop> {
        self.elements(b'[', b']', each)
    }

    /// A text, as it stands between its quotes; `None` if it is something else, which is skipped.
    pub(crate) fn text(&mut self) -> Result<Option<&'a [u8]>, Stop> {
        if self.peek()? == b'"' { self.between_quotes().map(Some) } else { self.skip().map(|()| None) }
    }

    /// A whole number; `None` if it is something else, which is skipped.
    pub(crate) fn number(&mut self) -> Result<Option<u64>, Stop> {
        let text = self.value()?;
        let digit = |sum: u64, byte: &u8| sum.checked_mul(10)?.checked_add(u64::from(byte.wrapping_sub(b'0')));
        let is_number = text.iter().all(u8::is_ascii_digit);
        Ok(if is_number { text.iter().try_fold(0, digit) } else { None })
    }

    /// Any value, as it stands.
    pub(crate) fn value(&mut self) -> Result<&'a [u8], Stop> {
        self.peek()?;
        let from = self.rest;
        self.skip()?;
        Ok(&from[..from.len() - self.rest.len()])
    }

    /// Runs over a value of whatever kind.
    pub(crate) fn skip(&mut self) -> Result<(), Stop> {
        match self.peek()? {
            b'"' => drop(self.between_quotes()?),
            b'{' | b'[' => self.skip_nested()?,
            _ => {
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b':' | b'"') || byte.is_ascii_whitespace();
                let length = self.rest.iter().position(ends).unwrap_or(self.rest.len());
                if length == 0 {
                    return Err(Stop);
                }
                self.advance(length);
            }
        }
        Ok(())
    }

    /// Whether nothing but white space is left.
    fn is_over(&mut self) -> bool {
        self.peek().is_err()
    }

    fn elements(
        &mut self,
        opens: u8,
        closes: u8,
        mut each: impl FnMut(&mut Self) -> Result<(), Stop>,
    ) -> Result<bool, Stop> {
        if self.peek()? != opens {
            self.skip()?;
            return Ok(false);
        }
        self.advance(1);
        if self.peek()? == closes {
            self.advance(1);
            return Ok(true);
        }
        loop {
            each(self)?;
            let next = self.peek()?;
            self.advance(1);
            match next {
                b',' => {}
                end if end == closes => return Ok(true),
                _ => return Err(Stop),
            }
        }
    }

    /// What the next value begins with: the next byte that is not white space.
    ///
    /// # Errors
    /// [`Stop`] at the end.
    pub(crate) fn peek(&mut self) -> Result<u8, Stop> {
        loop {
            match self.rest {
                [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] => self.rest = rest,
                [byte, ..] => return Ok(*byte),
                [] => return Err(Stop),
            }
        }
    }

    fn take(&mut self, expected: u8) -> Result<(), Stop> {
        if self.peek()? != expected {
            return Err(Stop);
        }
        self.advance(1);
        Ok(())
    }

    fn advance(&mut self, by: usize) {
        self.rest = &self.rest[by..];
    }

    /// A string's inside.
    fn between_quotes(&mut self) -> Result<&'a [u8], Stop> {
        self.take(b'"')?;
        let length = end_of_string(self.rest).ok_or(Stop)?;
        let inside = &self.rest[..length];
        self.advance(length + 1);
        Ok(inside)
    }

    /// Everything to the brace that closes the one that stands here.
    fn skip_nested(&mut self) -> Result<(), Stop> {
        let mut depth = 0_usize;
        let mut at = 0;
        while let Some(byte) = self.rest.get(at) {
            at += 1;
            match byte {
                b'"' => at += end_of_string(&self.rest[at..]).ok_or(Stop)? + 1,
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 1 => {
                    self.advance(at);
                    return Ok(());
                }
                b'}' | b']' => depth -= 1,
                _ => {}
            }
        }
        Err(Stop)
    }
}

/// Gives `each` the keys of the object that `text` is.
///
/// # Errors
/// [`Stop`] if it is no object, breaks, or goes on behind its end, and when `each` says so.
pub(crate) fn object<'a>(
    text: &'a [u8],
    each: impl FnMut(&'a [u8], &mut Reader<'a>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut reader = Reader::new(text);
    let is_object = reader.object(each)?;
    if is_object && reader.is_over() { Ok(()) } else { Err(Stop) }
}

/// What a text means that stands so between its quotes; copied only if it has escapes. `None` if that is no text: half a
/// surrogate, or bytes that are not UTF-8.
pub(crate) fn unescaped(inside: &[u8]) -> Option<Cow<'_, str>> {
    if memchr(b'\\', inside).is_none() {
        return std::str::from_utf8(inside).ok().map(Cow::Borrowed);
    }
    let quoted = [b"\"", inside, b"\""].concat();
    serde_json::from_slice(&quoted).ok().map(Cow::Owned)
}

/// Where the quote is that ends a string, whose inside begins here: the first that no backslash stands for.
fn end_of_string(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += next_quote(&text[at..])?;
        let backslashes = text[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        // Each pair of them is one that is meant.
        if backslashes % 2 == 0 {
            return Some(at);
        }
        at += 1;
    }
}

fn next_quote(text: &[u8]) -> Option<usize> {
    let (words, _) = text.as_chunks::<8>();
    for (index, word) in words.iter().take(SHORT).enumerate() {
        let hits = zeroes(u64::from_le_bytes(*word) ^ every(b'"'));
        if hits != 0 {
            return Some(index * 8 + hits.trailing_zeros() as usize / 8);
        }
    }
    let searched = words.len().min(SHORT) * 8;
    Some(searched + memchr(b'"', &text[searched..])?)
}

/// A word of this byte alone.
const fn every(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Marks the lowest byte of a word that is zero by its highest bit; higher ones may be marked wrongly.
const fn zeroes(word: u64) -> u64 {
    word.wrapping_sub(every(1)) & !word & every(0x80)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Puts a text together again by reading all of it.
    fn read(reader: &mut Reader<'_>) -> Result<Value, Stop> {
        match reader.peek()? {
            b'{' => {
                let mut map = serde_json::Map::new();
                reader.object(|key, value| {
                    map.insert(unescaped(key).expect("a key").into_owned(), read(value)?);
                    Ok(())
                })?;
                Ok(map.into())
            }
            b'[' => {
                let mut list = Vec::new();
                reader.list(|value| {
                    list.push(read(value)?);
                    Ok(())
                })?;
                Ok(list.into())
            }
            b'"' => Ok(unescaped(reader.text()?.expect("it begins like a text")).expect("a text").into()),
            _ => Ok(serde_json::from_slice(reader.value()?).expect("a word or a number")),
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let text = "[a-c\"\\\\\\n\\{\\}\\[\\],:é]{0,40}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::hash_map(text, inner, 0..5).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(value in json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let text = text.expect("JSON");
            let mut reader = Reader::new(text.as_bytes());
            prop_assert_eq!(read(&mut reader), Ok(value));
            prop_assert!(reader.is_over());
            let mut reader = Reader::new(text.as_bytes());
            prop_assert_eq!(reader.value(), Ok(text.as_bytes()));
        }

        #[test]
        fn an_object_that_is_cut_is_an_error(value in json(), keep in 0.0..1.0) {
            let text = serde_json::json!({ "key": value }).to_string();
            let cut = &text.as_bytes()[..(text.len() as f64 * keep) as usize];
            prop_assert_eq!(Reader::new(cut).skip(), Err(Stop));
            prop_assert_eq!(Reader::new(cut).object(|_, value| value.skip()), Err(Stop));
        }

        #[test]
        fn no_bytes_make_it_panic(text in "[ \"\\\\a0\\{\\}\\[\\],:é]{0,60}") {
            let mut reader = Reader::new(text.as_bytes());
            let _ = reader.clone().skip();
            let _ = reader.clone().number();
            let _ = reader.clone().text();
            let _ = reader.clone().list(|element| element.skip());
            let _ = reader.object(|_, value| value.object(|_, inner| inner.skip()).map(drop));
        }
    }

    #[test]
    fn a_number_is_whole_or_none() {
        for (text, number) in [
            ("0", Some(0)),
            (" 18446744073709551615 ", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-1", None),
            ("1.0", None),
            ("1e3", None),
            ("null", None),
            ("\"1\"", None),
            ("{\"a\":1}", None),
        ] {
            assert_eq!(Reader::new(text.as_bytes()).number(), Ok(number), "{text}");
        }
    }

    #[test]
    fn who_has_seen_enough_reads_no_further() {
        let mut keys = Vec::new();
        let mut reader = Reader::new(b"{\"a\":1,\"b\":[], and then it breaks");
        let stopped = reader.object(|key, value| {
            keys.push(key);
            if key == b"b" { Err(Stop) } else { value.skip() }
        });
        assert_eq!((stopped, keys), (Err(Stop), vec![&b"a"[..], b"b"]));
    }
}
