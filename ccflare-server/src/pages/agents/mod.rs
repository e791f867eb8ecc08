//! Agents: which there are, how much they do, and the model that each is sent with.

mod cards;
pub(super) mod one;

use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use ccflare_core::{
    control::{
        Control, ControlError,
        views::{AgentView, AgentsView, GroupView},
    },
    domain::Timestamp,
};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use super::{Fields, Page, Problem, Shared, fields::given, now, scope::month, see};
use crate::components::{
    badge::{Tone, badge},
    card::card,
    form::{Line, field},
    layout::Place,
    notice::{empty, notice},
    pager::link,
    tabs::tabs,
    text, when,
};

/// Which of them are shown: all, `global`, or those of the workspace with this path.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    workspace: String,
}

impl Shown {
    fn wants(&self, agent: &AgentView) -> bool {
        match self.workspace.as_str() {
            "" => true,
            "global" => agent.workspace.is_none(),
            path => agent.workspace.as_deref() == Some(path),
        }
    }
}

pub(super) async fn show(State(control): State<Shared>, Query(shown): Query<Shown>) -> Result<Page, Problem> {
    page(&*control, &shown, None).await
}

/// What the page's forms send.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    agent: String,
    model: String,
    path: String,
}

/// What could not be done: which form asked for it, what was typed there, and why not.
struct Refused<'a> {
    form: &'a str,
    wish: &'a Wish,
    why: &'a str,
}

impl Refused<'_> {
    /// The model that was typed into this form, to be shown in it again.
    fn model(&self, form: &str) -> Option<&str> {
        (self.form == form).then_some(self.wish.model.as_str())
    }

    /// The same for the preference of one agent.
    fn preference(&self, agent: &str) -> Option<&str> {
        self.model(PREFER).filter(|_| self.wish.agent == agent)
    }
}

/// The form of one agent's preference.
const PREFER: &str = "prefer";

/// Prefers a model for an agent; none forgets what was preferred.
pub(super) async fn prefer(State(control): State<Shared>, Fields(wish): Fields<Wish>) -> Result<Response, Problem> {
    let done = match given(&wish.model) {
        Some(model) => control.prefer_model(&wish.agent, model).await.map(drop),
        None => control.clear_preference(&wish.agent).await.map(drop),
    };
    answer(&*control, done, PREFER, &wish).await
}

/// The same for all, or for those that nothing else is preferred for.
pub(super) async fn edit_all(
    State(control): State<Shared>,
    Path(edit): Path<String>,
    Fields(wish): Fields<Wish>,
) -> Result<Response, Problem> {
    let done = match edit.as_str() {
        "default" => control.set_default_agent_model(given(&wish.model)).await.map(drop),
        "all" => control.prefer_model_for_all(wish.model.trim()).await.map(drop),
        "workspace" => control.add_workspace(wish.path.trim()).await.map(drop),
        "forget" => control.remove_workspace(&wish.path).await.map(drop),
        _ => return Err(Problem::new(StatusCode::NOT_FOUND, "There is nothing like that to be done to agents.")),
    };
    answer(&*control, done, &edit, &wish).await
}

async fn answer(
    control: &dyn Control,
    done: Result<(), ControlError>,
    form: &str,
    wish: &Wish,
) -> Result<Response, Problem> {
    match done {
        Ok(()) => Ok(see("/agents", "saved")),
        Err(error) => {
            let why = Problem::of_form(error)?;
            let refused = Refused { form, wish, why: &why };
            let page = page(control, &Shown::default(), Some(&refused)).await?;
            Ok(page.with_status(StatusCode::BAD_REQUEST).into_response())
        }
    }
}

async fn page(control: &dyn Control, shown: &Shown, refused: Option<&Refused<'_>>) -> Result<Page, Problem> {
    let usage = &month(control).await?.agent_performance;
    let body = view(&control.agents().await?, usage, shown, refused, now(control).await?);
    Ok(Page::new(Place::Agents, "Agents", body))
}

fn view(
    known: &AgentsView,
    usage: &[GroupView],
    shown: &Shown,
    refused: Option<&Refused<'_>>,
    now: Timestamp,
) -> Markup {
    let typed = |agent: &str| refused.and_then(|refused| refused.preference(agent));
    html! {
        @if let Some(refused) = refused { (notice(Tone::Bad, &html! { p { (refused.why) } })) }
        @for problem in &known.problems {
            (notice(Tone::Warning, &html! { p { code { (problem.file_path) } ": " (problem.reason) } }))
        }
        @if known.agents.is_empty() && known.other_agents.is_empty() {
            (empty("No agents known yet", &html! {
                p { "Agents come from files in " code { "~/.claude/agents" } " and in the workspaces that clients work in, and from what clients tell of themselves." }
            }))
        }
        @if !known.workspaces.is_empty() { (which(known, shown)) }
        ul.agents {
            @for agent in known.agents.iter().filter(|agent| shown.wants(agent)) { li { (cards::defined(agent, usage, typed(&agent.id), now)) } }
            @if shown.workspace.is_empty() {
                @for agent in &known.other_agents { li { (cards::other(agent, usage, typed(&agent.name), now)) } }
            }
        }
        @if !shown.workspace.is_empty() && !known.agents.iter().any(|agent| shown.wants(agent)) {
            p.quiet { "No file there defines an agent. " a href="/agents" { "All agents" } }
        }
        div.columns.even {
            (card("Model for all agents", &for_all(known, refused)))
            (card("Workspaces", &workspaces(known, refused, now)))
        }
        @if !known.removed.is_empty() {
            (card("Gone since the start", &html! {
                ul { @for agent in &known.removed { li { strong { (agent.name) } " " code { (agent.file_path) } ", " (when::ago(Some(&agent.removed), now)) } } }
            }))
        }
    }
}

