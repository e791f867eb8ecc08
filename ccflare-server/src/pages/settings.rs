//! The settings: what is in effect, where it comes from, and what can be changed.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use ccflare_core::{
    control::{
        ControlError,
        views::{DeliveryView, SettingView, SettingsEdit, SettingsView, WebhookView},
    },
    domain::Timestamp,
    report::Count,
};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use super::{Fields, Page, Problem, Shared, fields::given, maintenance, now, see};
use crate::components::{
    badge::{Tone, badge},
    card::card,
    form,
    layout::Place,
    notice::notice,
    text::{counted, sentence},
    when,
};

pub(super) async fn show(State(control): State<Shared>) -> Result<Page, Problem> {
    page(&control, None, None).await
}

/// One setting to be changed. An empty value takes it out of the file.
#[derive(Deserialize)]
pub(super) struct Wish {
    key: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    version: String,
}

pub(super) async fn change(State(control): State<Shared>, Fields(wish): Fields<Wish>) -> Result<Response, Problem> {
    let mut edit = SettingsEdit { version: given(&wish.version).map(str::to_owned), ..SettingsEdit::default() };
    edit.set.insert(wish.key.clone(), given(&wish.value).map(str::to_owned));
    match control.change_settings(edit).await {
        Ok(_) => Ok(see("/settings", "saved")),
        Err(error) => refuse(&control, error, Some(&wish)).await,
    }
}

pub(super) async fn reload(State(control): State<Shared>) -> Result<Response, Problem> {
    match control.reload_settings().await {
        Ok(_) => Ok(see("/settings", "reloaded")),
        Err(error) => refuse(&control, error, None).await,
    }
}

async fn refuse(control: &Shared, error: ControlError, wish: Option<&Wish>) -> Result<Response, Problem> {
    let why = Problem::of_form(error)?;
    Ok(page(control, Some(&why), wish).await?.with_status(StatusCode::BAD_REQUEST).into_response())
}

async fn page(control: &Shared, why: Option<&str>, wish: Option<&Wish>) -> Result<Page, Problem> {
    let now = now(&**control).await?;
    let settings = match control.settings().await {
        Ok(settings) => view(&settings, now, why, wish),
        // Inside another program the settings are that program's.
        Err(ControlError::Unavailable(why)) => notice(Tone::Blue, &html! { p { (sentence(&why)) } }),
        Err(error) => return Err(error.into()),
    };
    let store = maintenance::Seen::of(control).await?;
    let body = html! { (settings) (maintenance::view(&store, now)) };
    Ok(Page::new(Place::Settings, "Settings", body))
}

/// `refused` is what was typed and could not be saved: it stays in its field.
fn view(settings: &SettingsView, now: Timestamp, why: Option<&str>, refused: Option<&Wish>) -> Markup {
    let waiting = settings.settings.iter().filter(|setting| setting.pending.is_some()).count();
    let typed = |setting: &SettingView| refused.filter(|wish| wish.key == setting.key).map(|wish| wish.value.as_str());
    html! {
        @if let Some(why) = why { (notice(Tone::Bad, &html! { p { (why) } })) }
        @if waiting > 0 {
            (notice(Tone::Warning, &html! { p { (waiting) " of them take effect when the server is started again." } }))
        }
        div.above {
            p.quiet {
                "Flags go before variables, variables before the file"
                @if let Some(file) = &settings.file { ": " code { (file) } }
            }
            (form::act("/settings/reload", "Read the file again", "quiet"))
        }
        (card("All settings", &html! {
            ul.settings { @for setting in &settings.settings { li { (one(setting, &settings.version, typed(setting))) } } }
        }))
        (card("Webhooks", &webhooks(&settings.webhooks, now)))
    }
}

/// Who is told what happens. Their secrets are in the file alone, and so they are changed there.
fn webhooks(hooks: &[WebhookView], now: Timestamp) -> Markup {
    html! {
        @if hooks.is_empty() { p.quiet { "Nobody is told what happens." } }
        ul.settings {
            @for hook in hooks {
                li {
                    div { h3 { (hook.host) } p.hint { @if hook.events.is_empty() { "told of nothing" } @else { "told of " (hook.events.join(", ")) } } }
                    @match &hook.last {
                        Some(last) => div { (delivery(last, now)) p.hint { (so_far(hook)) } },
                        None => p.quiet { "Nothing has been sent since the server was started." },
                    }
                }
            }
        }
        p.hint { "Receivers stand in the file as " code { "[[webhooks]]" } ", each with a " code { "url" } ", a " code { "secret" } " and the " code { "events" } " it wants. What one does not take is in the " a href="/logs?text=webhook" { "log" } "." }
    }
}

/// What has become of the event that was sent last.
fn delivery(last: &DeliveryView, now: Timestamp) -> Markup {
    let (tone, word) = match last.outcome.as_str() {
        "delivered" => (Tone::Good, "delivered"),
        "retrying" => (Tone::Warning, "trying again"),
        "given_up" => (Tone::Bad, "given up"),
        other => (Tone::Plain, other),
    };
    html! {
        p { (badge(tone, word)) " " (last.event) ", " (when::ago(Some(&last.at), now)) }
        @if last.outcome != "delivered" {
            p.evidence {
                @match (&last.status, &last.error) {
                    (Some(status), _) => { "It answered " (status) },
                    (None, error) => (error.as_deref().unwrap_or("It did not answer")),
                }
                @if last.tries > 1 { ", tried " (last.tries) "\u{a0}times" }
            }
        }
    }
}

fn so_far(hook: &WebhookView) -> String {
    let delivered = counted(hook.delivered, "event", "events");
    match hook.given_up {
        0 => format!("{delivered} delivered since the server was started"),
        given_up => {
            format!("{delivered} delivered, {} given up since the server was started", Count(given_up))
        }
    }
}

