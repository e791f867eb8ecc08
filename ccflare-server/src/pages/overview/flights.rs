//! The requests under way, as far as events tell of them.
//!
//! Nothing is kept between two looks: each reads the events that are still there. Events are told only while somebody
//! listens, as an open page does; so requests that began before the first look are counted, not listed.

use std::collections::BTreeMap;

use ccflare_core::{
    control::{
        Control,
        views::{EventDetail, EventQuery, EventView},
    },
    domain::Timestamp,
    report::{Count, Known, Took},
};
use futures_util::{FutureExt, StreamExt};
use maud::{Markup, html};

use crate::components::{
    badge::{self, Tone, badge},
    card::card_with,
    text::whole,
};

/// More are counted, but not listed.
const LISTED: usize = 12;

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nobody has answered it yet.
    Waiting,
    /// The answer's headers are there, with this status.
    Answered(u16),
    /// Its content is coming.
    Streaming,
}

/// A request under way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Flight {
    at: String,
    path: String,
    model: Option<String>,
    agent: Option<String>,
    account: Option<String>,
    phase: Phase,
}

/// Those that have begun and not ended, oldest first; none where no events are told.
pub(super) async fn flights(control: &dyn Control) -> Vec<Flight> {
    let query = EventQuery { after: Some(0), ..EventQuery::of("requests") };
    let Ok(mut events) = control.events(query).await else { return Vec::new() };
    let mut flights = BTreeMap::new();
    // What is there is read; what is still to come is not waited for.
    while let Some(Some(event)) = events.next().now_or_never() {
        hear(&mut flights, &event);
    }
    flights.into_values().collect()
}

/// Ids follow the arrival, and so does their order here.
fn hear(flights: &mut BTreeMap<String, Flight>, event: &EventView) {
    match &event.detail {
        EventDetail::Started { request, path, model, agent, .. } => {
            let (path, model, agent) = (path.clone(), model.clone(), agent.clone());
            let flight = Flight { at: event.at.clone(), path, model, agent, account: None, phase: Phase::Waiting };
            flights.insert(request.clone(), flight);
        }
        EventDetail::Headers { request, account, status_code, .. } => {
            if let Some(flight) = flights.get_mut(request) {
                (flight.account, flight.phase) = (account.clone(), Phase::Answered(*status_code));
            }
        }
        EventDetail::FirstToken { request, .. } => {
            if let Some(flight) = flights.get_mut(request) {
                flight.phase = Phase::Streaming;
            }
        }
        EventDetail::Finished { summary } => drop(flights.remove(&summary.id)),
        // How those ended that were missed is told nobody.
        EventDetail::Missed { .. } => flights.clear(),
        _ => {}
    }
}

/// Draws them; `all` is how many requests accounts are serving.
pub(super) fn view(flights: &[Flight], all: u64, now: Timestamp) -> Markup {
    let listed = flights.len().min(LISTED);
    let others = usize::try_from(all).unwrap_or(usize::MAX).max(flights.len()) - listed;
    let total = Count(all.max(flights.len() as u64));
    card_with(
        "In flight",
        &html! { span.quiet { (total) } },
        &html! {
            @if listed == 0 && others == 0 { p.quiet { "Nothing is under way." } }
            ul.flights { @for flight in &flights[..listed] { li { (row(flight, now)) } } }
            @if others > 0 && listed == 0 { p.quiet { (others) " under way since before this page was opened." } }
            @else if others > 0 { p.quiet { "and " (others) " more" } }
        },
    )
}

fn row(flight: &Flight, now: Timestamp) -> Markup {
    let age = Timestamp::parse_rfc3339(&flight.at).map(|at| Took::from_millis(now.since(at).as_secs_f64() * 1e3));
    html! {
        span.name title=(flight.path) { (flight.model.as_deref().unwrap_or(&flight.path)) }
        span.age { (whole(Known(age))) }
        span.who {
            @if let Some(agent) = &flight.agent { (agent) ", " }
            (flight.account.as_deref().unwrap_or(if flight.phase == Phase::Waiting { "no account yet" } else { "client's own" }))
        }
        span.phase {
            @match flight.phase {
                Phase::Waiting => (badge(Tone::Plain, "waiting")),
                Phase::Answered(status @ 200..=299) => span title=(status) { (badge(Tone::Blue, "answered")) },
                Phase::Answered(status) => (badge::status(Some(status))),
                Phase::Streaming => (badge(Tone::Good, "streaming")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_012);

    fn event(detail: serde_json::Value) -> EventView {
        let mut event = serde_json::json!({ "id": 1, "at": Timestamp::from_seconds(1_800_000_000).to_string() });
        event.as_object_mut().expect("an object").extend(detail.as_object().expect("an object").clone());
        serde_json::from_value(event).expect("an event")
    }

    fn started(id: &str) -> EventView {
        event(serde_json::json!({ "type": "started", "request": id, "method": "POST", "path": "/v1/messages",
            "model": "claude-opus-5-5", "clientKey": null, "session": null, "agent": "explorer", "workspace": null }))
    }

    fn heard(events: &[EventView]) -> Vec<Flight> {
        let mut flights = BTreeMap::new();
        events.iter().for_each(|event| hear(&mut flights, event));
        flights.into_values().collect()
    }

    #[test]
    fn a_request_is_listed_with_how_far_it_has_come() {
        let waiting = view(&heard(&[started("a")]), 1, NOW).into_string();
        assert!(waiting.contains("explorer, no account yet") && waiting.contains(">waiting<"), "{waiting}");
        assert!(waiting.contains("12\u{a0}s") || waiting.contains("12.0\u{a0}s"), "{waiting}");
        let headers = event(serde_json::json!({ "type": "headers", "request": "a", "arrived": "", "method": "POST",
            "path": "/v1/messages", "accountId": null, "account": "work", "agent": null, "statusCode": 200, "elapsedMs": 5.0 }));
        let first = event(serde_json::json!({ "type": "firstToken", "request": "a", "elapsedMs": 9.0 }));
        let streaming = view(&heard(&[started("a"), headers, first]), 1, NOW).into_string();
        assert!(streaming.contains("explorer, work") && streaming.contains(">streaming<"), "{streaming}");
    }

    #[test]
    fn who_is_not_known_by_name_is_counted() {
        let text = view(&[], 3, NOW).into_string();
        assert!(text.contains("3 under way since before"), "{text}");
        let many: Vec<_> = (0..20).map(|number| started(&format!("{number:02}"))).collect();
        let text = view(&heard(&many), 25, NOW).into_string();
        assert!(text.matches("<li>").count() == LISTED && text.contains("and 13 more"), "{text}");
        assert!(view(&[], 0, NOW).into_string().contains("Nothing is under way"));
    }

    #[test]
    fn after_a_gap_nothing_is_claimed() {
        let missed = event(serde_json::json!({ "type": "missed", "count": 3, "slow": true }));
        assert!(heard(&[started("a"), missed]).is_empty());
    }
}
