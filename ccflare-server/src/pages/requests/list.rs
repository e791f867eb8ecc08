//! Requests, newest first, and which of them.

use axum::extract::{Query, State};
use ccflare_core::{
    control::views::{RequestPage, RequestPageQuery},
    domain::Timestamp,
};
use maud::{Markup, html};

use super::rows;
use crate::{
    components::{layout::Place, notice::empty, pager::pager},
    pages::{
        Page, Problem, Shared, now,
        scope::{Choices, RANGES, Scope, filters},
    },
};

const PATH: &str = "/requests";

pub(in crate::pages) async fn show(State(control): State<Shared>, Query(scope): Query<Scope>) -> Result<Page, Problem> {
    let now = now(&*control).await?;
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let query = RequestPageQuery {
        before: given(&scope.before),
        from: since(&scope.range, now),
        session: given(&scope.session),
        filter: scope.filter(),
        ..RequestPageQuery::default()
    };
    let page = control.requests(query).await?;
    let choices = Choices::of(&*control).await?;
    Ok(Page::new(Place::Requests, "Requests", view(&page, &scope, &choices, now)))
}

/// The beginning of a range; all requests, if none is given.
fn since(range: &str, now: Timestamp) -> Option<String> {
    let hours = match range {
        "1h" => 1,
        "6h" => 6,
        "24h" => 24,
        "7d" => 7 * 24,
        "30d" => 30 * 24,
        _ => return None,
    };
    Some((now - std::time::Duration::from_secs(hours * 3600)).to_string())
}

fn view(page: &RequestPage, scope: &Scope, choices: &Choices, now: Timestamp) -> Markup {
    let is_first = scope.before.is_empty();
    let newest = scope.link(PATH, &[("before", "")]);
    let older = page.next.as_deref().map(|next| scope.link(PATH, &[("before", next)]));
    html! {
        (since_when(scope))
        (filters(PATH, scope, choices, &[("range", &scope.range), ("session", &scope.session)]))
        div id="requests" data-live[is_first] {
            @if !page.requests.is_empty() {
                (rows::table(&page.requests, now))
            } @else if scope.is_filtered() || !scope.range.is_empty() || !is_first {
                (empty("No request is like that", &html! { p { a.button href=(PATH) { "Show all" } } }))
            } @else {
                (empty("No requests yet", &html! {
                    p { "As soon as a client has asked something, it is here." }
                    p { a.button href="/start" { "How to connect a client" } }
                }))
            }
        }
        (pager((!is_first).then_some(newest.as_str()), older.as_deref()))
    }
}

fn since_when(scope: &Scope) -> Markup {
    let tab = |(range, text): (&str, &'static str)| {
        (scope.link(PATH, &[("range", range), ("before", "")]), text, scope.range == range)
    };
    let all = [("", "All")].into_iter().chain(RANGES).map(tab).collect::<Vec<_>>();
    crate::components::tabs::tabs("Range", &all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::requests::one::tests::request;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn draw(requests: usize, scope: &Scope) -> String {
        let next = (requests > 0).then(|| "0100".to_owned());
        let page = RequestPage { requests: vec![request(); requests], next };
        view(&page, scope, &Choices::default(), NOW).into_string()
    }

    #[test]
    fn only_the_newest_page_is_live_and_older_ones_keep_the_filter() {
        let text = draw(1, &Scope { model: "m".into(), ..Scope::default() });
        assert!(text.contains("data-live") && text.contains("/requests?model=m&amp;before=0100"), "{text}");
        let text = draw(1, &Scope { before: "0200".into(), ..Scope::default() });
        assert!(!text.contains("data-live") && text.contains("Newest"), "{text}");
    }

    #[test]
    fn nothing_yet_and_nothing_like_that_are_told_apart() {
        assert!(draw(0, &Scope::default()).contains("No requests yet"));
        assert!(draw(0, &Scope { status: "error".into(), ..Scope::default() }).contains("No request is like that"));
    }
}
