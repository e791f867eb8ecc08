//! One account: everything about it, and everything that can be done to it.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use ccflare_core::{
    control::{
        Control,
        views::{AccountEdit, AccountView},
    },
    domain::Timestamp,
    report::Count,
};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    login,
    parts::{self, Done},
};
use crate::{
    components::{
        badge::Tone,
        card::{card, facts},
        form::{self, Line, choose, field},
        layout::Place,
        notice::notice,
        when,
    },
    pages::{
        Fields, Page, Problem, Shared,
        fields::{given, tier},
        now, scope, see,
    },
};

pub(in crate::pages) async fn show(
    State(control): State<Shared>,
    Path(account): Path<String>,
) -> Result<Page, Problem> {
    page(&*control, &account, None).await
}

/// What each of the page's forms sends.
#[derive(Debug, Default, Deserialize)]
pub(in crate::pages) struct Edit {
    #[serde(default)]
    name: String,
    #[serde(default)]
    priority: String,
    #[serde(default)]
    tier: String,
    #[serde(default)]
    confirm: String,
}

pub(in crate::pages) async fn edit(
    State(control): State<Shared>,
    Path((account, edit)): Path<(String, String)>,
    headers: HeaderMap,
    Fields(fields): Fields<Edit>,
) -> Result<Response, Problem> {
    if edit == "login" {
        return login::again(&control, &headers, &account).await;
    }
    if edit == "remove" {
        return match control.remove_account(&account, fields.confirm.trim()).await {
            Ok(()) => Ok(see("/accounts", "removed")),
            Err(error) => refuse(&*control, &account, &Problem::of_form(error)?).await,
        };
    }
    let (change, done) = match change(&edit, &fields) {
        Some(Ok(change)) => change,
        Some(Err(why)) => return refuse(&*control, &account, why).await,
        None => {
            return Err(Problem::new(StatusCode::NOT_FOUND, "There is nothing like that to be done to an account."));
        }
    };
    match control.edit_account(&account, change).await {
        Ok(view) => Ok(see(&format!("/accounts/{}", view.id), done)),
        Err(error) => refuse(&*control, &account, &Problem::of_form(error)?).await,
    }
}

/// The change that a form wishes for, and the code of its success; `None` if there is no such form.
fn change(edit: &str, fields: &Edit) -> Option<Result<(AccountEdit, &'static str), &'static str>> {
    Some(match edit {
        "pause" => Ok((AccountEdit::Pause, "paused")),
        "resume" => Ok((AccountEdit::Resume, "resumed")),
        "rename" => Ok((AccountEdit::Rename(fields.name.clone()), "renamed")),
        "priority" => match given(&fields.priority).unwrap_or_default().parse() {
            Ok(priority) => Ok((AccountEdit::Priority(priority), "priority")),
            Err(_) => Err("The priority is a whole number from 0 on."),
        },
        "tier" => match tier(&fields.tier) {
            Ok(Some(tier)) => Ok((AccountEdit::Tier(tier), "tier")),
            Ok(None) | Err(_) => Err("A tier is 1, 5 or 20."),
        },
        _ => return None,
    })
}

async fn refuse(control: &dyn Control, account: &str, why: &str) -> Result<Response, Problem> {
    Ok(page(control, account, Some(why)).await?.with_status(StatusCode::BAD_REQUEST).into_response())
}

async fn page(control: &dyn Control, name: &str, why: Option<&str>) -> Result<Page, Problem> {
    let accounts = control.accounts().await?;
    let found = accounts.iter().find(|account| account.id == name).or_else(|| accounts.iter().find(|a| a.name == name));
    let account = found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("There is no account {name:?}.")))?;
    let (done, now) = (Done::of(&scope::month(control).await?), now(control).await?);
    Ok(Page::new(Place::Accounts, account.name.clone(), view(account, &done, why, now)))
}

