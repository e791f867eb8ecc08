//! Conversations: who took part, what was asked, and what it cost.

use axum::extract::{Path, Query, State};
use ccflare_core::{
    control::views::{SessionAgent, SessionDetail, SessionPage, SessionPageQuery, SessionView},
    domain::{NanoUsd, Timestamp},
    report::{Count, Money, Took},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Page, Problem, Shared, now, requests::rows};
use crate::components::{
    badge::{Tone, badge},
    card::{Figure, card, facts, figures},
    layout::Place,
    notice::{empty, notice},
    pager::{link, pager, segment},
    text, when,
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    before: String,
}

pub(super) async fn list(State(control): State<Shared>, Query(wish): Query<Wish>) -> Result<Page, Problem> {
    let before = Some(wish.before.clone()).filter(|id| !id.is_empty());
    let page = control.sessions(SessionPageQuery { before, ..SessionPageQuery::default() }).await?;
    Ok(Page::new(Place::Sessions, "Sessions", all(&page, &wish, now(&*control).await?)))
}

fn all(page: &SessionPage, wish: &Wish, now: Timestamp) -> Markup {
    let is_first = wish.before.is_empty();
    let older = page.next.as_deref().map(|next| link("/sessions", &[("before", next)]));
    html! {
        p.quiet { "Conversations, as clients name them. The one with the latest request comes first." }
        div id="sessions" data-live[is_first] {
            @if page.sessions.is_empty() {
                (empty("No sessions yet", &html! { p { "Clients that name their sessions, as Claude Code does, have them here." } }))
            } @else {
                div.scroll.framed tabindex="0" role="region" aria-label="Sessions" {
                    table.rows.listed.sessions {
                        thead { tr { th { "Latest request" } th { "Session" } th.number { "Requests" } th.number { "Errors" } th.number { "Tokens" } th.number { "Output" } th.number { "Cost" } th.number { "Lasted" } } }
                        tbody { @for session in &page.sessions { (row(session, now)) } }
                    }
                }
            }
        }
        (pager((!is_first).then_some("/sessions"), older.as_deref()))
    }
}

fn row(session: &SessionView, now: Timestamp) -> Markup {
    html! {
        tr {
            td { a href=(path(&session.id)) { (when::ago(Some(&session.last_request), now)) } }
            td { code.name title=(session.id) { (session.id) } }
            td.number { (Count(session.requests)) span.in-list { (if session.requests == 1 { " request" } else { " requests" }) } }
            td.number { @if session.errors > 0 { (badge(Tone::Bad, &session.errors.to_string())) } @else { "0" } }
            td.number { (Count(session.total_tokens)) }
            td.number { (Count(session.output_tokens)) }
            td.number { (Money(NanoUsd(session.cost_nano_usd))) }
            td.number { @if session.requests > 1 { (lasted(session)) } @else { "–" } }
        }
    }
}

/// Where a session's page is.
pub(super) fn path(id: &str) -> String {
    format!("/sessions/{}", segment(id))
}

fn lasted(session: &SessionView) -> Took {
    let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap_or_default();
    Took(at(&session.last_request).since(at(&session.first_request)))
}

pub(super) async fn one(State(control): State<Shared>, Path(id): Path<String>) -> Result<Page, Problem> {
    let detail = control.session(&id).await?;
    Ok(Page::new(Place::Sessions, "Session", view(&detail, now(&*control).await?)))
}

fn view(detail: &SessionDetail, now: Timestamp) -> Markup {
    let session = &detail.session;
    let cost = Money(NanoUsd(session.cost_nano_usd));
    html! {
        div id="session" data-live {
            (figures(&[
                Figure::new("Requests", Count(session.requests)).note(match session.errors { 0 => String::new(), some => format!("{some} of them failed") }),
                Figure::new("Cost", cost).exactly(format!("{cost:#}")),
                Figure::new("Tokens", Count(session.total_tokens)),
                Figure::new("Lasted", lasted(session)),
            ]))
            div.columns {
                (card("Who took part", &html! { ul.tree { @for agent in &detail.agents { li { (member(agent)) } } } }))
                (card("Facts", &facts(&[
                    ("Id", html! { code { (session.id) } }),
                    ("Accounts", html! { (detail.accounts.join(", ")) }),
                    ("Workspaces", html! { @if detail.workspaces.is_empty() { "not known" } @for workspace in &detail.workspaces { code { (workspace) } " " } }),
                    ("Began", when::ago(Some(&session.first_request), now)),
                    ("Latest request", when::ago(Some(&session.last_request), now)),
                ])))
            }
            @if detail.truncated { (notice(Tone::Blue, &html! { p { "It has earlier requests than those shown." } })) }
            h2 { "Requests" }
            (rows::table(&detail.requests, now))
        }
    }
}

/// An agent, and below it those that it gave orders to.
fn member(agent: &SessionAgent) -> Markup {
    html! {
        p.who {
            strong { (agent.agent.as_deref().unwrap_or(if agent.subagent.is_some() { "a sub-agent" } else { "the client itself" })) }
            @if agent.errors > 0 { (badge(Tone::Bad, &format!("{} failed", agent.errors))) }
        }
        p.why {
            (text::counted(agent.requests, "request", "requests")) ", " (Count(agent.total_tokens)) "\u{a0}tokens, " (dollars(agent.cost_usd))
            @if !agent.subagents.is_empty() { "; with those below " (dollars(agent.cost_with_subagents_usd)) }
            @if !agent.models.is_empty() { br; (text::models(&agent.models)) }
        }
        @if !agent.subagents.is_empty() { ul.tree { @for below in &agent.subagents { li { (member(below)) } } } }
    }
}

fn dollars(dollars: f64) -> Money {
    Money(NanoUsd((dollars.max(0.0) * 1e9).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_agents_stand_below_their_leader() {
        let agent = |name: &str, subagents: Vec<SessionAgent>| SessionAgent {
            agent: Some(name.to_owned()),
            subagent: None,
            first_request: String::new(),
            last_request: String::new(),
            requests: 2,
            errors: 0,
            total_tokens: 10,
            cost_usd: 0.5,
            cost_with_subagents_usd: 0.75,
            models: vec!["m".to_owned()],
            subagents,
        };
        let text = member(&agent("leader", vec![agent("reader", Vec::new())])).into_string();
        assert!(
            text.contains("with those below $0.75")
                && text.contains("<ul class=\"tree\"><li><p class=\"who\"><strong>reader"),
            "{text}"
        );
    }

    #[test]
    fn whatever_a_client_calls_its_session_there_is_a_link_to_it() {
        assert_eq!(path("a b/c?d"), "/sessions/a%20b%2Fc%3Fd");
    }
}
