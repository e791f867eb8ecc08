//! All accounts: how each stands, what is left of its limits, and what can be done.

use axum::extract::{Query, State};
use ccflare_core::{control::views::AccountView, domain::Timestamp, report::Count};
use maud::{Markup, html};
use serde::Deserialize;

use super::parts::{self, Done};
use crate::{
    components::{
        form,
        icon::{Icon, icon},
        layout::Place,
        notice::empty,
        pager::link,
        tabs::tabs,
        text, when,
    },
    pages::{Page, Problem, Shared, now, scope},
};

/// So many have room for all that is known of them; more become rows, with less to each.
const ROOMY: usize = 20;

/// Which of very many are shown: all, or those in one state.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Shown {
    state: String,
}

const STATES: [(&str, &str); 5] = [
    ("active", "Ready"),
    ("rate_limited", "Limited"),
    ("needs_login", "Log in again"),
    ("on_hold", "On hold"),
    ("paused", "Paused"),
];

pub(in crate::pages) async fn show(State(control): State<Shared>, Query(shown): Query<Shown>) -> Result<Page, Problem> {
    let (accounts, month, now) =
        (control.accounts().await?, Done::of(&scope::month(&*control).await?), now(&*control).await?);
    Ok(Page::new(Place::Accounts, "Accounts", view(&accounts, &month, &shown, now)))
}

fn view(accounts: &[AccountView], month: &Done, shown: &Shown, now: Timestamp) -> Markup {
    html! {
        div.above {
            p.quiet { (summary(accounts)) }
            a.button.primary href="/accounts/new" { (icon(Icon::Plus)) "Add an account" }
        }
        div id="accounts" data-live {
            @if accounts.is_empty() {
                (empty("No accounts yet", &html! {
                    p { "Until there is one, requests go on with the client's own credentials." }
                }))
            } @else if accounts.len() <= ROOMY {
                ul.accounts { @for account in accounts { li { (card(account, month, now)) } } }
            } @else {
                (states(accounts, shown))
                (many(accounts.iter().filter(|account| shown.state.is_empty() || account.state == shown.state), month, now))
            }
        }
    }
}

/// The switch between states, as far as any account is in them.
fn states(accounts: &[AccountView], shown: &Shown) -> Markup {
    let count = |state: &str| accounts.iter().filter(|account| account.state == state).count();
    let all = [("", format!("All {}", accounts.len()))];
    let known = STATES.into_iter().filter(|(state, _)| count(state) > 0 || shown.state == *state);
    let known = known.map(|(state, text)| (state, format!("{text} {}", count(state))));
    let entries: Vec<_> = all.into_iter().chain(known).collect();
    let tab = |(state, text): &'_ (&'static str, String)| {
        (link("/accounts", &[("state", state)]), text.clone(), *state == shown.state)
    };
    tabs("State", &entries.iter().map(tab).collect::<Vec<_>>())
}

/// One line each: how it stands, and its tightest limit.
fn many<'a>(accounts: impl Iterator<Item = &'a AccountView>, month: &Done, now: Timestamp) -> Markup {
    html! {
        div.scroll.framed tabindex="0" role="region" aria-label="Accounts" {
            table.rows.listed.many {
                thead {
                    tr {
                        th { "Account" } th { "State" } th { "Tightest limit" } th.number { "In flight" } th.number { "Requests" }
                        th.number { "30 days" } th.number { "Of all" } th.number { "Used" }
                    }
                }
                tbody { @for account in accounts { tr { (line(account, month, now)) } } }
            }
        }
    }
}

fn line(account: &AccountView, month: &Done, now: Timestamp) -> Markup {
    html! {
        th scope="row" { a.name href={ "/accounts/" (account.id) } title=(account.name) { (account.name) } }
        td { (parts::badges(account)) }
        td {
            @match parts::tightest(account) {
                Some(window) => (parts::limit(window, now)),
                None => span.quiet.unknown { "not known yet" },
            }
        }
        td.number { (Count(account.in_flight)) }
        td.number { (Count(account.total_requests)) }
        td.number { (month.cost(account)) }
        td.number { (month.part(account)) }
        td.number { (when::ago(account.last_used.as_deref(), now)) }
    }
}

fn summary(accounts: &[AccountView]) -> String {
    let ready = accounts.iter().filter(|account| account.state == "active").count();
    match accounts.len() {
        0 => "Accounts serve the requests of all clients.".to_owned(),
        1 if ready == 1 => "One account, ready to serve.".to_owned(),
        all => {
            format!("{ready} of {all} can serve. The active one has the running session: new requests go there first.")
        }
    }
}

/// One of few, with all that is known.
fn card(account: &AccountView, month: &Done, now: Timestamp) -> Markup {
    let path = format!("/accounts/{}", account.id);
    html! {
        article.account.is-active[account.active] aria-label=(account.name) {
            header {
                h2 { a href=(path) { (account.name) } }
                span.badges { (parts::badges(account)) }
            }
            p.about {
                span { (account.provider) } span { "tier " (u8::from(account.tier)) } span { "priority " (account.priority) }
                span { (parts::credential(account, now)) }
                span { (Count(account.in_flight)) " in flight" }
                span { (text::counted(account.total_requests, "request", "requests")) }
                @if account.request_count > 0 { span { (Count(account.request_count)) " in this session" } }
                span { (month.share(account)) }
                span { "used " (when::ago(account.last_used.as_deref(), now)) }
            }
            (parts::closures(account, now))
            (parts::windows(account, now))
            div.actions {
                @if account.paused || !account.closures.is_empty() {
                    (form::act(&format!("{path}/resume"), "Resume", "quiet"))
                }
                @if !account.paused { (form::act(&format!("{path}/pause"), "Pause", "quiet")) }
                a.button.quiet href=(path) { "Manage" span.unseen { " " (account.name) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::accounts::one::tests::account;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn draw(accounts: &[AccountView], state: &str) -> String {
        let shown = Shown { state: state.to_owned() };
        view(accounts, &Done::with("work", 41, 100, 2_500_000_000), &shown, NOW).into_string()
    }

    #[test]
    fn no_accounts_say_what_happens_meanwhile() {
        let text = draw(&[], "");
        assert!(text.contains("the client's own credentials") && text.contains("/accounts/new"), "{text}");
    }

    #[test]
    fn an_account_shows_its_state_and_what_is_left() {
        let text = draw(&[account("work")], "");
        assert!(
            text.contains("5\u{a0}hours") && text.contains("82.5\u{a0}%") && text.contains("in 1 h 30 min"),
            "{text}"
        );
        assert!(text.contains("$2.50</span> in 30\u{a0}days, 41\u{a0}% of all"), "{text}");
        assert!(text.contains(">active</span>") && text.contains("/pause"), "{text}");
    }

    #[test]
    fn names_are_text_whatever_they_hold_and_a_hundred_have_room() {
        let mut accounts: Vec<_> = (0..100).map(|_| account("<b>&amp;")).collect();
        accounts[7] = AccountView { state: "paused".to_owned(), ..account("tired") };
        let text = draw(&accounts, "");
        assert!(!text.contains("<b>"), "escaped");
        assert_eq!((text.matches("<tr>").count(), text.matches("<article").count()), (101, 0), "a line for each");
        assert!(text.contains("99 of 100 can serve") && text.contains(">Ready 99</a>"), "{text}");
        let text = draw(&accounts, "paused");
        assert!(text.matches("<tr>").count() == 2 && text.contains("tired"), "{text}");
        assert!(!text.contains(">Limited"), "nobody is: {text}");
    }
}