fn view(account: &AccountView, month: &Done, why: Option<&str>, now: Timestamp) -> Markup {
    let path = format!("/accounts/{}", account.id);
    html! {
        @if let Some(why) = why { (notice(Tone::Bad, &html! { p { (why) } })) }
        div.columns {
            div id="account" data-live {
                (card("How it stands", &html! {
                    p { (parts::badges(account)) }
                    (parts::closures(account, now))
                    (facts(&[
                        ("In flight", html! { (Count(account.in_flight)) }),
                        ("Requests", html! { span title=(format!("{:#}", Count(account.total_requests))) { (Count(account.total_requests)) } }),
                        ("Cost and share", month.share(account)),
                        ("In this session", html! { (Count(account.request_count)) }),
                        ("Last used", when::ago(account.last_used.as_deref(), now)),
                        ("Credential", parts::credential(account, now)),
                        ("API", html! { (account.provider) @if let Some(url) = &account.base_url { " at " code { (url) } } }),
                        ("Organisation", html! { @match &account.organization { Some(id) => code { (id) }, None => "not known yet" } }),
                        ("Added", when::ago(Some(&account.created), now)),
                    ]))
                }))
                (card("Limits", &parts::windows(account, now)))
            }
            div {
                (card("What can be done", &html! {
                    div.actions {
                        @if account.paused || !account.closures.is_empty() { (form::act(&format!("{path}/resume"), "Resume", "primary")) }
                        @if !account.paused { (form::act(&format!("{path}/pause"), "Pause", "quiet")) }
                        @if account.token_expires_at.is_some() { (form::act(&format!("{path}/login"), "Log in again", "quiet")) }
                        a.button.quiet href=(crate::components::pager::link("/requests", &[("account", &account.name)])) { "Its requests" }
                    }
                }))
                (card("Settings", &settings(account, &path)))
                (card("Remove it", &removal(account, &path)))
            }
        }
    }
}

fn settings(account: &AccountView, path: &str) -> Markup {
    let (priority, tier) = (account.priority.to_string(), u8::from(account.tier).to_string());
    let one = |edit: &str, field: Markup| {
        html! {
            form.row method="post" action={ (path) "/" (edit) } { (field) button.quiet type="submit" { "Save" } }
        }
    };
    html! {
        (one("rename", field("Name", "name", "", &Line::new("name", &account.name).required().bare().draw())))
        (one("priority", field("Priority: lower goes first", "priority", "",
            &Line::new("priority", &priority).kind("number").required().bare().draw())))
        (one("tier", field("Tier", "tier", "", &choose("tier", "tier", &tier, &[("1", "1"), ("5", "5 times"), ("20", "20 times")]))))
    }
}

fn removal(account: &AccountView, path: &str) -> Markup {
    html! {
        p { "Its records stay; its credential is gone for good. To confirm, type its name: " strong { (account.name) } }
        form.row method="post" action={ (path) "/remove" } {
            (field("Name of the account", "confirm", "", &Line::new("confirm", "").required().bare().draw()))
            button.danger type="submit" { "Remove" }
        }
    }
}

#[cfg(test)]
pub(in crate::pages) mod tests {
    use ccflare_core::{control::views::WindowView, domain::Tier};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    /// An account that is the active one, with most of its five hours used.
    pub(in crate::pages) fn account(name: &str) -> AccountView {
        AccountView {
            id: "0199".to_owned(),
            name: name.to_owned(),
            provider: "anthropic".to_owned(),
            base_url: None,
            priority: 0,
            request_count: 3,
            total_requests: 12_345,
            last_used: None,
            created: NOW.to_string(),
            tier: Tier::Five,
            paused: false,
            token_status: "valid".to_owned(),
            token_expires_at: None,
            rate_limit_status: "OK".to_owned(),
            rate_limit_reset: None,
            rate_limit_remaining: None,
            session_info: "-".to_owned(),
            state: "active".to_owned(),
            active: true,
            in_flight: 2,
            organization: None,
            closures: Vec::new(),
            windows: vec![WindowView {
                name: "5h".to_owned(),
                status: Some("allowed_warning".to_owned()),
                utilization: Some(0.825),
                limit: None,
                remaining: None,
                resets_at: Some("2027-01-15T09:30:00Z".to_owned()),
            }],
        }
    }

    #[test]
    fn an_account_of_a_key_is_not_asked_to_log_in() {
        assert!(!view(&account("work"), &Done::default(), None, NOW).into_string().contains("/login"));
        let by_login = AccountView { token_expires_at: Some(NOW.to_string()), ..account("work") };
        assert!(view(&by_login, &Done::default(), None, NOW).into_string().contains("/accounts/0199/login"));
    }

    #[test]
    fn a_form_becomes_a_change_or_says_what_is_wrong() {
        let fields = |priority: &str| Edit { priority: priority.to_owned(), ..Edit::default() };
        assert!(matches!(change("priority", &fields("4")), Some(Ok((AccountEdit::Priority(4), "priority")))));
        assert!(matches!(change("priority", &fields("x")), Some(Err(_))));
        assert!(matches!(change("pause", &fields("")), Some(Ok((AccountEdit::Pause, _)))));
        assert!(change("explode", &fields("")).is_none());
    }
}
