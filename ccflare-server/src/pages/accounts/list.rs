//! All accounts: how each stands, what is left of its limits, and what can be done.

use axum::extract::State;
use ccflare_core::{control::views::AccountView, domain::Timestamp, report::Count};
use maud::{Markup, html};

use super::parts::{self, Month};
use crate::{
    components::{
        form,
        icon::{Icon, icon},
        layout::Place,
        notice::empty,
        when,
    },
    pages::{Page, Problem, Shared, now},
};

pub(in crate::pages) async fn show(State(control): State<Shared>) -> Result<Page, Problem> {
    let (accounts, month, now) = (control.accounts().await?, Month::of(&control).await?, now(&*control).await?);
    Ok(Page::new(Place::Accounts, "Accounts", view(&accounts, &month, now)))
}

fn view(accounts: &[AccountView], month: &Month, now: Timestamp) -> Markup {
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
            } @else {
                ul.accounts { @for account in accounts { li { (row(account, month, now)) } } }
            }
        }
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

fn row(account: &AccountView, month: &Month, now: Timestamp) -> Markup {
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
                span { (Count(account.total_requests)) " requests" }
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

    #[test]
    fn no_accounts_say_what_happens_meanwhile() {
        let text = view(&[], &Month::default(), NOW).into_string();
        assert!(text.contains("the client's own credentials") && text.contains("/accounts/new"), "{text}");
    }

    #[test]
    fn an_account_shows_its_state_and_what_is_left() {
        let text = view(&[account("work")], &Month::with("work", 41, 100, 2_500_000_000), NOW).into_string();
        assert!(text.contains("5 hours") && text.contains("82.5 %") && text.contains("in 1 h 30 min"), "{text}");
        assert!(text.contains("$2.50</span> in 30 days, 41 % of all"), "{text}");
        assert!(text.contains(">active</span>") && text.contains("/pause"), "{text}");
    }

    #[test]
    fn names_are_text_whatever_they_hold_and_a_hundred_have_room() {
        let accounts: Vec<_> = (0..100).map(|_| account("<b>&amp;")).collect();
        let text = view(&accounts, &Month::default(), NOW).into_string();
        assert!(!text.contains("<b>"), "escaped");
        assert_eq!(text.matches("<article").count(), 100);
        assert!(text.contains("100 of 100 can serve"), "{text}");
    }
}
