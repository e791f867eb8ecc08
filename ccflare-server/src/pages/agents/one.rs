//! One agent that a file defines, and what its file says.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use ccflare_core::{
    agents::tools_in,
    control::views::{AgentEdit, AgentView},
    domain::Timestamp,
};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
    components::{
        badge::Tone,
        card::{card, facts},
        form::{Line, choose, field},
        layout::Place,
        notice::notice,
        pager::segment,
        text, when,
    },
    pages::{Fields, Page, Problem, Shared, fields::given, now, see},
};

pub(in crate::pages) async fn show(State(control): State<Shared>, Path(agent): Path<String>) -> Result<Page, Problem> {
    page(&control, &agent, None).await
}

/// What the form sends.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    /// Of what the form was drawn from.
    version: String,
    description: String,
    model: String,
    color: String,
    preset: String,
    tools: String,
    system_prompt: String,
}

impl Wish {
    /// What the file says already.
    fn of(agent: &AgentView) -> Self {
        Self {
            version: version(agent),
            description: agent.description.clone(),
            model: agent.defined_model.clone().unwrap_or_default(),
            color: agent.color.clone(),
            preset: String::new(),
            tools: agent.tools.as_deref().unwrap_or_default().join(", "),
            system_prompt: agent.system_prompt.clone(),
        }
    }
}

pub(in crate::pages) async fn edit(
    State(control): State<Shared>,
    Path(agent): Path<String>,
    Fields(wish): Fields<Wish>,
) -> Result<Response, Problem> {
    let before = control.agent(&agent).await?;
    if wish.version != version(&before) {
        let why = "The file has changed since this form was opened, and nothing was saved. The form shows what you wrote: \
                   saving it again puts that in the place of what the file says now.";
        return Ok(page(&control, &agent, Some((&wish, why))).await?.with_status(StatusCode::CONFLICT).into_response());
    }
    match control.edit_agent(&agent, changes(&before, &wish)).await {
        Ok(_) => Ok(see(&format!("/agents/{}", segment(&agent)), "saved")),
        Err(error) => {
            let why = Problem::of_form(error)?;
            Ok(page(&control, &agent, Some((&wish, &why))).await?.with_status(StatusCode::BAD_REQUEST).into_response())
        }
    }
}

