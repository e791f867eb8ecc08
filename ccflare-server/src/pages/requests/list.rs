//! The latest requests.

use axum::extract::{Query, State};
use ccflare_core::{
    control::views::{RequestPage, RequestPageQuery},
    domain::Timestamp,
};
use maud::{Markup, html};
use serde::Deserialize;

use super::rows;
use crate::{
    components::{
        layout::Place,
        notice::empty,
        pager::{link, pager},
    },
    pages::{Page, Problem, Shared, now},
};

#[derive(Default, Deserialize)]
pub(in crate::pages) struct Wish {
    #[serde(default)]
    before: String,
}

pub(in crate::pages) async fn show(State(control): State<Shared>, Query(wish): Query<Wish>) -> Result<Page, Problem> {
    let before = Some(wish.before.clone()).filter(|id| !id.is_empty());
    let page = control.requests(RequestPageQuery { before, ..RequestPageQuery::default() }).await?;
    Ok(Page::new(Place::Requests, "Requests", view(&page, &wish, now(&*control).await?)))
}

fn view(page: &RequestPage, wish: &Wish, now: Timestamp) -> Markup {
    let is_first = wish.before.is_empty();
    let older = page.next.as_deref().map(|next| link("/requests", &[("before", next)]));
    html! {
        div id="requests" data-live[is_first] {
            @if page.requests.is_empty() {
                (empty("No requests yet", &html! {
                    p { "As soon as a client has asked something, it is here." }
                    p { a.button href="/start" { "How to connect a client" } }
                }))
            } @else {
                (rows::table(&page.requests, now))
            }
        }
        (pager((!is_first).then_some("/requests"), older.as_deref()))
    }
}
