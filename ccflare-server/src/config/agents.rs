//! Where agents are defined, and where clients may say that they work.

use std::path::{Path, PathBuf};

use ccflare_core::{gateway::GatewayOptions, intercept::CompatibleModels};

use super::{ConfigError, Given, Places, get, wrong};

/// Sets what there is to say about agents. Clients read `~/.claude/agents` themselves, so it goes first.
pub(super) fn set(given: &Given, gateway: &mut GatewayOptions, places: &Places) -> Result<(), ConfigError> {
    let claude = places.home.as_ref().map(|home| home.join(".claude"));
    let own = places.config_dir.join("agents");
    if let Some(groups) = get::<Vec<String>>(given, "compatible_models")? {
        gateway.compatible_models = compatible(&groups).map_err(|why| wrong(given, "compatible_models", &why))?;
    }
    let agents = &mut gateway.agents;
    agents.directories = match paths(given, "agent_dirs")? {
        Some(directories) => directories,
        None => claude.iter().map(|claude| claude.join("agents")).chain([own]).collect(),
    };
    agents.workspace_roots = paths(given, "workspace_roots")?.unwrap_or_else(|| places.home.iter().cloned().collect());
    agents.private = claude.into_iter().collect();
    agents.default_model = get::<String>(given, "default_agent_model")?.map(Into::into);
    let is_model = |model: &str| !model.is_empty() && model.chars().all(|c| c.is_ascii_graphic());
    if agents.default_model.as_deref().is_some_and(|model| !is_model(model)) {
        return Err(wrong(
            given,
            "default_agent_model",
            "it is a model such as claude-opus-5-5, or an alias such as opus",
        ));
    }
    Ok(())
}

/// Each text is a group: names, or beginnings that end in `*`.
fn compatible(groups: &[String]) -> Result<CompatibleModels, String> {
    let groups: Vec<Vec<_>> =
        groups.iter().map(|group| group.split_whitespace().map(str::to_owned).collect()).collect();
    if let Some(alone) = groups.iter().find(|group| group.len() < 2 && !group.iter().any(|name| name.ends_with('*'))) {
        return Err(format!("a group has at least two models, and {:?} has not", alone.join(" ")));
    }
    if let Some(odd) = groups.iter().flatten().find(|name| name.trim_end_matches('*').contains('*') || *name == "*") {
        return Err(format!("{odd:?} is no model: give its name, or its beginning and a * at the end"));
    }
    Ok(CompatibleModels::new(groups))
}

fn paths(given: &Given, key: &'static str) -> Result<Option<Vec<PathBuf>>, ConfigError> {
    let Some(texts) = get::<Vec<String>>(given, key)? else { return Ok(None) };
    if let Some(relative) = texts.iter().find(|text| !Path::new(text).is_absolute()) {
        return Err(wrong(
            given,
            key,
            &format!("{relative:?} is not an absolute path; neither ~ nor variables are expanded"),
        ));
    }
    Ok(Some(texts.into_iter().map(PathBuf::from).collect()))
}
