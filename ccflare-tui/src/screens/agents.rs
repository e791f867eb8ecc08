//! The agents: which model each is sent with and why; the files that define them, and what is wrong with those.

use ccflare_core::{
    control::views::{AgentView, OtherAgentView},
    domain::Timestamp,
    report::{Ago, Count},
};

use crate::{
    model::{Agent, Model},
    theme::Role,
    widgets::{Canvas, Cell, Column, Line, Rows, extent, page, table, wrap},
};

const COLUMNS: [Column; 7] = [
    Column::text("", 1),
    Column::growing("NAME", 16),
    Column::growing("SENT WITH", 18),
    Column::growing("PREFERRED", 18),
    Column::text("FROM", 10),
    Column::number("USED", 5),
    Column::text("LAST", 11).from(100),
];

pub(super) fn draw(model: &Model, canvas: &Canvas<'_>) {
    let agents = &model.agents;
    let shown = agents.shelf.shown();
    if shown.is_empty() {
        return empty(model, canvas);
    }
    let height = list_height(canvas.height());
    let rows = rows(model, canvas.height());
    let part = extent(&rows, shown.len()).map(|part| format!(" {part}")).unwrap_or_default();
    let default = agents.default_model.as_deref().unwrap_or("the one they ask for");
    let list =
        canvas.area(0, 0, canvas.width(), height).titled(&format!("Agents{part} · others are sent with {default}"));
    table(&list, &COLUMNS, shown.len(), Some(agents.shelf.position()), |number| row(shown[number], model.now));
    if let Some(agent) = agents.shelf.chosen() {
        let inner = canvas.below(height).titled(agent.name());
        page(&inner, &detail(model, agent, inner.width()), 0);
    }
}

/// Which rows of the list are shown where.
pub(super) fn rows(model: &Model, height: usize) -> Rows {
    let shelf = &model.agents.shelf;
    Rows::around(shelf.position(), shelf.shown().len(), 2, list_height(height).saturating_sub(2))
}

fn list_height(height: usize) -> usize {
    height * 3 / 5
}

fn empty(model: &Model, canvas: &Canvas<'_>) {
    let shelf = &model.agents.shelf;
    let says = match (shelf.is_known, shelf.all().is_empty()) {
        (false, _) => "asking …",
        (true, true) => {
            "No agents yet. Those that files define, and those that are at work, appear here by themselves; D sets the \
             model that they are sent with."
        }
        (true, false) => "No agent has these words in it; Esc ends the filter.",
    };
    canvas.area(1, 1, canvas.width().saturating_sub(2), 4).wrapped(0, Role::Muted, says);
    page(
        &canvas.area(1, 4, canvas.width().saturating_sub(2), canvas.height().saturating_sub(4)),
        &around(model, canvas.width()),
        0,
    );
}

fn row(agent: &Agent, now: Timestamp) -> Vec<Cell> {
    let ago = |at: &Option<String>| at.as_deref().and_then(|at| Ago::parse(at, now)).map(|ago| ago.to_string());
    let (preference, from) = agent.preference();
    let role = if from == Some("default") { Role::Muted } else { Role::Accent };
    let (color, sent, source, used, last) = match agent {
        Agent::Defined(agent) => {
            let from = agent.workspace_name.clone().unwrap_or_else(|| agent.source.clone());
            (color(&agent.color), agent.model.clone(), from, agent.conversations, ago(&agent.last_used))
        }
        Agent::Other(agent) => (Role::Muted, None, "client".to_owned(), agent.conversations, ago(&agent.last_used)),
    };
    vec![
        (color, "●".to_owned()),
        (Role::Strong, agent.name().to_owned()),
        (Role::Plain, sent.unwrap_or_else(|| "as asked".to_owned())),
        (role, preference.unwrap_or("–").to_owned()),
        (Role::Muted, source),
        (Role::Plain, Count(used).to_string()),
        (Role::Muted, last.unwrap_or_else(|| "–".to_owned())),
    ]
}

/// The nearest of our colours.
fn color(word: &str) -> Role {
    match word {
        "green" => Role::Good,
        "red" => Role::Bad,
        "yellow" => Role::Warning,
        "orange" => Role::Accent,
        "blue" | "cyan" => Role::Blue,
        "purple" | "magenta" => Role::Purple,
        "pink" => Role::Pink,
        _ => Role::Muted,
    }
}

fn detail(model: &Model, agent: &Agent, width: usize) -> Vec<Line> {
    let mut lines = match agent {
        Agent::Defined(agent) => defined(agent, width),
        Agent::Other(agent) => other(agent, width),
    };
    lines.extend(around(model, width));
    lines
}

fn defined(agent: &AgentView, width: usize) -> Vec<Line> {
    let tools =
        agent.tools.as_ref().map_or_else(|| "all tools".to_owned(), |tools| format!("tools {}", tools.join(", ")));
    let asks = agent.defined_model.as_deref().map_or_else(String::new, |model| format!(" · its file asks for {model}"));
    let why = agent.preference_from.as_deref().map_or_else(String::new, |from| match from {
        "agent" => " · preferred for this agent".to_owned(),
        "name" => " · preferred for agents of its name".to_owned(),
        _ => " · preferred for all".to_owned(),
    });
    let mut lines = wrap(Role::Plain, &agent.description, 0, width);
    lines.extend(wrap(Role::Muted, &format!("{}{asks}{why} · {tools}", agent.file_path), 0, width));
    lines
}

fn other(agent: &OtherAgentView, width: usize) -> Vec<Line> {
    let says = "No file defines it: it is built into the client, of a plugin, or given on its command line.";
    let used = format!("{} conversations since the server started", Count(agent.conversations));
    wrap(Role::Muted, &format!("{says} {used}"), 0, width)
}

/// Workspaces, and files with something wrong about them.
fn around(model: &Model, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for problem in &model.agents.problems {
        lines.extend(wrap(Role::Bad, &format!("✗ {}: {}", problem.file_path, problem.reason), 0, width));
    }
    for workspace in &model.agents.workspaces {
        let says = format!("{} · {} · {} agents", workspace.name, workspace.path, workspace.agent_count);
        lines.extend(wrap(Role::Muted, &says, 0, width));
    }
    if !lines.is_empty() {
        lines.insert(0, Vec::new());
    }
    lines
}
