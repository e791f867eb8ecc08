//! Agents that files define: what an operator sees and prefers, from within the process and from afar.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ccflare_core::{
    agents::AgentOptions,
    control::{
        Control, ControlError,
        views::{AgentEdit, AuditQuery, ToolMode},
    },
};
use serde_json::{Value, json};

use crate::{
    control::remote,
    harness::{Stage, TOKEN},
};

const REVIEWER: &str = "---\nname: reviewer\ndescription: Reviews code # well\nmodel: opus\ntools: Read, Grep\nown: 1\n\
                        ---\n\nYou review code.\n";

/// A home with a global agent, a broken file, and a repository with an agent of the same name.
struct Home {
    _kept: tempfile::TempDir,
    path: PathBuf,
}

impl Home {
    fn new() -> Self {
        let kept = tempfile::tempdir().expect("a directory");
        let path = fs::canonicalize(kept.path()).expect("it is there");
        let home = Self { _kept: kept, path };
        home.write(".claude/agents/reviewer.md", REVIEWER);
        home.write(".claude/agents/broken.md", "---\nname: [\n---\n");
        home.write("repo/.claude/agents/reviewer.md", &REVIEWER.replace("code", "this code"));
        home
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.path.join(file);
        fs::create_dir_all(file.parent().expect("a directory")).expect("made");
        fs::write(file, text).expect("written");
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path.join(file)).expect("readable")
    }

    fn text(&self, path: &str) -> String {
        text(&self.path.join(path))
    }

    async fn stage(&self) -> Stage {
        Stage::with_options(&["a"], |options| {
            let mut agents = AgentOptions::default();
            agents.directories = vec![self.path.join(".claude/agents")];
            agents.workspace_roots = vec![self.path.clone()];
            options.agents = agents;
        })
        .await
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("Unicode").to_owned()
}

/// The same assertions, whoever carries them out.
async fn an_operators_day(home: &Home, control: &dyn Control, actor: &str) {
    let all = control.agents().await.expect("agents");
    assert_eq!((all.agents.len(), all.problems.len(), all.default_model), (1, 1, None));
    assert!(all.problems[0].file_path.ends_with("broken.md") && all.problems[0].state == "invalid");
    let reviewer = control.agent("reviewer").await.expect("one");
    assert_eq!(reviewer, all.agents[0]);
    assert_eq!((reviewer.model.as_deref(), reviewer.defined_model.as_deref()), (Some("claude-opus-5-5"), Some("opus")));
    assert_eq!((reviewer.state.as_str(), reviewer.source.as_str()), ("discovered", "global"));
    assert_eq!(reviewer.system_prompt, "You review code.");

    let repo = home.text("repo");
    let added = control.add_workspace(&repo).await.expect("added");
    assert_eq!((added.path.as_str(), added.name.as_str(), added.agent_count, added.manual), (&*repo, "repo", 1, true));
    for wrong in ["relative", &home.text("none"), &home.text("repo/.claude/agents/reviewer.md"), ""] {
        assert!(matches!(control.add_workspace(wrong).await, Err(ControlError::Invalid(_))), "{wrong:?}");
    }
    let own = control.agent("repo:reviewer").await.expect("the workspace's");
    assert_eq!((own.workspace.as_deref(), own.workspace_name.as_deref()), (Some(&*repo), Some("repo")));

    let none = control.agent_preference("repo:reviewer").await.expect("nothing");
    assert_eq!((none.model, none.resolved_model, none.from), (None, None, None));
    let set = control.prefer_model("repo:reviewer", "sonnet").await.expect("set");
    assert_eq!((set.model.as_deref(), set.resolved_model.as_deref()), (Some("sonnet"), Some("claude-sonnet-5-5")));
    let refused = control.prefer_model("reviewer", "claude-haiku-4-5").await;
    assert!(matches!(&refused, Err(ControlError::Invalid(why)) if why.contains("claude-opus-5-5")), "{refused:?}");
    control.prefer_model("Explore", "haiku").await.expect("an agent that no file defines");
    assert_eq!(control.agents().await.expect("agents").other_agents[0].name, "Explore");
    assert_eq!(control.set_default_agent_model(Some("haiku")).await.expect("set").as_deref(), Some("haiku"));
    assert_eq!(control.agent("reviewer").await.expect("one").preference_from.as_deref(), Some("default"));
    assert_eq!(control.set_default_agent_model(None).await.expect("cleared"), None);
    let bulk = control.prefer_model_for_all("haiku").await.expect("set");
    assert_eq!((bulk.updated_count, bulk.refused.len()), (2, 0));
    assert!(control.clear_preference("reviewer").await.expect("cleared"));
    assert!(!control.clear_preference("reviewer").await.expect("cleared"), "once");

    let edit = AgentEdit {
        description: Some("x\n---\nmodel: evil".to_owned()),
        mode: Some(ToolMode::Execution),
        ..AgentEdit::default()
    };
    let edited = control.edit_agent("reviewer", edit).await.expect("edited");
    assert_eq!((edited.description.as_str(), edited.defined_model.as_deref()), ("x\n---\nmodel: evil", Some("opus")));
    assert_eq!((edited.tools, edited.state.as_str()), (Some(vec!["Bash".to_owned()]), "updated"));
    let expected =
        REVIEWER.replace("Reviews code # well", "\"x\\n---\\nmodel: evil\"").replace("Read, Grep", "\"Bash\"");
    assert_eq!(home.read(".claude/agents/reviewer.md"), expected, "not a byte besides");
    for wrong in [AgentEdit::default(), AgentEdit { color: Some("re d".to_owned()), ..AgentEdit::default() }] {
        assert!(matches!(control.edit_agent("reviewer", wrong).await, Err(ControlError::Invalid(_))));
    }
    let both = AgentEdit { tools: Some(vec![]), mode: Some(ToolMode::All), ..AgentEdit::default() };
    assert!(matches!(control.edit_agent("reviewer", both).await, Err(ControlError::Invalid(_))));
    for nobody in ["nobody", "../reviewer", "repo:../../reviewer", "broken"] {
        let edit = AgentEdit { color: Some("red".to_owned()), ..AgentEdit::default() };
        assert!(matches!(control.edit_agent(nobody, edit).await, Err(ControlError::NotFound(_))), "{nobody}");
        assert!(matches!(control.agent(nobody).await, Err(ControlError::NotFound(_))), "{nobody}");
    }

    assert_eq!(control.remove_workspace("repo").await.expect("removed").path, repo);
    assert!(matches!(control.remove_workspace("repo").await, Err(ControlError::NotFound(_))));
    assert_eq!(control.workspaces().await.expect("none"), []);
    assert_eq!(control.agents().await.expect("agents").removed[0].id, "repo:reviewer");

    let log = control.audit(AuditQuery { before: None, limit: 100 }).await.expect("the log");
    let ours: Vec<_> = log.iter().filter(|it| it.refused.is_none() && it.action != "account.add").collect();
    assert!(ours.iter().all(|entry| entry.actor == actor), "{ours:?}");
    let actions: Vec<_> = ours.iter().rev().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "workspace.add",
            "agent.prefer",
            "agent.prefer",
            "agent.default",
            "agent.default",
            "agent.prefer_all",
            "agent.clear",
            "agent.clear",
            "agent.edit",
            "workspace.remove"
        ]
    );
}

