//! Words for what the views name in codes, and texts to copy.

use std::fmt;

use ccflare_core::report::Count;
use maud::{Markup, html};

use super::icon::{Icon, icon};

/// A command or a key, with a button that copies it where the script runs.
pub(crate) fn copyable(text: &str) -> Markup {
    html! {
        div.copyable {
            pre tabindex="0" { code { (text) } }
            button.quiet type="button" data-copy=(text) hidden { (icon(Icon::Copy)) span { "Copy" } }
        }
    }
}

/// A value that no line is broken in: a number and its unit stay together.
pub(crate) fn whole(value: impl fmt::Display) -> String {
    value.to_string().replace(' ', "\u{a0}")
}

/// How many there are of something, in one line.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{}\u{a0}{}", Count(count), if count == 1 { one } else { many })
}

/// A model's name. Where there is no room for it a line is broken before its date, not at any of its hyphens.
pub(crate) fn model(name: &str) -> Markup {
    const LONG: usize = 24;
    let is_date = |part: &str| part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_digit());
    match name.rsplit_once('-') {
        Some((name, date)) if is_date(date) && name.len() <= LONG => {
            html! { span.model { (name) } wbr; span.model { "-" (date) } }
        }
        _ if name.len() <= LONG => html! { span.model { (name) } },
        _ => html! { (name) },
    }
}

/// Models' names in a row.
pub(crate) fn models(names: &[String]) -> Markup {
    html! { @for (at, name) in names.iter().enumerate() { @if at > 0 { ", " } (model(name)) } }
}

/// What control says of itself, as a sentence of a page.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    first.chain(letters).chain(end.chars()).collect()
}

/// Why an account was tried.
pub(crate) fn choice(code: &str) -> &str {
    match code {
        "active_session" => "holds the running session",
        "new_session" => "no session was running; first by priority",
        "fail_over" => "those before it could not serve",
        "retry" => "the same account once more",
        "client_credentials" => "no account is configured: the client's own credentials",
        "strategy" => "chosen by the strategy",
        "conversation" => "has the conversation's cache",
        "session" => "has the conversation's session",
        "owner" => "has what the request names",
        "fork" => "has the cache that the conversation began with",
        "headroom" => "has the most room",
        other => other,
    }
}

/// How an attempt's answer was judged.
pub(crate) fn verdict(code: &str) -> &str {
    match code {
        "success" => "good answer",
        "request" => "the request is at fault",
        "unexplained_limit" => "limited without a reason",
        "throttle" => "asked to slow down",
        "quota" => "limit used up",
        "credential" => "credential refused",
        "billing" => "payment needed",
        "hold" => "organisation on hold",
        "entitlement" => "model not allowed",
        "overload" => "provider overloaded",
        "network" => "network failed",
        "abandoned" => "nobody waited",
        other => other,
    }
}

/// Why an account is closed.
pub(crate) fn closure(code: &str) -> &str {
    match code {
        "needs_login" => "its credential was refused",
        "no_tokens" => "its tokens have ended, and no new ones can be had now",
        "billing" => "payment or a spend limit",
        "on_hold" => "the organisation is on hold",
        "rate_limited" => "a limit is used up",
        "throttled" => "it was asked to slow down",
        "not_entitled" => "it may not use a model",
        "paused" => "it is paused",
        "quota" => "a limit is used up",
        "gone" => "it is gone",
        "compacted" => "the conversation was compacted",
        "idle" => "its cache has gone cold",
        "uncached" => "it has no cache there",
        other => other,
    }
}

/// A code as a word.
pub(crate) fn word(code: &str) -> &str {
    match code {
        "active_session" => "running session",
        "new_session" => "new session",
        "fail_over" => "if those fail",
        "conversation" => "has the conversation",
        "session" => "has its session",
        "owner" => "has what it names",
        "fork" => "has what it began with",
        "headroom" => "most room",
        other => other,
    }
}

/// What a limit window is, in one line.
pub(crate) fn window(name: &str) -> String {
    match name {
        "5h" => "5\u{a0}hours".to_owned(),
        "7d" => "7\u{a0}days".to_owned(),
        "7d_opus" => "7\u{a0}days, Opus".to_owned(),
        "7d_sonnet" => "7\u{a0}days, Sonnet".to_owned(),
        "requests" => "Requests".to_owned(),
        "tokens" => "Tokens".to_owned(),
        "input-tokens" => "Input tokens".to_owned(),
        "output-tokens" => "Output tokens".to_owned(),
        other => other.replace(['_', '-'], " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_in_passing_becomes_a_sentence() {
        assert_eq!(["no log is kept here", "It is."].map(sentence), ["No log is kept here.", "It is."]);
    }

    #[test]
    fn one_is_not_said_as_many_are() {
        assert_eq!(
            [0, 1, 12_345].map(|count| counted(count, "request", "requests")),
            ["0\u{a0}requests", "1\u{a0}request", "12.3k\u{a0}requests"]
        );
    }

    #[test]
    fn a_model_s_name_is_broken_before_its_date_or_not_at_all() {
        let draw = |name| model(name).into_string();
        assert_eq!(draw("claude-opus-5-5"), "<span class=\"model\">claude-opus-5-5</span>");
        assert_eq!(
            draw("claude-sonnet-4-5-20250929"),
            "<span class=\"model\">claude-sonnet-4-5</span><wbr><span class=\"model\">-20250929</span>"
        );
        let long = "a-provider/of-models/with-very-long-names";
        assert_eq!(draw(long), long, "it may be broken anywhere");
    }
}
