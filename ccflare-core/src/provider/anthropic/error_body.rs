//! What an error body says, for judging and for people.

use http::StatusCode;
use serde_json::Value;

use crate::domain::Timestamp;

/// The longest evidence kept, in characters.
const LONGEST: usize = 160;

/// An error as far as it could be read. Everything may be missing: errors from the edge are not the API's JSON.
#[derive(Debug, Default)]
pub(super) struct ErrorBody {
    /// `error.type`, such as `permission_error`.
    pub(super) kind: Option<String>,
    /// `error.details.error_code`, such as `organization_on_hold`. Never the client's words.
    pub(super) code: Option<String>,
    /// `error.message`. May quote the request.
    pub(super) message: String,
}

impl ErrorBody {
    /// Reads what can be read: the API's own shape, OAuth's (`error` is the code), or plain text.
    pub(super) fn read(body: &[u8]) -> Self {
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            let text = String::from_utf8_lossy(body);
            // A page of the edge is no message to anybody.
            let message = if text.trim_start().starts_with('<') { String::new() } else { text.into_owned() };
            return Self { message, ..Self::default() };
        };
        let text = |pointer| json.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Self {
            kind: text("/error/type").or_else(|| text("/error")),
            code: text("/error/details/error_code"),
            message: text("/error/message").or_else(|| text("/error_description")).unwrap_or_default(),
        }
    }

    /// Whether it says that its subject is the model asked for: by name, or in the API's words for an unknown one.
    pub(super) fn names(&self, model: &str) -> bool {
        self.message.starts_with("model:") || (!model.is_empty() && self.message.contains(model))
    }

    /// When access returns, as the message about a spend limit that its owner set says:
    /// "… You will regain access on 2026-04-01 at 00:00 UTC."
    pub(super) fn regain(&self) -> Option<Timestamp> {
        let (_, moment) = self.message.split_once("regain access on ")?;
        let (date, time) = (moment.get(..10)?, moment.get(10..)?.strip_prefix(" at ").and_then(|time| time.get(..5)));
        Timestamp::parse_rfc3339(&format!("{date}T{}:00Z", time.unwrap_or("00:00")))
    }

    /// The error in one line for people, without anything that could be a key.
    pub(super) fn evidence(&self, status: StatusCode) -> String {
        let label = self.code.as_deref().or(self.kind.as_deref()).unwrap_or_default();
        match (label, self.message.trim()) {
            ("", "") => status.to_string(),
            (text, "") | ("", text) => one_line(text),
            (label, message) => one_line(&format!("{label}: {message}")),
        }
    }
}

/// The text as a single line of at most [`LONGEST`] characters: white space folded, control and direction characters
/// gone, keys cut.
pub(super) fn one_line(text: &str) -> String {
    let visible: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    let folded = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    let safe = without_keys(&folded);
    match safe.char_indices().nth(LONGEST - 1) {
        Some((end, last)) if end + last.len_utf8() < safe.len() => format!("{}…", &safe[..end]),
        _ => safe,
    }
}

/// Characters that would move a terminal's cursor or hide what stands next to them. Line breaks are white space.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Cuts what looks like a key: anything from `sk-ant-` on, and runs too long to be a word or an id.
fn without_keys(text: &str) -> String {
    const LONGEST_ID: usize = 40;
    let mut safe = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| !is_key_char(c)) {
        let run = piece.trim_end_matches(|c: char| !is_key_char(c));
        let start = run.find("sk-ant-").or((run.len() > LONGEST_ID).then_some(0));
        match start {
            Some(start) => safe.extend([&run[..start], "[key]", &piece[run.len()..]]),
            None => safe.push_str(piece),
        }
    }
    safe
}

const fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn evidence(body: &str) -> String {
        ErrorBody::read(body.as_bytes()).evidence(StatusCode::UNAUTHORIZED)
    }

    #[test]
    fn evidence_is_the_code_or_type_and_the_message() {
        for (body, line) in [
            (
                r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_1"}"#,
                "authentication_error: invalid x-api-key",
            ),
            (
                r#"{"error":{"type":"invalid_request_error","message":"On hold.","details":{"error_code":"organization_on_hold"}}}"#,
                "organization_on_hold: On hold.",
            ),
            (
                r#"{"error":"invalid_grant","error_description":"Refresh token not found"}"#,
                "invalid_grant: Refresh token not found",
            ),
            (r#"{"error":{"type":7,"message":["x"]}}"#, "401 Unauthorized"),
            (r#"{"error":{"message":"only this"}}"#, "only this"),
            (r#"{"error":"#, r#"{"error":"#),
            ("no healthy\r\n\tupstream", "no healthy upstream"),
            ("<html><body>502</body></html>", "401 Unauthorized"),
            ("", "401 Unauthorized"),
        ] {
            assert_eq!(evidence(body), line);
        }
    }

    #[test]
    fn evidence_carries_no_key() {
        for text in [
            "bad key sk-ant-api03-canary_canary-AA!",
            "x=sk-ant-oat01-canary",
            "Bearer canarycanarycanarycanarycanarycanarycanary",
            "sk-\u{0}ant-canary",
            "sk-\u{200b}ant-canary",
        ] {
            let line = one_line(text);
            assert!(line.contains("[key]") && !line.contains("canary"), "{line}");
        }
        assert_eq!(one_line("key (sk-ant-x), claude-opus-5-5"), "key ([key]), claude-opus-5-5");
    }

    #[test]
    fn the_return_of_access_is_read_from_the_message() {
        for (message, moment) in [
            ("You will regain access on 2026-12-01 at 00:00 UTC.", Some("2026-12-01T00:00:00.000Z")),
            ("You will regain access on 2026-12-01 at 17:30 UTC.", Some("2026-12-01T17:30:00.000Z")),
            ("You will regain access on 2026-12-01.", Some("2026-12-01T00:00:00.000Z")),
            ("You will regain access on Tuesday.", None),
            ("You will regain access on ääääääää", None),
            ("", None),
        ] {
            let error = ErrorBody { message: message.to_owned(), ..ErrorBody::default() };
            assert_eq!(error.regain().map(|at| at.to_string()).as_deref(), moment, "{message}");
        }
    }

    proptest! {
        #[test]
        fn evidence_is_one_short_printable_line(body in any::<Vec<u8>>(), message in any::<String>()) {
            let json = serde_json::json!({"error": {"type": "api_error", "message": message}}).to_string();
            for line in [ErrorBody::read(&body), ErrorBody::read(json.as_bytes())].map(|e| e.evidence(StatusCode::CONFLICT)) {
                prop_assert!(line.chars().count() <= LONGEST);
                prop_assert!(!line.chars().any(char::is_control));
            }
        }
    }
}
