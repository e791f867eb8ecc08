//! The keys that clients carry.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use ccflare_core::{
    control::{
        ControlError,
        views::{ClientKeyView, NewClientKey, NewKeyView},
    },
    domain::Timestamp,
};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use super::{Fields, Page, Problem, Shared, fields::given, now, see};
use crate::components::{
    badge::{Tone, badge},
    card::card,
    form::{self, Line, field},
    layout::Place,
    notice::{empty, notice},
    text::{copyable, sentence},
    when,
};

pub(super) async fn show(State(control): State<Shared>) -> Result<Page, Problem> {
    page(&control, &Wish::default(), &html! {}).await
}

/// A key to be made.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    name: String,
    #[serde(default)]
    days: String,
    #[serde(default)]
    models: String,
    #[serde(default)]
    accounts: String,
}

pub(super) async fn create(State(control): State<Shared>, Fields(wish): Fields<Wish>) -> Result<Response, Problem> {
    let new = match wish.key() {
        Ok(new) => new,
        Err(why) => return refuse(&control, &wish, why).await,
    };
    match control.create_client_key(new).await {
        Ok(new) => shown_once(&control, &new).await,
        // The only thing that can be missing is an account that was typed.
        Err(ControlError::NotFound(why)) => refuse(&control, &wish, &sentence(&why)).await,
        Err(error) => refuse(&control, &wish, &Problem::of_form(error)?).await,
    }
}

pub(super) async fn edit(
    State(control): State<Shared>,
    Path((key, edit)): Path<(String, String)>,
) -> Result<Response, Problem> {
    match edit.as_str() {
        "revoke" => {
            control.revoke_client_key(&key).await?;
            Ok(see("/keys", "key-revoked"))
        }
        "rotate" => {
            let new = control.rotate_client_key(&key).await?;
            shown_once(&control, &new).await
        }
        _ => Err(Problem::new(StatusCode::NOT_FOUND, "There is nothing like that to be done to a key.")),
    }
}

impl Wish {
    fn key(&self) -> Result<NewClientKey, &'static str> {
        let list = |text: &str| text.split(',').filter_map(given).map(str::to_owned).collect();
        let days =
            given(&self.days).map(|days| days.parse::<u32>().map_err(|_| "Days are a whole number.")).transpose()?;
        Ok(NewClientKey {
            name: self.name.clone(),
            expires_in_seconds: days.map(|days| u64::from(days) * 86_400),
            models: list(&self.models),
            accounts: list(&self.accounts),
        })
    }
}

async fn refuse(control: &Shared, wish: &Wish, why: &str) -> Result<Response, Problem> {
    let said = notice(Tone::Bad, &html! { p { (why) } });
    Ok(page(control, wish, &said).await?.with_status(StatusCode::BAD_REQUEST).into_response())
}

/// The one page with a key on it: it is answered to the form, so reloading it shows no key again.
async fn shown_once(control: &Shared, new: &NewKeyView) -> Result<Response, Problem> {
    let said = notice(
        Tone::Good,
        &html! {
            p { "This is the key " strong { (new.client_key.name) } ". Copy it now: it is not shown again." }
            (copyable(new.key.expose()))
        },
    );
    Ok(page(control, &Wish::default(), &said).await?.into_response())
}

async fn page(control: &Shared, wish: &Wish, said: &Markup) -> Result<Page, Problem> {
    let (keys, now) = (control.client_keys().await?, now(&**control).await?);
    Ok(Page::new(Place::Keys, "Client keys", view(&keys, wish, said, now)))
}

fn view(keys: &[ClientKeyView], wish: &Wish, said: &Markup, now: Timestamp) -> Markup {
    html! {
        (said)
        @if keys.is_empty() {
            (empty("No client keys yet", &html! {
                p { "On this machine alone none is needed. As soon as others can reach the server, each client needs one." }
            }))
        } @else {
            (table(keys, now))
        }
        (card("Make a key", &html! {
            form.stack method="post" action="/keys" {
                (field("Name", "name", "Who carries it.", &Line::new("name", &wish.name).required().draw()))
                div.side-by-side {
                    (field("Good for days", "days", "Empty: until it is revoked.", &Line::new("days", &wish.days).kind("number").draw()))
                    (field("Models", "models", "Names, or beginnings with * behind them; commas between. Empty: all.",
                        &Line::new("models", &wish.models).draw()))
                    (field("Accounts", "accounts", "Names, commas between. Empty: all.", &Line::new("accounts", &wish.accounts).draw()))
                }
                button.primary type="submit" { "Make the key" }
            }
        }))
    }
}

fn table(keys: &[ClientKeyView], now: Timestamp) -> Markup {
    html! {
        div.scroll.framed tabindex="0" role="region" aria-label="Client keys" {
            table.rows.listed.keys {
                thead { tr { th { "Name" } th { "State" } th { "Made" } th { "Expires" } th { "Last used" } th { "Models" } th { "Accounts" } th { span.unseen { "Actions" } } } }
                tbody { @for key in keys { (row(key, now)) } }
            }
        }
    }
}

fn row(key: &ClientKeyView, now: Timestamp) -> Markup {
    let (path, works) = (format!("/keys/{}", key.id), key.state == "valid");
    html! {
        tr {
            th scope="row" { span.name title=(key.name) { (key.name) } }
            td { (badge(if works { Tone::Good } else { Tone::Plain }, &key.state)) }
            td { (when::ago(Some(&key.created), now)) }
            td { @match &key.expires { Some(expires) => (when::until(expires, now)), None => "never" } }
            td { (when::ago(key.last_used.as_deref(), now)) }
            td { span.name title=(list(&key.models)) { (list(&key.models)) } }
            td { span.name title=(list(&key.accounts)) { (list(&key.accounts)) } }
            td.actions {
                @if works {
                    (form::act(&format!("{path}/rotate"), "Exchange", "quiet"))
                    (form::act(&format!("{path}/revoke"), "Revoke", "danger"))
                }
            }
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "all".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_read_as_a_person_types_it() {
        let wish = Wish { name: "ci".into(), days: " 7 ".into(), models: "a, b*,,".into(), accounts: String::new() };
        let key = wish.key().expect("a key");
        assert_eq!(
            (key.expires_in_seconds, key.models, key.accounts),
            (Some(604_800), vec!["a".into(), "b*".into()], vec![])
        );
        assert!(Wish { days: "soon".into(), ..Wish::default() }.key().is_err());
    }
}
