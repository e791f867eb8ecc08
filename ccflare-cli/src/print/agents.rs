//! Agents and workspaces.

use anyhow::Result;
use ccflare_core::control::views::{AgentView, AgentsView, BulkPreferenceView, PreferenceView, WorkspaceView};
use serde_json::json;

use super::{done, json as as_json, line, or_dash, progress, right, table};
use crate::args::Output;

const NONE: &str = "no agents yet: put a definition (markdown with name and description in front) into \
                    ~/.claude/agents, or register a directory that has some: `ccflare workspace add PATH`";

pub(crate) fn agents(all: &AgentsView, output: Output) -> Result<()> {
    if output.json {
        return as_json(all);
    }
    if all.agents.is_empty() && all.other_agents.is_empty() {
        line(NONE)?;
    } else {
        let mut table = table(&["AGENT", "MODEL", "PREFERRED", "STATE", "CONVERSATIONS", "LAST USED", "FILE"]);
        for agent in &all.agents {
            table.add_row([
                agent.id.clone(),
                agent.model.clone().unwrap_or_else(|| "inherit".to_owned()),
                preferred(agent.preference.as_deref(), agent.preference_from.as_deref()),
                agent.state.clone(),
                agent.conversations.to_string(),
                or_dash(agent.last_used.as_ref()),
                agent.file_path.clone(),
            ]);
        }
        for agent in &all.other_agents {
            table.add_row([
                agent.name.clone(),
                "-".to_owned(),
                preferred(agent.preference.as_deref(), agent.preference_from.as_deref()),
                "no file".to_owned(),
                agent.conversations.to_string(),
                or_dash(agent.last_used.as_ref()),
                "-".to_owned(),
            ]);
        }
        right(&mut table, &[4]);
        line(&format!("{table}"))?;
    }
    if let Some(model) = &all.default_model {
        line(&format!("all others: {model}"))?;
    }
    for problem in &all.problems {
        progress(&format!("{}: {}: {}", problem.state, problem.file_path, problem.reason));
    }
    Ok(())
}

fn preferred(model: Option<&str>, from: Option<&str>) -> String {
    match (model, from) {
        (Some(model), Some("agent") | None) => model.to_owned(),
        (Some(model), Some(from)) => format!("{model} (by {from})"),
        (None, _) => "-".to_owned(),
    }
}

pub(crate) fn agent(agent: &AgentView, output: Output) -> Result<()> {
    if output.json {
        return as_json(agent);
    }
    let tools = agent.tools.as_ref().map_or_else(|| "all".to_owned(), |tools| tools.join(", "));
    line(&format!("{}  {}  {}", agent.id, agent.name, agent.state))?;
    line(&format!("file       {}", agent.file_path))?;
    line(&format!("model      {}", agent.model.as_deref().unwrap_or("that of whoever starts it")))?;
    line(&format!("preferred  {}", preferred(agent.preference.as_deref(), agent.preference_from.as_deref())))?;
    line(&format!("in file    {}", or_dash(agent.defined_model.as_ref())))?;
    line(&format!("colour     {}", agent.color))?;
    line(&format!("tools      {}", tools))?;
    line(&format!("last used  {} ({} conversations)", or_dash(agent.last_used.as_ref()), agent.conversations))?;
    line(&format!("\n{}\n", agent.description))?;
    line(&agent.system_prompt)
}

pub(crate) fn preference(preference: &PreferenceView, output: Output) -> Result<()> {
    if output.json {
        return as_json(preference);
    }
    let now = match (&preference.model, &preference.resolved_model) {
        (Some(model), Some(resolved)) if model != resolved => format!("{model}, now {resolved}"),
        (Some(model), _) => model.clone(),
        (None, _) => "the model that it asks for".to_owned(),
    };
    line(&format!("agent {:?}: {now}", preference.agent_id))
}

pub(crate) fn preferred_for_all(done: &BulkPreferenceView, output: Output) -> Result<()> {
    if output.json {
        return as_json(done);
    }
    line(&format!("{} agents have {} now", done.updated_count, done.model))?;
    for refused in &done.refused {
        progress(&format!("not {}: {}", refused.agent_id, refused.reason));
    }
    Ok(())
}

pub(crate) fn default_model(model: Option<&str>, output: Output) -> Result<()> {
    if output.json {
        return as_json(&json!({ "model": model }));
    }
    done(model.unwrap_or("none: agents have the model that they ask for"), output)
}

pub(crate) fn workspaces(workspaces: &[WorkspaceView], output: Output) -> Result<()> {
    if output.json {
        return as_json(&workspaces);
    }
    if workspaces.is_empty() {
        return line("no workspaces yet: clients that work below a configured root bring theirs, or add one yourself");
    }
    let mut table = table(&["NAME", "PATH", "AGENTS", "LAST SEEN", "REGISTERED BY"]);
    for workspace in workspaces {
        table.add_row([
            workspace.name.clone(),
            workspace.path.clone(),
            workspace.agent_count.to_string(),
            workspace.last_seen.clone(),
            if workspace.manual { "operator" } else { "client" }.to_owned(),
        ]);
    }
    right(&mut table, &[2]);
    line(&format!("{table}"))
}