fn one(setting: &SettingView, version: &str, typed: Option<&str>) -> Markup {
    html! {
        div {
            h3 { (setting.key) " " (origin(setting)) }
            p.hint { (setting.about) }
            @if let Some(pending) = &setting.pending {
                p.hint { (badge(Tone::Warning, "after a restart")) " " @if setting.secret { "another one" } @else { code { (pending) } } }
            }
        }
        @if setting.secret {
            p.quiet { "Secret: set in the file or by " (setting.variables.join(" or ")) ", never shown." }
        } @else if matches!(setting.origin.as_str(), "flag" | "environment") {
            p { code { (setting.value.as_deref().unwrap_or("not set")) } " " span.quiet { "given by " (setting.place.as_deref().unwrap_or(&setting.origin)) ", which goes before the file" } }
        } @else {
            (edit(setting, version, typed))
        }
    }
}

fn edit(setting: &SettingView, version: &str, typed: Option<&str>) -> Markup {
    // What waits for a restart is what the file says now.
    let written = setting.pending.as_deref().or(setting.value.as_deref()).unwrap_or_default();
    let usual = setting.default.as_deref().unwrap_or("not set");
    html! {
        form.row method="post" action="/settings" {
            input type="hidden" name="key" value=(setting.key);
            input type="hidden" name="version" value=(version);
            div.field {
                input name="value" value=(typed.unwrap_or(written)) placeholder=(usual) aria-label=(setting.key) aria-invalid=[typed.map(|_| "true")] autocomplete="off" spellcheck="false";
            }
            button.quiet type="submit" { "Save" span.unseen { " " (setting.key) } }
        }
    }
}

fn origin(setting: &SettingView) -> Markup {
    match setting.origin.as_str() {
        "default" => html! { (badge(Tone::Plain, "default")) },
        origin => html! { span title=[setting.place.as_deref()] { (badge(Tone::Blue, origin)) } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(origin: &str, secret: bool, pending: Option<&str>) -> SettingView {
        SettingView {
            key: "listen".to_owned(),
            value: (!secret).then(|| "127.0.0.1:8080".to_owned()),
            default: Some("127.0.0.1:8080".to_owned()),
            origin: origin.to_owned(),
            place: Some("PORT".to_owned()),
            pending: pending.map(str::to_owned),
            live: false,
            secret,
            variables: vec!["PORT".to_owned()],
            about: "where to listen".to_owned(),
        }
    }

    fn hook(last: Option<DeliveryView>) -> WebhookView {
        let events = vec!["limit".to_owned(), "moved".to_owned()];
        WebhookView { host: "alerts.example".to_owned(), events, delivered: 12, given_up: 1, last }
    }

    fn draw(setting: SettingView) -> String {
        let settings = SettingsView {
            version: "v1".to_owned(),
            file: Some("/etc/ccflare.toml".to_owned()),
            settings: vec![setting],
            webhooks: Vec::new(),
        };
        view(&settings, Timestamp::default(), None, None).into_string()
    }

    #[test]
    fn what_the_file_can_change_has_a_form_and_nothing_else_does() {
        assert!(draw(setting("default", false, None)).contains("name=\"version\" value=\"v1\""));
        for other in [setting("environment", false, None), setting("flag", false, None), setting("file", true, None)] {
            assert!(!draw(other).contains("name=\"value\""));
        }
    }

    #[test]
    fn receivers_of_events_are_listed() {
        let text = webhooks(&[hook(None)], Timestamp::default()).into_string();
        assert!(text.contains("alerts.example") && text.contains("told of limit, moved"), "{text}");
        assert!(text.contains("Nothing has been sent"), "{text}");
        assert!(webhooks(&[], Timestamp::default()).into_string().contains("[[webhooks]]"));
    }

    #[test]
    fn whether_a_receiver_takes_what_it_is_told_stands_beside_it() {
        let last = |outcome: &str, status: Option<u16>, error: Option<&str>| DeliveryView {
            at: "2026-11-24T08:00:00Z".to_owned(),
            event: "moved".to_owned(),
            outcome: outcome.to_owned(),
            tries: 2,
            status,
            error: error.map(str::to_owned),
        };
        for (last, told) in [
            (last("delivered", Some(204), None), "delivered</span> moved"),
            (last("retrying", None, Some("could not connect")), "could not connect, tried 2\u{a0}times"),
            (last("given_up", Some(410), None), "It answered 410"),
        ] {
            let text = webhooks(&[hook(Some(last))], Timestamp::default()).into_string();
            assert!(text.contains(told) && text.contains("12\u{a0}events delivered, 1 given up"), "{text}");
        }
    }

    #[test]
    fn what_could_not_be_saved_stays_in_its_field() {
        let settings = SettingsView {
            version: "v1".to_owned(),
            file: None,
            settings: vec![setting("file", false, None)],
            webhooks: Vec::new(),
        };
        let wish = Wish { key: "listen".to_owned(), value: "nowhere".to_owned(), version: "v1".to_owned() };
        let text = view(&settings, Timestamp::default(), Some("that is no address"), Some(&wish)).into_string();
        assert!(text.contains("that is no address") && text.contains("value=\"nowhere\""), "{text}");
        assert!(text.contains("aria-invalid=\"true\""), "{text}");
    }

    #[test]
    fn what_waits_for_a_restart_says_so() {
        let text = draw(setting("file", false, Some("127.0.0.1:9999")));
        assert!(text.contains("after a restart") && text.contains("value=\"127.0.0.1:9999\""), "{text}");
        assert!(text.contains("1 of them take effect"), "{text}");
    }
}
