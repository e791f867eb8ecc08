//! The front page: whether all is well, and what needs attention.

mod attention;
mod flights;

use axum::{
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use ccflare_core::{
    control::views::{AccountView, AnalyticsView, ModelCount, RequestPageQuery, RequestView, SizesView, StatusView},
    domain::{NanoUsd, Timestamp},
    report::{Count, Known, Money, Size, Took},
};
use http::HeaderMap;
use maud::{Markup, html};

use self::flights::Flight;
use super::{
    Page, Problem, Shared,
    analytics::{groups, series, sums},
    requests::rows,
    scope::{Scope, ranges},
    start,
};
use crate::components::{
    badge::Tone,
    bar::{bar, severity},
    card::{card, card_with, facts},
    chart::{Slice, donut},
    layout::Place,
    notice::empty,
    text, when,
};

/// As many requests as fit beside everything else.
const LATEST: usize = 8;

pub(super) async fn show(
    State(control): State<Shared>,
    Query(scope): Query<Scope>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let accounts = control.accounts().await?;
    let latest = control.requests(RequestPageQuery { limit: LATEST, ..RequestPageQuery::default() }).await?.requests;
    if accounts.is_empty() && latest.is_empty() {
        return Ok(start::show(State(control), headers).await?.into_response());
    }
    let seen = Seen {
        status: control.status().await?,
        sums: control.analytics(scope.query()).await?,
        sizes: control.sizes().await?,
        flights: flights::flights(&*control).await,
        accounts,
        latest,
    };
    Ok(Page::new(Place::Overview, "Overview", view(&seen, &scope)).into_response())
}

/// What is on it.
struct Seen {
    status: StatusView,
    sums: AnalyticsView,
    sizes: SizesView,
    flights: Vec<Flight>,
    accounts: Vec<AccountView>,
    latest: Vec<RequestView>,
}

fn view(seen: &Seen, scope: &Scope) -> Markup {
    let now = Timestamp::parse_rfc3339(&seen.status.timestamp).unwrap_or_default();
    html! {
        div id="attention" data-live { (attention::view(&seen.accounts, now)) }
        (ranges("/", scope))
        div id="sums" data-live {
            (sums::figures(&seen.sums.totals, &seen.sums.previous))
            div.columns.even {
                (card("Requests", &series::traffic(&seen.sums, "requests")))
                (card("Success", &series::success(&seen.sums)))
                (card("Models", &models(&seen.sums)))
                (card_with("Accounts by requests", &html! { a href=(scope.link("/analytics", &[])) { "Analytics" } }, &performance(&seen.sums)))
            }
        }
        div id="flights" data-live { (flights::view(&seen.flights, seen.status.in_flight, now)) }
        div.columns.even {
            div id="standing" data-live { (card_with("Accounts", &html! { a href="/accounts" { "All of them" } }, &standing(&seen.accounts, now))) }
            div id="system" data-live { (card("System", &system(&seen.status, &seen.sizes))) }
        }
        div id="latest" data-live {
            @if seen.latest.is_empty() {
                (empty("No requests yet", &html! { p { a href="/start" { "How to connect a client" } } }))
            } @else {
                div.above { h2 { "Latest requests" } a href="/requests" { "All of them" } }
                (rows::table(&seen.latest, now))
            }
        }
    }
}

/// Which models were asked for.
fn models(sums: &AnalyticsView) -> Markup {
    let slice = |model: &ModelCount| Slice {
        name: model.model.clone(),
        value: model.count as f64,
        text: Count(model.count).to_string(),
    };
    let slices: Vec<_> = sums.model_distribution.iter().map(slice).collect();
    donut("Models by requests", &Count(sums.totals.requests).to_string(), &slices)
}

/// How much each account did, and how well.
fn performance(sums: &AnalyticsView) -> Markup {
    let most = sums.account_performance.first().map_or(1, |account| account.requests).max(1) as f64;
    html! {
        @if sums.account_performance.is_empty() { p.nothing { "Nothing to draw in this range." } }
        ul.windows {
            @for account in sums.account_performance.iter().take(8) {
                li.window {
                    span.name title=(account.name) { (groups::said(&account.name)) }
                    span.used {
                        (Count(account.requests)) ", " (text::whole(Known(account.success_rate.map(sums::percent)))) " successful, "
                        (Money(NanoUsd(account.cost_nano_usd)))
                    }
                    (bar(account.requests as f64 / most, Tone::Accent))
                }
            }
        }
    }
}

/// Each account's tightest window.
fn standing(accounts: &[AccountView], now: Timestamp) -> Markup {
    html! {
        @if accounts.is_empty() {
            p.quiet { "None: requests go on with the client's own credentials. " a href="/accounts/new" { "Add one" } }
        } @else {
            ul.windows {
                @for account in accounts.iter().take(8) {
                    li.window {
                        span { a href={ "/accounts/" (account.id) } { (account.name) } " " (super::accounts::parts::badges(account)) }
                        @match super::accounts::parts::tightest(account) {
                            Some(window) => {
                                span.used { (text::window(&window.name)) ": " (super::accounts::parts::said(window)) }
                                (bar(used(window), severity(used(window))))
                                @if let Some(reset) = &window.resets_at { span.reset { "resets " (when::until(reset, now)) } }
                            }
                            None => span.used { (Count(account.in_flight)) "\u{a0}in\u{a0}flight" },
                        }
                    }
                }
            }
            @if accounts.len() > 8 { p.quiet.others { "and " (accounts.len() - 8) " more" } }
        }
    }
}

fn used(window: &ccflare_core::control::views::WindowView) -> f64 {
    super::accounts::parts::used(window).unwrap_or(0.0)
}

fn system(status: &StatusView, sizes: &SizesView) -> Markup {
    facts(&[
        ("Can serve", html! { (status.available_accounts) " of " (status.accounts) " accounts" }),
        ("Active account", html! { (status.active_account.as_deref().unwrap_or("none yet")) }),
        ("In flight", html! { (Count(status.in_flight)) }),
        ("To be written", html! { (Count(status.queued_writes)) }),
        ("Last write took", html! { (text::whole(Known(status.last_commit_ms.map(Took::from_millis)))) }),
        (
            "Database",
            html! { (if sizes.file_bytes == 0 { "in memory".to_owned() } else { text::whole(Size(sizes.file_bytes)) }) ", " (text::counted(sizes.requests, "request", "requests")) },
        ),
        ("Strategy", html! { (status.strategy) }),
        ("Version", html! { (status.version) }),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::{accounts::one::tests::account, requests::one::tests::request};

    fn seen() -> Seen {
        let status = serde_json::json!({
            "status": "ok", "accounts": 1, "availableAccounts": 1, "timestamp": "2027-01-15T08:00:00Z",
            "strategy": "session", "activeAccount": "work", "inFlight": 2, "queuedWrites": 0, "lastCommitMs": 1.5,
            "version": "0.1.0",
        });
        let status = serde_json::from_value(status).expect("a view");
        let sums = crate::pages::analytics::tests::sums();
        let sizes = SizesView {
            file_bytes: 4096,
            request_bytes: 1,
            payload_bytes: 0,
            requests: 30,
            payloads: 0,
            tables: Vec::new(),
        };
        let (accounts, latest) = (vec![account("work")], vec![request()]);
        Seen { status, sums, sizes, flights: Vec::new(), accounts, latest }
    }

    #[test]
    fn the_tightest_window_of_each_account_is_there() {
        let text = view(&seen(), &Scope::default()).into_string();
        assert!(text.contains("5\u{a0}hours: 82.5\u{a0}%") && text.contains("in 1 h 30 min"), "{text}");
        assert!(text.contains("1.5\u{a0}ms") && text.contains("/requests/0199"), "{text}");
    }

    #[test]
    fn without_requests_it_says_how_to_get_some() {
        assert!(
            view(&Seen { latest: Vec::new(), ..seen() }, &Scope::default())
                .into_string()
                .contains("How to connect a client")
        );
    }
}
