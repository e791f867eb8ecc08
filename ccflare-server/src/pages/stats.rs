//! Everything since the statistics began.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use ccflare_core::{
    control::views::StatsView,
    domain::NanoUsd,
    report::{Count, Known, Money, Rate, Share, Took},
};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use super::{Fields, Page, Problem, Shared, see};
use crate::components::{
    badge::Tone,
    bar::bar,
    card::{Figure, card, figures},
    form::{Line, field},
    layout::Place,
    notice::notice,
    text::whole,
};

/// What has to be typed before everything is forgotten.
const WORD: &str = "forget everything";

pub(super) async fn show(State(control): State<Shared>) -> Result<Page, Problem> {
    Ok(page(&control.stats().await?, None))
}

#[derive(Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    confirm: String,
}

pub(super) async fn reset(State(control): State<Shared>, Fields(wish): Fields<Wish>) -> Result<Response, Problem> {
    if wish.confirm.trim() != WORD {
        let why = format!("Nothing was forgotten. To confirm, type: {WORD}");
        return Ok(page(&control.stats().await?, Some(&why)).with_status(StatusCode::BAD_REQUEST).into_response());
    }
    control.reset_stats().await?;
    Ok(see("/stats", "reset"))
}

fn page(stats: &StatsView, why: Option<&str>) -> Page {
    Page::new(Place::Stats, "Stats", view(stats, why))
}

fn view(stats: &StatsView, why: Option<&str>) -> Markup {
    let money = |dollars: f64| Money(NanoUsd((dollars.max(0.0) * 1e9).round() as u64));
    html! {
        @if let Some(why) = why { (notice(Tone::Bad, &html! { p { (why) } })) }
        div id="stats" data-live {
            (figures(&[
                Figure::new("Requests", Count(stats.total_requests)).exactly(format!("{:#}", Count(stats.total_requests))),
                Figure::new("Successful", Share::of(stats.succeeded_requests, stats.total_requests)),
                Figure::new("Took on average", if stats.total_requests == 0 { "–".to_owned() } else { Took::from_millis(stats.avg_response_time as f64).to_string() }),
                Figure::new("Tokens", Count(stats.total_tokens)).exactly(format!("{:#}", Count(stats.total_tokens))),
                Figure::new("Cost", money(stats.total_cost_usd)),
                Figure::new("Saved by the cache", money(stats.cache_savings_usd)),
                Figure::new("Output speed", Known(stats.avg_tokens_per_second.map(Rate))),
            ]))
            div.columns.even {
                (card("Most used models", &parts(stats.top_models.iter().map(|model| (model.model.as_str(), model.count, None)))))
                (card("Accounts", &parts(stats.accounts.iter().map(|account| (account.name.as_str(), account.request_count, Some(account.succeeded_requests))))))
            }
            (card("Latest errors", &errors(&stats.recent_errors)))
        }
        (card("Begin anew", &html! {
            p { "Forgets all finished requests, with what they carried and add up to. Accounts and keys stay. To confirm, type: " strong { (WORD) } }
            form.row method="post" action="/stats/reset" {
                (field("Confirmation", "confirm", "", &Line::new("confirm", "").required().bare().draw()))
                button.danger type="submit" { "Forget" }
            }
        }))
    }
}

/// How often each, and which part of all it is.
fn parts<'a>(entries: impl Iterator<Item = (&'a str, u64, Option<u64>)>) -> Markup {
    let entries: Vec<_> = entries.collect();
    let all: u64 = entries.iter().map(|(_, count, _)| count).sum();
    html! {
        @if entries.is_empty() { p.quiet { "None yet." } }
        ul.windows {
            @for (name, count, success) in entries {
                li.window {
                    span.name title=(name) { (super::analytics::groups::said(name)) }
                    span.used { (Count(count)) ", " (whole(Share::of(count, all))) @if let Some(success) = success { "; " (whole(Share::of(success, count))) " successful" } }
                    (bar(count as f64 / all.max(1) as f64, Tone::Accent))
                }
            }
        }
    }
}

fn errors(errors: &[String]) -> Markup {
    html! {
        @if errors.is_empty() { p.quiet { "None." } }
        @for error in errors { p.evidence { (error) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_nothing_there_is_no_success_and_no_failure() {
        let none: StatsView = serde_json::from_value(serde_json::json!({
            "totalRequests": 0, "succeededRequests": 0, "successRate": 0, "activeAccounts": 0, "avgResponseTime": 0, "totalTokens": 0,
            "totalCostUsd": 0.0, "cacheSavingsUsd": 0.0, "topModels": [], "accounts": [], "recentErrors": [],
        }))
        .expect("a view");
        let text = view(&none, Some("no")).into_string();
        assert!(
            text.contains("Successful</dt><dd class=\"value\">–</dd>") && text.contains("role=\"alert\""),
            "{text}"
        );
    }
}
