//! What needs somebody to do something, or to know it.

use ccflare_core::{control::views::AccountView, domain::Timestamp};
use maud::{Markup, html};

use crate::components::{badge::Tone, notice::notice, text, when};

/// Notices, the worst first; nothing if all is well.
pub(super) fn view(accounts: &[AccountView], now: Timestamp) -> Markup {
    let serving = accounts.iter().filter(|account| account.state == "active").count();
    html! {
        @if !accounts.is_empty() && serving == 0 {
            (notice(Tone::Bad, &html! { p { strong { "No account can serve. " } "Clients are told to come back when the nearest limit is reset." } }))
        }
        @for account in accounts.iter().filter(|account| matches!(account.state.as_str(), "needs_login" | "on_hold")) {
            (notice(Tone::Bad, &html! { p { (name(account)) ": " (why(account)) ". " a href={ "/accounts/" (account.id) } { "See to it" } } }))
        }
        @for account in accounts.iter().filter(|account| account.state == "rate_limited") {
            (notice(Tone::Warning, &html! {
                p {
                    (name(account)) ": " (why(account))
                    @if let Some(reset) = &account.rate_limit_reset { "; it serves again " (when::until(reset, now)) }
                }
            }))
        }
        @for (account, window) in nearly_dry(accounts) {
            (notice(Tone::Warning, &html! { p { (name(account)) " has little left of its limit for " (window) "." } }))
        }
    }
}

fn name(account: &AccountView) -> Markup {
    html! { strong { (account.name) } }
}

fn why(account: &AccountView) -> &str {
    account.closures.first().map_or("it is closed", |closure| text::closure(&closure.reason))
}

/// Accounts that serve and have used nine tenths of a window.
fn nearly_dry(accounts: &[AccountView]) -> impl Iterator<Item = (&AccountView, String)> {
    accounts.iter().filter(|account| account.state == "active").filter_map(|account| {
        let window = account.windows.iter().find(|window| window.utilization.is_some_and(|used| used >= 0.9))?;
        Some((account, text::window(&window.name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::accounts::one::tests::account;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn while_all_is_well_nothing_is_said() {
        assert_eq!(view(&[account("a")], NOW).into_string(), "");
        assert_eq!(view(&[], NOW).into_string(), "");
    }

    #[test]
    fn what_needs_somebody_is_said_by_name() {
        let stuck = AccountView { state: "needs_login".to_owned(), ..account("work") };
        let text = view(&[stuck], NOW).into_string();
        assert!(text.contains("No account can serve") && text.contains("<strong>work</strong>"), "{text}");
        let mut dry = account("spare");
        dry.windows[0].utilization = Some(0.95);
        assert!(view(&[dry], NOW).into_string().contains("little left of its limit for 5\u{a0}hours"));
    }
}
