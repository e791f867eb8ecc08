//! What operators changed.

use axum::extract::{Query, State};
use ccflare_core::{
    control::views::{AuditQuery, AuditView},
    domain::Timestamp,
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Page, Problem, Shared, now};
use crate::components::{
    badge::{Tone, badge},
    layout::Place,
    notice::empty,
    pager::{link, pager},
    when,
};

const ON_A_PAGE: usize = 50;

#[derive(Default, Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    before: String,
}

pub(super) async fn show(State(control): State<Shared>, Query(wish): Query<Wish>) -> Result<Page, Problem> {
    let before = Some(wish.before).filter(|id| !id.is_empty());
    let is_first = before.is_none();
    // One more than there is room for tells whether there is another page.
    let mut entries = control.audit(AuditQuery { before, limit: ON_A_PAGE + 1 }).await?;
    let more = entries.len() > ON_A_PAGE;
    entries.truncate(ON_A_PAGE);
    let older = entries.last().filter(|_| more).map(|entry| link("/audit", &[("before", &entry.id)]));
    let body = view(&entries, (!is_first).then_some("/audit"), older.as_deref(), now(&*control).await?);
    Ok(Page::new(Place::Audit, "Audit log", body))
}

fn view(entries: &[AuditView], newest: Option<&str>, older: Option<&str>, now: Timestamp) -> Markup {
    html! {
        p.quiet { "What operators changed or tried to change, by page, command or API. Newest first." }
        @if entries.is_empty() {
            (empty("Nothing was changed yet", &html! {}))
        } @else {
            div.scroll.framed tabindex="0" role="region" aria-label="Changes" {
                table.rows.listed.audit {
                    thead { tr { th { "When" } th { "Who" } th { "From" } th { "What" } th { "To what" } th { "Result" } } }
                    tbody {
                        @for entry in entries {
                            tr {
                                td { (when::ago(Some(&entry.timestamp), now)) }
                                td { (who(&entry.actor)) }
                                td { (entry.source.as_deref().unwrap_or("this machine")) }
                                td { code { (entry.action) } }
                                td { span.name title=(entry.subject) { (entry.subject) } }
                                td {
                                    @match &entry.refused {
                                        None => (badge(Tone::Good, "done")),
                                        Some(why) => { (badge(Tone::Bad, "refused")) " " (why) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        (pager(newest, older))
    }
}

fn who(actor: &str) -> &str {
    match actor {
        "local" => "the server's own machine",
        "admin_token" => "the admin token",
        "browser" => "a browser",
        other => other,
    }
}
