//! A new account: by key, or by logging in.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use ccflare_core::{control::views::NewAccount, domain::Secret};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    components::{
        badge::Tone,
        card::card,
        form::{Line, choose, field},
        layout::Place,
        notice::notice,
        tabs::tabs,
    },
    pages::{
        Fields, Page, Problem, Shared,
        fields::{given, tier},
        see,
    },
};

/// What is asked of both ways in. The key is never sent back, whatever else was wrong.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::pages) struct Settings {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) base_url: String,
    #[serde(default)]
    pub(super) priority: String,
    #[serde(default)]
    pub(super) tier: String,
    /// The authorization server, if more than one is configured.
    #[serde(default)]
    pub(super) server: String,
}

#[derive(Deserialize)]
pub(in crate::pages) struct ByKey {
    #[serde(default)]
    api_key: String,
    #[serde(flatten)]
    settings: Settings,
}

pub(in crate::pages) async fn show() -> Page {
    page(&Settings::default(), None)
}

pub(in crate::pages) async fn add(
    State(control): State<Shared>,
    Fields(ByKey { api_key, settings }): Fields<ByKey>,
) -> Result<Response, Problem> {
    let (priority, tier) = match settings.order() {
        Ok(order) => order,
        Err(why) => return Ok(refuse(&settings, why)),
    };
    let account = NewAccount {
        base_url: given(&settings.base_url).map(str::to_owned),
        priority,
        tier,
        ..NewAccount::with_key(&settings.name, Secret::new(api_key.trim()))
    };
    match control.add_account(account).await {
        Ok(account) => Ok(see(&format!("/accounts/{}", account.id), "added")),
        Err(error) => Ok(refuse(&settings, &Problem::of_form(error)?)),
    }
}

impl Settings {
    /// Priority and tier.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn order(&self) -> Result<(u32, Option<ccflare_core::domain::Tier>), &'static str> {
        let priority = given(&self.priority).unwrap_or("0").parse();
        Ok((priority.map_err(|_| "The priority is a whole number from 0 on.")?, tier(&self.tier)?))
    }
}

fn refuse(settings: &Settings, why: &str) -> Response {
    page(settings, Some(why)).with_status(StatusCode::BAD_REQUEST).into_response()
}

fn page(settings: &Settings, why: Option<&str>) -> Page {
    Page::new(Place::Accounts, "Add an account", view(settings, why))
}

/// The same page when a login could not begin.
pub(super) fn refuse_login(settings: &Settings, why: &str) -> Response {
    let body = html! { (notice(Tone::Bad, &html! { p { (why) } })) (both(settings)) };
    Page::new(Place::Accounts, "Add an account", body).with_status(StatusCode::BAD_REQUEST).into_response()
}

fn view(settings: &Settings, why: Option<&str>) -> Markup {
    html! {
        @if let Some(why) = why { (notice(Tone::Bad, &html! { p { (why) } })) }
        (both(settings))
    }
}

fn both(settings: &Settings) -> Markup {
    html! {
        div.narrow { (tabs("Ways in", &[("#key".to_owned(), "By API key", false), ("#login".to_owned(), "By logging in", false)])) }
        div.columns {
            div id="key" { (card("By API key", &by_key(settings))) }
            div id="login" { (card("By logging in", &by_login(settings))) }
        }
    }
}

fn by_key(settings: &Settings) -> Markup {
    let key = Line::new("api_key", "").kind("password").required();
    html! {
        form.stack method="post" action="/accounts" {
            (named(settings, "key"))
            (field("API key", "api_key", "Kept encrypted, and never shown again.", &key.draw()))
            (further(settings, "key"))
            button.primary type="submit" { "Add the account" }
        }
    }
}

fn by_login(settings: &Settings) -> Markup {
    let server = Line::new("login-server", &settings.server).draw_as("server");
    html! {
        form.stack method="post" action="/accounts/login" {
            (named(settings, "login"))
            (field("Authorization server", "login-server", "Its name in the configuration. May stay empty if there is one.", &server))
            (further(settings, "login"))
            button.primary type="submit" { "Begin the login" }
            p.quiet {
                "Authorization servers are configured by the operator: see "
                code { "[oauth.NAME]" } " in " code { "ccflare.toml" } "."
            }
        }
    }
}

fn named(settings: &Settings, form: &str) -> Markup {
    let id = format!("{form}-name");
    let hint = "Letters, digits, spaces or -_@.+";
    field("Name", &id, hint, &Line::new(&id, &settings.name).required().placeholder("work").draw_as("name"))
}

/// What nearly nobody needs.
fn further(settings: &Settings, form: &str) -> Markup {
    let (priority, tier, url) = (format!("{form}-priority"), format!("{form}-tier"), format!("{form}-url"));
    html! {
        details.further {
            summary { "More settings" }
            (field("Priority", &priority, "Lower numbers go first.",
                &Line::new(&priority, or(&settings.priority, "0")).kind("number").draw_as("priority")))
            (field("Tier", &tier, "How large its plan is.", &choose(&tier, "tier", &settings.tier, TIERS)))
            (field("Base URL", &url, "If its API lives elsewhere.",
                &Line::new(&url, &settings.base_url).kind("url").placeholder("https://…").draw_as("base_url")))
        }
    }
}

const TIERS: &[(&str, &str)] = &[("", "not stated"), ("1", "1"), ("5", "5 times"), ("20", "20 times")];

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_stays_and_the_error_is_said() {
        let settings = Settings { name: "my own".to_owned(), priority: "7".to_owned(), ..Settings::default() };
        let text = view(&settings, Some("no such provider")).into_string();
        assert!(text.contains("role=\"alert\"") && text.contains("no such provider"), "{text}");
        assert!(text.contains("value=\"my own\"") && text.contains("value=\"7\""), "{text}");
    }

    #[test]
    fn an_order_is_read_or_explained() {
        let order = |priority: &str, tier: &str| {
            Settings { priority: priority.to_owned(), tier: tier.to_owned(), ..Settings::default() }.order()
        };
        assert_eq!(order("", ""), Ok((0, None)));
        assert_eq!(order(" 3 ", "5"), Ok((3, Some(ccflare_core::domain::Tier::Five))));
        assert!(order("-1", "").is_err() && order("", "7").is_err());
    }
}
