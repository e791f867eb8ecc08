//! `ccflare agent …`.

use std::{io::Read, path::Path};

use anyhow::{Context, Result};
use ccflare_core::control::{Control, views::AgentEdit};

use crate::{
    args::{Agent, EditAgent, Output},
    print,
};

pub(super) async fn run(verb: Agent, control: &dyn Control, output: Output) -> Result<()> {
    match verb {
        Agent::List => print::agents(&control.agents().await?, output),
        Agent::Show { agent } => print::agent(&control.agent(&agent).await?, output),
        Agent::Prefer { agent, model } => print::preference(&control.prefer_model(&agent, &model).await?, output),
        Agent::PreferAll { model } => print::preferred_for_all(&control.prefer_model_for_all(&model).await?, output),
        Agent::Clear { agent } => {
            let was_set = control.clear_preference(&agent).await?;
            let what = if was_set { "nothing is preferred for" } else { "nothing was preferred for" };
            print::done(&format!("{what} agent {agent:?}"), output)
        }
        Agent::Default { model: None, clear: false } => {
            print::default_model(control.default_agent_model().await?.as_deref(), output)
        }
        Agent::Default { model, .. } => {
            print::default_model(control.set_default_agent_model(model.as_deref()).await?.as_deref(), output)
        }
        Agent::Edit(edit) => {
            let agent = edit.agent.clone();
            print::agent(&control.edit_agent(&agent, wished(edit)?).await?, output)
        }
    }
}

fn wished(edit: EditAgent) -> Result<AgentEdit> {
    let EditAgent { description, model, color, tools, mode, prompt_file, .. } = edit;
    let tools = (!tools.is_empty()).then_some(tools);
    let system_prompt = prompt_file.as_deref().map(read).transpose()?;
    Ok(AgentEdit { description, model, tools, color, system_prompt, mode })
}

fn read(file: &Path) -> Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))
}
