//! Finished requests as files: a table for spreadsheets, or a line of JSON each.

use std::str::FromStr;

use super::{ControlError, views::RequestView};

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Comma-separated values (RFC 4180) with a head.
    Csv,
    /// A JSON object a line.
    JsonLines,
}

impl FromStr for ExportFormat {
    type Err = ControlError;

    fn from_str(word: &str) -> Result<Self, ControlError> {
        match word {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::JsonLines),
            _ => Err(ControlError::Invalid("format must be csv or jsonl".to_owned())),
        }
    }
}

/// Reads a column from a request.
type Read = fn(&RequestView) -> String;

/// The columns, and how each is read.
const COLUMNS: [(&str, Read); 30] = [
    ("id", |request| request.id.clone()),
    ("timestamp", |request| request.timestamp.clone()),
    ("method", |request| request.method.clone()),
    ("path", |request| request.path.clone()),
    ("account", |request| text(request.account_used.as_ref())),
    ("model", |request| text(request.model.as_ref())),
    ("model_asked", |request| text(request.model_asked.as_ref())),
    ("agent", |request| text(request.agent_used.as_ref())),
    ("subagent", |request| text(request.subagent.as_ref())),
    ("parent_subagent", |request| text(request.parent_subagent.as_ref())),
    ("session", |request| text(request.session.as_ref())),
    ("workspace", |request| text(request.workspace.as_ref())),
    ("client_key", |request| text(request.client_key.as_ref())),
    ("status", |request| text(request.status_code.as_ref())),
    ("outcome", |request| request.outcome.clone()),
    ("success", |request| request.success.to_string()),
    ("error", |request| text(request.error_message.as_ref())),
    ("attempts", |request| request.attempts.len().to_string()),
    ("failovers", |request| request.failover_attempts.to_string()),
    ("response_time_ms", |request| text(request.response_time_ms.as_ref())),
    ("time_to_first_token_ms", |request| text(request.time_to_first_token_ms.as_ref())),
    ("tokens_per_second", |request| text(request.tokens_per_second.as_ref())),
    ("input_tokens", |request| text(request.input_tokens.as_ref())),
    ("cache_read_input_tokens", |request| text(request.cache_read_input_tokens.as_ref())),
    ("cache_creation_5m_input_tokens", |request| text(request.cache_creation5m_input_tokens.as_ref())),
    ("cache_creation_1h_input_tokens", |request| text(request.cache_creation1h_input_tokens.as_ref())),
    ("output_tokens", |request| text(request.output_tokens.as_ref())),
    ("cost_nano_usd", |request| text(request.cost_nano_usd.as_ref())),
    ("request_bytes", |request| request.request_bytes.to_string()),
    ("response_bytes", |request| request.response_bytes.to_string()),
];

impl ExportFormat {
    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/jsonl",
        }
    }

    /// How files of it end.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    /// What stands at the beginning of the file.
    #[must_use]
    pub fn head(self) -> String {
        match self {
            Self::Csv => line(COLUMNS.iter().map(|(name, _)| (*name).to_owned())),
            Self::JsonLines => String::new(),
        }
    }

    /// One request.
    #[must_use]
    pub fn row(self, request: &RequestView) -> String {
        match self {
            Self::Csv => line(COLUMNS.iter().map(|(_, read)| read(request))),
            // Its keys are text, and nothing in it can fail.
            Self::JsonLines => serde_json::to_string(request).unwrap_or_default() + "\n",
        }
    }
}

fn text<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn line(fields: impl Iterator<Item = String>) -> String {
    let fields: Vec<_> = fields.map(|field| quoted(&harmless(field))).collect();
    fields.join(",") + "\r\n"
}

/// Spreadsheets take what begins so for a formula, and clients choose what models and agents are called. A quote in front
/// makes it text.
fn harmless(field: String) -> String {
    if field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']) {
        format!("'{field}")
    } else {
        field
    }
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_taken_for_a_formula_or_for_two() {
        let fields = ["=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)", "\tx", "a,b", "a\"b", "a\nb", "plain"];
        let line = line(fields.into_iter().map(str::to_owned));
        let expected = "\"'=HYPERLINK(\"\"http://x\"\")\",'+1,'-1,'@SUM(A1),'\tx,\"a,b\",\"a\"\"b\",\"a\nb\",plain\r\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn formats_have_names() {
        assert_eq!("csv".parse::<ExportFormat>().expect("a format"), ExportFormat::Csv);
        assert!("xlsx".parse::<ExportFormat>().expect_err("none").to_string().contains("csv or jsonl"));
    }
}
