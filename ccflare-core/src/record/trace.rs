//! W3C trace context: which trace a request belongs to, and whose part of it.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header.
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What a `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace's id; never 0.
    pub trace: u128,
    /// The span that the request is a part of; never 0.
    pub parent: u64,
    /// Bit 0: whoever sent it keeps the trace.
    pub flags: u8,
}

impl TraceParent {
    /// Reads `VERSION-TRACE-PARENT-FLAGS`; what a later version adds behind is left out. Nothing, if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let version = hex(fields.next()?, 2)?;
        let (trace, parent) = (hex(fields.next()?, 32)?, u64::try_from(hex(fields.next()?, 16)?).ok()?);
        let flags = u8::try_from(hex(fields.next()?, 2)?).ok()?;
        let is_whole = version != 0 || fields.next().is_none();
        (version != 0xff && trace != 0 && parent != 0 && is_whole).then_some(Self { trace, parent, flags })
    }

    /// Whether whoever sent it keeps the trace.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }

    /// Puts a span of ours between the client's and what the upstream makes of it: the trace stays, the parent is the new
    /// span. Does nothing to a trace that nobody keeps. Returns the span.
    pub(super) fn continue_in(headers: &mut HeaderMap) -> Option<u64> {
        let given = Self::parse(headers.get(&TRACEPARENT)?.to_str().ok()?).filter(|given| given.is_sampled())?;
        let span = rand::random::<u64>().max(1);
        let ours = HeaderValue::try_from(Self { parent: span, ..given }.to_string()).ok()?;
        headers.insert(TRACEPARENT, ours);
        Some(span)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.parent, self.flags)
    }
}

/// Exactly so many lower-case digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_lower = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (text.len() == digits && is_lower).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_written_is_read_and_what_is_none_is_not() {
        let parsed = TraceParent::parse(GIVEN).expect("a parent");
        assert_eq!((parsed.to_string(), parsed.is_sampled()), (GIVEN.to_owned(), true));
        assert_eq!(TraceParent::parse(&GIVEN.replacen("00", "01", 1)).map(|it| it.trace), Some(parsed.trace));
        assert!(TraceParent::parse(&format!("cc{}-what-comes", &GIVEN[2..])).is_some(), "a later version says more");
        let wrong = [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ];
        for wrong in wrong {
            assert_eq!(TraceParent::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_trace_goes_on_through_a_span_of_ours_unless_nobody_keeps_it() {
        let mut headers = HeaderMap::new();
        assert_eq!(TraceParent::continue_in(&mut headers), None);
        assert!(headers.is_empty(), "nothing is made up");
        headers.insert(TRACEPARENT, HeaderValue::from_static(GIVEN));
        let span = TraceParent::continue_in(&mut headers).expect("a span");
        let sent = TraceParent::parse(headers[TRACEPARENT].to_str().expect("text")).expect("a parent");
        let given = TraceParent::parse(GIVEN).expect("a parent");
        assert_eq!((sent.trace, sent.parent, sent.flags), (given.trace, span, 1));
        let unkept = HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
        headers.insert(TRACEPARENT, unkept.clone());
        assert_eq!((TraceParent::continue_in(&mut headers), &headers[TRACEPARENT]), (None, &unkept));
    }
}
