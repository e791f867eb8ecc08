//! What would happen to a request now; and the strategy that decides it.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use ccflare_core::{
    control::{
        ControlError,
        views::{ExplainRequest, ExplainView, StrategyView},
    },
    domain::Timestamp,
};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::{Fields, Page, Problem, Shared, fields::given, now, requests::decision, see};
use crate::components::{
    badge::Tone,
    card::{card, facts},
    form::{Line, choose, field},
    layout::Place,
    notice::{empty, notice},
};

pub(super) async fn show(State(control): State<Shared>) -> Result<Page, Problem> {
    let none = empty("Nothing asked yet", &html! { p { "What would happen, and why, comes here." } });
    page(&control, &Wish::default(), &none).await
}

/// A request that is thought up.
#[derive(Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    model: String,
    session: String,
    client_key: String,
    strategy: String,
}

impl Default for Wish {
    fn default() -> Self {
        let none = String::new;
        Self { model: "claude-opus-4-5".to_owned(), session: none(), client_key: none(), strategy: none() }
    }
}

/// Asks what would happen; nothing is sent.
pub(super) async fn explain(State(control): State<Shared>, Fields(wish): Fields<Wish>) -> Result<Response, Problem> {
    let body =
        json!({ "model": wish.model.trim(), "max_tokens": 1, "messages": [{ "role": "user", "content": "Hello" }] });
    let mut request = ExplainRequest {
        body: body.to_string(),
        client_key: given(&wish.client_key).map(str::to_owned),
        ..ExplainRequest::default()
    };
    if let Some(session) = given(&wish.session) {
        request.headers.insert("x-claude-code-session-id".to_owned(), session.to_owned());
    }
    match control.explain(request).await {
        Ok(answer) => {
            let now = now(&*control).await?;
            Ok(page(&control, &wish, &said(&answer, now)).await?.into_response())
        }
        // The only thing that can be missing is the client key that was typed.
        Err(ControlError::NotFound(why)) => refuse(&control, &wish, &why).await,
        Err(error) => refuse(&control, &wish, &Problem::of_form(error)?).await,
    }
}

/// Lets another strategy decide.
pub(super) async fn choose_strategy(
    State(control): State<Shared>,
    Fields(wish): Fields<Wish>,
) -> Result<Response, Problem> {
    match control.set_strategy(&wish.strategy).await {
        Ok(_) => Ok(see("/explain", "strategy")),
        Err(error) => refuse(&control, &Wish::default(), &Problem::of_form(error)?).await,
    }
}

async fn refuse(control: &Shared, wish: &Wish, why: &str) -> Result<Response, Problem> {
    let said = notice(Tone::Bad, &html! { p { (why) } });
    Ok(page(control, wish, &said).await?.with_status(StatusCode::BAD_REQUEST).into_response())
}

async fn page(control: &Shared, wish: &Wish, said: &Markup) -> Result<Page, Problem> {
    Ok(Page::new(Place::Explain, "Placement", view(&control.strategy().await?, wish, said)))
}

fn view(strategy: &StrategyView, wish: &Wish, said: &Markup) -> Markup {
    let strategies: Vec<_> = strategy.strategies.iter().map(|name| (name.as_str(), name.as_str())).collect();
    html! {
        p.quiet { "Which account a request goes to, and why. The functions that decide for clients answer here; nothing is sent, changed or remembered." }
        div.columns.asking {
                (card("A request", &html! {
                    form.stack method="post" action="/explain" {
                        (field("Model", "model", "", &Line::new("model", &wish.model).required().bare().draw()))
                        (field("Session", "session", "As the client calls it. Empty: a new one.", &Line::new("session", &wish.session).draw()))
                        (field("Client key", "client_key", "Its name, if it would come with one.", &Line::new("client_key", &wish.client_key).draw()))
                        button.primary type="submit" { "What would happen?" }
                    }
                }))
                div id="answer" { (said) }
                (card("Strategy", &html! {
                    form.row method="post" action="/explain/strategy" {
                        (field("Decides from the next request on", "strategy", "", &choose("strategy", "strategy", &strategy.strategy, &strategies)))
                        button.quiet type="submit" { "Save" }
                    }
                    p.hint { code { "session" } ": one account serves everybody for a while. " code { "conversation" } ": each conversation stays where its cache is; new ones go where the most room is." }
                }))
        }
    }
}

fn said(answer: &ExplainView, now: Timestamp) -> Markup {
    let or = |text: &Option<String>, none: &'static str| html! { (text.as_deref().unwrap_or(none)) };
    html! {
        (notice(Tone::Good, &html! { p { (answer.summary) } }))
        (card("Why", &decision::view(&answer.decision, now)))
        (card("What the request tells of itself", &facts(&[
            ("Model", or(&answer.facts.model, "none")),
            ("Session", or(&answer.facts.session, "none")),
            ("Agent", or(&answer.facts.agent, "not known")),
            ("Workspace", or(&answer.facts.workspace, "not known")),
            ("Cache lives", html! { (if answer.facts.hour_cache { "an hour" } else { "five minutes" }) }),
        ])))
    }
}