/// Tells what a file says now from what it said when a form was drawn.
fn version(agent: &AgentView) -> String {
    let AgentView { description, defined_model, color, tools, system_prompt, .. } = agent;
    let said = format!("{:?}", (description, defined_model, color, tools, system_prompt));
    Sha256::digest(said).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Only what is otherwise than before: a file keeps what nobody has touched, to the letter.
fn changes(before: &AgentView, wish: &Wish) -> AgentEdit {
    let preset = PRESETS.iter().find(|(name, ..)| *name == wish.preset);
    let tools = preset.map_or(wish.tools.as_str(), |(.., tools)| tools);
    let tools = tools_in(tools);
    // Browsers send lines with both ends, whatever the file has.
    let text = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
    let other = |now: &str, before: &str| Some(text(now)).filter(|now| *now != text(before));
    AgentEdit {
        description: other(&wish.description, &before.description),
        model: given(&wish.model).and_then(|model| other(model, before.defined_model.as_deref().unwrap_or_default())),
        color: given(&wish.color).and_then(|color| other(color, &before.color)),
        tools: (tools != before.tools.clone().unwrap_or_default()).then_some(tools),
        system_prompt: other(&wish.system_prompt, &before.system_prompt),
        ..AgentEdit::default()
    }
}

/// `refused` is what could not be saved, and why.
async fn page(control: &Shared, agent: &str, refused: Option<(&Wish, &str)>) -> Result<Page, Problem> {
    let (agent, now) = (control.agent(agent).await?, now(&**control).await?);
    Ok(Page::new(Place::Agents, agent.name.clone(), view(&agent, refused, now)))
}

fn view(agent: &AgentView, refused: Option<(&Wish, &str)>, now: Timestamp) -> Markup {
    let wish = refused.map_or_else(|| Wish::of(agent), |(wish, _)| wish.clone());
    html! {
        @if let Some((_, why)) = refused { (notice(Tone::Bad, &html! { p { (why) } })) }
        div.columns {
            (card("What its file says", &form(agent, &wish)))
            (card("Facts", &facts(&[
                ("File", html! { code { (agent.file_path) } }),
                ("Where", html! { (agent.workspace.as_deref().unwrap_or("in all workspaces")) }),
                ("Sent with", html! { @match &agent.model { Some(model) => code { (text::model(model)) }, None => "the model of whoever starts it" } }),
                ("Preferred", html! { (agent.preference.as_deref().unwrap_or("nothing")) }),
                ("Conversations", html! { (agent.conversations) " since the start" }),
                ("Last used", when::ago(agent.last_used.as_deref(), now)),
                ("File changed", when::ago(agent.modified.as_deref(), now)),
            ])))
        }
    }
}

const COLOURS: [(&str, &str); 9] = [
    ("gray", "gray"),
    ("red", "red"),
    ("orange", "orange"),
    ("yellow", "yellow"),
    ("green", "green"),
    ("cyan", "cyan"),
    ("blue", "blue"),
    ("purple", "purple"),
    ("pink", "pink"),
];

/// Tools that go together: a name, what it is called, and the tools.
const PRESETS: [(&str, &str, &str); 4] = [
    ("all", "All tools", ""),
    ("read", "Reading only", "Read, Grep, Glob, LS, NotebookRead, WebFetch, WebSearch"),
    (
        "edit",
        "Reading and editing",
        "Read, Grep, Glob, LS, NotebookRead, WebFetch, WebSearch, Edit, MultiEdit, Write, NotebookEdit",
    ),
    ("run", "Running commands", "Read, Grep, Glob, LS, Bash"),
];

/// The choice of tools; those of the line below unless it is a preset.
fn presets(chosen: &str) -> Markup {
    let mut choices = vec![("", "As written below")];
    choices.extend(PRESETS.map(|(name, text, _)| (name, text)));
    choose("preset", "preset", chosen, &choices)
}

fn form(agent: &AgentView, wish: &Wish) -> Markup {
    let mut colours = COLOURS.to_vec();
    if !colours.iter().any(|(name, _)| *name == agent.color) {
        colours.push((&agent.color, &agent.color));
    }
    html! {
        form.stack method="post" action={ "/agents/" (segment(&agent.id)) } {
            input type="hidden" name="version" value=(version(agent));
            (field("Description", "description", "What it is good for: others read this to decide when to call it.",
                &html! { textarea id="description" name="description" rows="3" aria-describedby="description-hint" { (wish.description) } }))
            div.side-by-side {
                (field("Model", "model", "A name, an alias, or inherit.", &Line::new("model", &wish.model).draw()))
                (field("Colour", "color", "", &choose("color", "color", &wish.color, &colours)))
            }
            (field("Choice of tools", "preset", "", &presets(&wish.preset)))
            (field("Tools", "tools", "Names, commas between. Empty: all.", &Line::new("tools", &wish.tools).draw()))
            (field("System prompt", "system_prompt", "", &html! { textarea id="system_prompt" name="system_prompt" rows="14" { (wish.system_prompt) } }))
            button.primary type="submit" { "Save the file" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent() -> AgentView {
        serde_json::from_value(serde_json::json!({
            "id": "reviewer", "name": "reviewer", "description": "Reviews.", "color": "blue", "model": null,
            "definedModel": "opus", "preference": null, "preferenceFrom": null, "systemPrompt": "Be\nkind.",
            "source": "global", "workspace": null, "workspaceName": null, "tools": ["Read"], "filePath": "/a/reviewer.md",
            "modified": null, "state": "discovered", "lastUsed": null, "conversations": 0,
        }))
        .expect("a view")
    }

    #[test]
    fn what_could_not_be_saved_is_still_there() {
        let wish = Wish { tools: "Read, (".to_owned(), preset: "run".to_owned(), ..Wish::of(&agent()) };
        let text = view(&agent(), Some((&wish, "\"(\" is no tool")), Timestamp::default()).into_string();
        assert!(text.contains("value=\"Read, (\"") && text.contains("is no tool"), "{text}");
        assert!(text.contains("<option value=\"run\" selected>"), "{text}");
    }

    #[test]
    fn what_was_not_touched_is_not_written() {
        let wish = Wish { system_prompt: "Be\r\nkind.".to_owned(), ..Wish::of(&agent()) };
        assert_eq!(changes(&agent(), &wish), AgentEdit::default());
        let elsewhere = AgentView { description: "Reviews\r\nall.".to_owned(), ..agent() };
        let drawn = Wish { description: "Reviews\nall.".to_owned(), ..Wish::of(&elsewhere) };
        assert_eq!(changes(&elsewhere, &drawn), AgentEdit::default());
        let bracketed = AgentView { tools: Some(vec!["Bash(git add:*, git commit:*)".to_owned()]), ..agent() };
        assert_eq!(changes(&bracketed, &Wish::of(&bracketed)), AgentEdit::default());
        let all = changes(&agent(), &Wish { preset: "all".to_owned(), ..wish.clone() });
        assert_eq!(all, AgentEdit { tools: Some(Vec::new()), ..AgentEdit::default() });
        let run = changes(&agent(), &Wish { preset: "run".to_owned(), ..wish.clone() });
        assert!(
            run.tools.is_some_and(|tools| tools.contains(&"Bash".to_owned()) && !tools.contains(&"Edit".to_owned()))
        );
        let edit = changes(&agent(), &Wish { tools: "Read, Edit".to_owned(), ..wish });
        assert_eq!(edit, AgentEdit { tools: Some(vec!["Read".to_owned(), "Edit".to_owned()]), ..AgentEdit::default() });
    }
}
