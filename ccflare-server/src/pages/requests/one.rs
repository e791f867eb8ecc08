//! One request: what was asked, who was tried and why, what it used and cost, and what it carried.

use axum::extract::{Path, State};
use ccflare_core::{
    control::{
        ControlError,
        views::{AttemptView, PayloadView, RequestView},
    },
    domain::{NanoUsd, Timestamp, Tokens},
    pricing::PriceTable,
    report::{Count, Known, Money, Rate, Size, Took},
};
use maud::{Markup, html};

use super::{conversation, decision, rows};
use crate::{
    components::{
        badge::{Tone, badge, status},
        bar::stack,
        card::{Figure, card, facts, figures},
        chart::swatch,
        layout::Place,
        notice::notice,
        text, when,
    },
    pages::{Page, Problem, Shared, now, sessions},
};

pub(in crate::pages) async fn show(State(control): State<Shared>, Path(id): Path<String>) -> Result<Page, Problem> {
    let request = control.request(&id).await?;
    let payload = match control.payload(&id).await {
        Ok(payload) => Ok(payload),
        Err(ControlError::NotFound(why)) => Err(why),
        Err(error) => return Err(error.into()),
    };
    let title = format!("{} {}", request.method, request.path);
    Ok(Page::new(Place::Requests, title, view(&request, payload.as_ref(), now(&*control).await?)))
}

fn view(request: &RequestView, payload: Result<&PayloadView, &String>, now: Timestamp) -> Markup {
    let cost = request.cost_nano_usd.map(|nanos| Money(NanoUsd(nanos)));
    html! {
        p { (rows::result(request)) " " (when::ago(Some(&request.timestamp), now)) ", " (when::at(&request.timestamp)) "\u{a0}UTC" }
        @if let Some(error) = &request.error_message { (notice(Tone::Bad, &html! { p { (error) } })) }
        (figures(&[
            Figure::new("Took", Known(request.response_time_ms.map(Took::from_millis))),
            Figure::new("First token", Known(request.time_to_first_token_ms.map(Took::from_millis))),
            Figure::new("Output speed", Known(request.tokens_per_second.map(Rate))),
            Figure::new("Cost", Known(cost)).exactly(cost.map_or_else(String::new, |cost| format!("{cost:#}"))),
        ]))
        div.columns {
            div {
                (card("Who was tried", &timeline(request)))
                @if let Some(decision) = &request.decision { (card("Why it went there", &decision::view(decision, now))) }
            }
            div {
                (card("Tokens and cost", &tokens(request)))
                (card("Facts", &about(request)))
            }
        }
        @match payload {
            Ok(payload) => (conversation::view(payload)),
            Err(why) => (card("What it carried", &html! { p.quiet { (text::sentence(why)) } })),
        }
    }
}

fn about(request: &RequestView) -> Markup {
    let model = request.model.as_deref().unwrap_or("–");
    facts(&[
        (
            "Model",
            html! {
                code { (text::model(model)) }
                @if let Some(asked) = request.model_asked.as_deref().filter(|asked| *asked != model) { " (asked for " code { (text::model(asked)) } ")" }
            },
        ),
        (
            "Sent as",
            html! {
                @match (&request.model_sent, &request.preference_refused) {
                    (_, Some(why)) => { "not changed: " (why) }
                    (Some(sent), None) => { code { (text::model(sent)) } @if request.model_preferred.is_some() { " by the agent's preference" } }
                    (None, None) => "–",
                }
            },
        ),
        (
            "Agent",
            html! {
                (request.agent_used.as_deref().unwrap_or("not known"))
                @if request.is_subagent { " " (badge(Tone::Purple, "sub-agent")) }
                @if let Some(parent) = &request.parent_subagent { " " span.quiet { "of " code { (parent) } } }
            },
        ),
        (
            "Session",
            html! {
                @match &request.session { Some(session) => a href=(sessions::path(session)) { code { (session) } }, None => "not named" }
            },
        ),
        ("Workspace", html! { @match &request.workspace { Some(path) => code { (path) }, None => "not known" } }),
        ("Account", html! { (request.account_used.as_deref().unwrap_or("the client's own credentials")) }),
        ("Client key", html! { (request.client_key.as_deref().unwrap_or("none")) }),
        ("Headers after", html! { (text::whole(Known(request.time_to_headers_ms.map(Took::from_millis)))) }),
        (
            "Sent, received",
            html! { (text::whole(Size(request.request_bytes))) ", " (text::whole(Size(request.response_bytes))) },
        ),
        ("Prices of", html! { (request.priced_with.as_deref().unwrap_or("–")) }),
        ("Id", html! { code { (request.id) } }),
    ])
}

/// Each attempt as a bar from its beginning to its headers or its failure.
fn timeline(request: &RequestView) -> Markup {
    let end = |attempt: &AttemptView| attempt.started_ms + attempt.took_ms;
    let whole = request.response_time_ms.into_iter().chain(request.attempts.iter().map(end)).fold(1e-3, f64::max);
    html! {
        @if request.attempts.is_empty() {
            p.quiet { "No account was tried." }
        } @else {
            ol.attempts { @for attempt in &request.attempts { li { (attempt_row(attempt, whole)) } } }
        }
    }
}