/// All of them, those of no workspace, or those of one.
fn which(known: &AgentsView, shown: &Shown) -> Markup {
    let tab = |path: &str| (link("/agents", &[("workspace", path)]), shown.workspace == path);
    let ((all, here), (global, is_global)) = (tab(""), tab("global"));
    let mut entries = vec![(all, "All", here), (global, "Global", is_global)];
    entries.extend(known.workspaces.iter().map(|workspace| {
        let (address, here) = tab(&workspace.path);
        (address, workspace.name.as_str(), here)
    }));
    tabs("Agents of", &entries)
}

fn for_all(known: &AgentsView, refused: Option<&Refused<'_>>) -> Markup {
    let typed = |form| refused.and_then(|refused| refused.model(form));
    let default = typed("default").or(known.default_model.as_deref()).unwrap_or_default();
    html! {
        form.row method="post" action="/agents/all/default" {
            (field("Agents without a preference", "default-model", "",
                &Line::new("default-model", default).placeholder("the one they ask for").bare().draw_as("model")))
            button.quiet type="submit" { "Save" }
        }
        form.row method="post" action="/agents/all/all" {
            (field("Every agent with a file", "all-model", "",
                &Line::new("all-model", typed("all").unwrap_or_default()).required().placeholder("opus or inherit").bare().draw_as("model")))
            button.quiet type="submit" { "Prefer for all" }
        }
        p.hint { "An alias such as " code { "opus" } " is the newest model of that family; " code { "inherit" } " leaves an agent the model that it asks for. A change of the model drops the prompt cache of what is under way." }
    }
}

fn workspaces(known: &AgentsView, refused: Option<&Refused<'_>>, now: Timestamp) -> Markup {
    let typed = refused.filter(|refused| refused.form == "workspace").map_or("", |refused| &refused.wish.path);
    html! {
        @if known.workspaces.is_empty() { p.quiet { "None yet. Directories that clients work in are found by themselves." } }
        @for workspace in &known.workspaces {
            div.row {
                div.field {
                    strong { (workspace.name) } " "
                    @if workspace.manual { (badge(Tone::Blue, "registered")) }
                    p.hint { code { (workspace.path) } ", " (text::counted(workspace.agent_count as u64, "agent", "agents")) ", last asked " (when::ago(Some(&workspace.last_seen), now)) }
                }
                form.inline method="post" action="/agents/all/forget" {
                    input type="hidden" name="path" value=(workspace.path);
                    button.quiet type="submit" { "Forget" span.unseen { " " (workspace.name) } }
                }
            }
        }
        form.row method="post" action="/agents/all/workspace" {
            (field("Directory", "workspace-path", "", &Line::new("workspace-path", typed).required().placeholder("/home/me/project").bare().draw_as("path")))
            button.quiet type="submit" { "Register" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> AgentsView {
        let agent = |name: &str, workspace: Option<&str>| {
            serde_json::json!({
                "id": name, "name": name, "description": "", "color": "blue", "model": null, "definedModel": null,
                "preference": null, "preferenceFrom": null, "systemPrompt": "", "source": "global", "workspace": workspace,
                "workspaceName": null, "tools": null, "filePath": "/a.md", "modified": null, "state": "discovered",
                "lastUsed": null, "conversations": 0,
            })
        };
        let shop = serde_json::json!({ "path": "/home/ana/shop", "name": "shop", "firstSeen": "", "lastSeen": "",
            "agentCount": 1, "manual": false });
        serde_json::from_value(serde_json::json!({
            "agents": [agent("everywhere", None), agent("seller", Some("/home/ana/shop"))], "otherAgents": [],
            "problems": [], "removed": [], "workspaces": [shop], "defaultModel": null,
        }))
        .expect("a view")
    }

    fn draw(workspace: &str) -> String {
        view(&known(), &[], &Shown { workspace: workspace.to_owned() }, None, Timestamp::default()).into_string()
    }

    #[test]
    fn agents_can_be_seen_by_where_they_are_defined() {
        let has = |text: &str, name: &str| text.contains(&format!("aria-label=\"{name}\""));
        for (workspace, everywhere, seller) in
            [("", true, true), ("global", true, false), ("/home/ana/shop", false, true)]
        {
            let text = draw(workspace);
            assert_eq!((has(&text, "everywhere"), has(&text, "seller")), (everywhere, seller), "{workspace}: {text}");
        }
        assert!(draw("/nowhere").contains("No file there defines an agent"));
        assert!(draw("").contains("/agents?workspace=%2Fhome%2Fana%2Fshop"));
    }
}