#[tokio::test]
async fn agents_are_looked_after_from_within_the_process() {
    let home = Home::new();
    let stage = home.stage().await;
    an_operators_day(&home, &*stage.control, "local").await;
    stage.finish().await;
}

#[tokio::test]
async fn agents_are_looked_after_from_afar() {
    let home = Home::new();
    let stage = home.stage().await;
    an_operators_day(&home, &*remote(&stage), "admin_token").await;
    stage.finish().await;
}

#[tokio::test]
async fn the_agents_api_has_the_originals_shapes() {
    let home = Home::new();
    let stage = home.stage().await;
    let send = async |method: reqwest::Method, path: &str, body: Value| {
        let request = stage.client.request(method, stage.url(path)).bearer_auth(TOKEN).json(&body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    let (get, post) = (reqwest::Method::GET, reqwest::Method::POST);
    let (_, added) = send(post.clone(), "/api/workspaces", json!({ "path": home.text("repo") })).await;
    assert_eq!(added["success"], true);
    let (_, all) = send(get.clone(), "/api/agents", json!({})).await;
    assert_eq!(
        (all["agents"].as_array().map(Vec::len), all["globalAgents"].as_array().map(Vec::len)),
        (Some(2), Some(1))
    );
    assert_eq!(all["workspaceAgents"][0]["id"], "repo:reviewer");
    for key in ["id", "name", "description", "color", "model", "systemPrompt", "source", "tools", "filePath"] {
        assert!(all["agents"][0].get(key).is_some(), "{key}");
    }
    let (_, workspaces) = send(get.clone(), "/api/workspaces", json!({})).await;
    assert_eq!(
        (&workspaces["workspaces"][0]["name"], &workspaces["workspaces"][0]["agentCount"]),
        (&json!("repo"), &json!(1))
    );

    let path = "/api/agents/repo:reviewer/preference";
    let (status, set) = send(post.clone(), path, json!({ "model": "claude-sonnet-5-5" })).await;
    assert_eq!(
        (status, &set["success"], &set["agentId"], &set["model"]),
        (200, &json!(true), &json!("repo:reviewer"), &json!("claude-sonnet-5-5"))
    );
    let (_, preference) = send(get.clone(), path, json!({})).await;
    assert_eq!((&preference["agentId"], &preference["model"]), (&json!("repo:reviewer"), &json!("claude-sonnet-5-5")));
    let (status, error) = send(post.clone(), path, json!({ "model": "nothing" })).await;
    assert_eq!((status, &error["code"]), (400, &json!("invalid")));
    let (_, cleared) = send(reqwest::Method::DELETE, path, json!({})).await;
    assert_eq!((&cleared["success"], &cleared["deleted"]), (&json!(true), &json!(true)));
    let (_, bulk) = send(post.clone(), "/api/agents/bulk-preference", json!({ "model": "opus" })).await;
    assert_eq!((&bulk["success"], &bulk["updatedCount"], &bulk["model"]), (&json!(true), &json!(2), &json!("opus")));
    let (_, edited) = send(reqwest::Method::PATCH, "/api/agents/reviewer", json!({ "mode": "read-only" })).await;
    assert_eq!((&edited["success"], &edited["agent"]["tools"][0]), (&json!(true), &json!("Glob")));
    let (status, _) = send(reqwest::Method::PATCH, "/api/agents/reviewer", json!({ "filePath": "/etc/passwd" })).await;
    assert_eq!(status, 400);
    let (_, model) = send(post, "/api/config/model", json!({ "model": "haiku" })).await;
    assert_eq!((&model["success"], &model["model"]), (&json!(true), &json!("haiku")));
    let (_, model) = send(get, "/api/config/model", json!({})).await;
    assert_eq!(model, json!({ "model": "haiku" }));
    stage.finish().await;
}