fn attempt_row(attempt: &AttemptView, whole: f64) -> Markup {
    let tone = match attempt.verdict.as_str() {
        "success" => Tone::Good,
        "request" | "abandoned" => Tone::Blue,
        "quota" | "throttle" | "overload" | "unexplained_limit" => Tone::Warning,
        _ => Tone::Bad,
    };
    let percent = |millis: f64| format!("{:.2}", (millis / whole * 100.0).clamp(0.0, 100.0));
    let width = format!("{:.2}", (attempt.took_ms / whole * 100.0).clamp(0.6, 100.0));
    html! {
        p.who {
            strong.name { (attempt.account.as_deref().unwrap_or("the client's own credentials")) }
            (status(attempt.status_code))
            (badge(tone, text::verdict(&attempt.verdict)))
        }
        p.why { "Tried because: " (text::choice(&attempt.choice)) }
        svg class={ "bar span " (tone.class()) } viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect class="track" width="100" height="6" {}
            rect class="fill" x=(percent(attempt.started_ms)) width=(width) height="6" {}
        }
        p.times {
            "began after " (text::whole(Took::from_millis(attempt.started_ms))) ", " (text::whole(Took::from_millis(attempt.took_ms))) " to "
            @if attempt.status_code.is_some() { "its headers" } @else { "its end" }
        }
        @if let Some(detail) = &attempt.detail { p.evidence { (detail) } }
    }
}

/// The classes that have prices of their own.
fn tokens(request: &RequestView) -> Markup {
    let classes = [
        ("Fresh input", request.input_tokens),
        ("Read from the cache", request.cache_read_input_tokens),
        ("Written for 5\u{a0}minutes", request.cache_creation5m_input_tokens),
        ("Written for an hour", request.cache_creation1h_input_tokens),
        ("Output", request.output_tokens),
    ];
    let costs = costs(request);
    let part = |(at, (name, count)): (usize, &(&str, Option<u64>))| {
        let count = count.unwrap_or(0);
        (at, count as f64, format!("{name}: {:#}", Count(count)))
    };
    let parts: Vec<_> = classes.iter().enumerate().map(part).collect();
    html! {
        (stack(&parts))
        table.plain {
            thead { tr { th { "Class" } th.number { "Tokens" } th.number { "Cost" } } }
            tbody {
                @for (at, (name, count)) in classes.iter().enumerate() {
                    tr { th scope="row" { (swatch(at)) (name) } td.number { (exact(*count)) } td.number { (money(costs.map(|costs| costs[at]))) } }
                }
                tr.sum { th scope="row" { "Together" } td.number { (exact(request.total_tokens)) } td.number { (money(request.cost_nano_usd.map(NanoUsd))) } }
            }
        }
    }
}

/// What each class cost, in the order in which they are shown; `None` if the prices are not known.
fn costs(request: &RequestView) -> Option<[NanoUsd; 5]> {
    let tokens = Tokens {
        input: request.input_tokens,
        output: request.output_tokens,
        cache_read: request.cache_read_input_tokens,
        cache_write_5m: request.cache_creation5m_input_tokens,
        cache_write_1h: request.cache_creation1h_input_tokens,
    };
    let (model, paid) = (request.model.as_deref()?, NanoUsd(request.cost_nano_usd?));
    let [input, output, read, for_minutes, for_an_hour] =
        PriceTable::bundled().split(model, &tokens, request.prompt_tokens.unwrap_or(0), paid)?;
    Some([input, read, for_minutes, for_an_hour, output])
}

fn money(cost: Option<NanoUsd>) -> Markup {
    let cost = cost.map(Money);
    html! { span title=[cost.map(|cost| format!("{cost:#}"))] { (Known(cost)) } }
}

fn exact(count: Option<u64>) -> String {
    count.map_or_else(|| "–".to_owned(), |count| format!("{:#}", Count(count)))
}

#[cfg(test)]
pub(in crate::pages) mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    /// A request that moved to another account.
    pub(in crate::pages) fn request() -> RequestView {
        let attempt = |account: &str, verdict: &str, status, started_ms| AttemptView {
            account: Some(account.to_owned()),
            choice: "active_session".to_owned(),
            verdict: verdict.to_owned(),
            status_code: Some(status),
            started_ms,
            took_ms: 50.0,
            detail: None,
        };
        serde_json::from_value(serde_json::json!({
            "id": "0199", "timestamp": NOW.to_string(), "method": "POST", "path": "/v1/messages", "accountUsed": "b",
            "statusCode": 200, "success": true, "outcome": "answered", "responseTimeMs": 200.0, "failoverAttempts": 1,
            "attempts": [attempt("a", "quota", 429, 0.0), attempt("b", "success", 200, 100.0)],
            "model": "claude-opus-5-5", "inputTokens": 10, "cacheReadInputTokens": 90, "promptTokens": 100,
            "outputTokens": null, "costNanoUsd": 1_230_000_000_u64, "requestBytes": 2048, "responseBytes": 10,
        }))
        .expect("a view")
    }

    #[test]
    fn the_attempts_stand_where_they_were_in_time() {
        let text = view(&request(), Err(&"it was not kept".to_owned()), NOW).into_string();
        assert!(text.contains("limit used up") && text.contains("x=\"50.00\" width=\"25.00\""), "{text}");
        assert!(text.contains("$1.23") && text.contains("It was not kept.") && text.contains("moved 1×"), "{text}");
    }

    #[test]
    fn what_was_not_counted_is_a_dash() {
        let text = tokens(&request()).into_string();
        assert!(text.contains("Output</th><td class=\"number\">–</td>"), "{text}");
    }

    #[test]
    fn each_class_has_its_part_of_the_cost() {
        let known = RequestView { output_tokens: Some(1000), ..request() };
        let parts = costs(&known).expect("parts");
        assert_eq!(parts.iter().map(|part| part.0).sum::<u64>(), 1_230_000_000);
        assert!(parts[4] > parts[0], "{parts:?}");
        assert_eq!(costs(&RequestView { cost_nano_usd: None, ..known }), None);
    }
}
