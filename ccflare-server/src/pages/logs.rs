//! What the server logs, newest first.

use axum::{
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use ccflare_core::{
    control::{
        ControlError,
        views::{LogLineView, LogPage, LogQuery},
    },
    domain::Timestamp,
    report::At,
};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::{Fields, Page, Problem, Shared, see};
use crate::components::{
    badge::{Tone, badge},
    card::card,
    form::{Line, choose, field},
    layout::Place,
    notice::{empty, notice},
    pager::{link, pager},
    text,
};

/// So many lines on a page.
const ON_A_PAGE: usize = 200;

const LEVELS: [(&str, &str); 6] = [
    ("", "All"),
    ("error", "Errors"),
    ("warn", "Warnings and up"),
    ("info", "Info and up"),
    ("debug", "Debug and up"),
    ("trace", "Trace and up"),
];

/// Which lines.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    level: String,
    text: String,
    request: String,
    before: String,
}

impl Wish {
    fn pairs(&self) -> [(&str, &str); 3] {
        [("level", &self.level), ("text", &self.text), ("request", &self.request)]
    }

    fn query(&self) -> LogQuery {
        let given = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        LogQuery {
            level: given(&self.level),
            text: given(&self.text),
            request: given(&self.request),
            before: given(&self.before),
            limit: Some(ON_A_PAGE),
            ..LogQuery::default()
        }
    }
}

pub(super) async fn show(State(control): State<Shared>, Query(wish): Query<Wish>) -> Result<Page, Problem> {
    page(&control, &wish, None).await
}

/// What is to be logged from now on.
#[derive(Deserialize)]
pub(super) struct Level {
    filter: String,
}

pub(super) async fn set_level(
    State(control): State<Shared>,
    Fields(Level { filter }): Fields<Level>,
) -> Result<Response, Problem> {
    match control.set_log_level(filter.trim()).await {
        Ok(_) => Ok(see("/logs", "saved")),
        Err(error) => {
            let why = Problem::of_form(error)?;
            let page = page(&control, &Wish::default(), Some((&filter, &why))).await?;
            Ok(page.with_status(StatusCode::BAD_REQUEST).into_response())
        }
    }
}

/// `refused` is a filter that was typed, and why it is none.
async fn page(control: &Shared, wish: &Wish, refused: Option<(&str, &str)>) -> Result<Page, Problem> {
    let body = match (control.logs(wish.query()).await, control.log_level().await) {
        (Ok(lines), Ok(level)) => view(&lines, wish, &level.level, refused),
        // Inside another program the log is that program's.
        (Err(ControlError::Unavailable(why)), _) | (_, Err(ControlError::Unavailable(why))) => {
            notice(Tone::Blue, &html! { p { (text::sentence(&why)) } })
        }
        (Err(error), _) | (_, Err(error)) => return Err(error.into()),
    };
    Ok(Page::new(Place::Logs, "Logs", body))
}

fn view(page: &LogPage, wish: &Wish, level: &str, refused: Option<(&str, &str)>) -> Markup {
    let newest = link("/logs", &wish.pairs());
    let older = page.next.as_deref().map(|next| link("/logs", &[&wish.pairs()[..], &[("before", next)]].concat()));
    let is_first = wish.before.is_empty();
    html! {
        @if let Some((_, why)) = refused { (notice(Tone::Bad, &html! { p { (why) } })) }
        form.filters method="get" action="/logs" data-auto {
            (field("Level", "level", "", &choose("level", "level", &wish.level, &LEVELS)))
            (field("Text", "text", "", &Line::new("text", &wish.text).kind("search").bare().draw()))
            (field("Request", "request", "", &Line::new("request", &wish.request).kind("search").placeholder("id").bare().draw()))
            button.quiet type="submit" { "Apply" }
            @if wish.pairs().iter().any(|(_, value)| !value.is_empty()) { a.button.quiet href="/logs" { "Clear" } }
        }
        div id="lines" data-live[is_first] {
            @if page.lines.is_empty() {
                @let filtered = !is_first || wish.pairs().iter().any(|(_, value)| !value.is_empty());
                (empty(if filtered { "No line is like that" } else { "Nothing was logged yet" }, &html! { p { "The server logs " code { (level) } " now." } }))
            } @else {
                ol.log.framed { @for line in page.lines.iter().rev() { li { (one(line)) } } }
            }
        }
        (pager((!is_first).then_some(newest.as_str()), older.as_deref()))
        (card("What is logged", &html! {
            form.row method="post" action="/logs/level" {
                (field("Level or filter, until the next start", "filter", "", &Line::new("filter", refused.map_or(level, |(typed, _)| typed)).required().bare().draw()))
                button.quiet type="submit" { "Save" }
            }
        }))
    }
}

fn one(line: &LogLineView) -> Markup {
    let at = At(Timestamp::from_micros(line.ts.saturating_mul(1000)));
    let tone = match line.level.as_str() {
        "ERROR" => Tone::Bad,
        "WARN" => Tone::Warning,
        "INFO" => Tone::Blue,
        _ => Tone::Plain,
    };
    html! {
        time datetime=(format!("{at:#}")) title=(format!("{at:#}")) { (at) }
        (badge(tone, &line.level.as_str().to_lowercase()))
        div.said-at {
            (line.msg)
            span.fields {
                @for (name, value) in &line.data { " " (name) "=" (plain(value)) }
                @if let Some(request) = &line.request { " " a href={ "/requests/" (request) } { "request" } }
                " " span.target { (line.target) }
            }
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: &str, msg: &str) -> LogLineView {
        let json = serde_json::json!({
            "ts": 1_800_000_000_000_i64, "level": level, "target": "ccflare_core", "msg": msg, "request": "0199",
            "data": { "account": "work", "times": 2 },
        });
        serde_json::from_value(json).expect("a line")
    }

    #[test]
    fn the_newest_line_comes_first_with_all_that_it_says() {
        let page = LogPage { lines: vec![line("INFO", "first"), line("ERROR", "<b>second")], next: None };
        let text = view(&page, &Wish::default(), "info", None).into_string();
        assert!(text.find("second") < text.find("first") && !text.contains("<b>"), "{text}");
        assert!(text.contains("account=work") && text.contains("times=2") && text.contains("/requests/0199"), "{text}");
        assert!(text.contains("15 Jan 08:00:00"), "{text}");
    }

    #[test]
    fn older_lines_keep_the_filter_and_are_not_live() {
        let page = LogPage { lines: vec![line("INFO", "x")], next: Some("7:1".to_owned()) };
        let wish = Wish { text: "a b".to_owned(), before: "9".to_owned(), ..Wish::default() };
        let text = view(&page, &wish, "info", None).into_string();
        assert!(text.contains("/logs?text=a+b&amp;before=7%3A1") && !text.contains("data-live"), "{text}");
    }
}
