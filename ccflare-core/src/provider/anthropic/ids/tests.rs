use super::*;

fn request(method: &str, path: &str, body: &str) -> Request<Bytes> {
    Request::builder().method(method).uri(path).body(body.to_owned().into()).expect("a request")
}

fn ids(method: &str, path: &str, body: &str) -> Vec<String> {
    named(&request(method, path, body)).ids.into_iter().map(String::from).collect()
}

fn told_ids(tells: Tells, data: &str) -> Vec<(String, Option<Duration>)> {
    let mut ids = Vec::new();
    told(tells, data.as_bytes(), &mut |told| ids.push((told.id.to_owned(), told.kept_for)));
    ids
}

#[test]
fn a_path_names_the_thing_it_is_about() {
    for (method, path, id, tells) in [
        ("GET", "/v1/messages/batches/msgbatch_1", "msgbatch_1", Tells::Things),
        ("POST", "/v1/messages/batches/msgbatch_1/cancel", "msgbatch_1", Tells::Nothing),
        ("GET", "/v1/messages/batches/msgbatch_1/results?beta=true", "msgbatch_1", Tells::Nothing),
        ("GET", "/v1/files/file_1", "file_1", Tells::Things),
        ("GET", "/v1/files/file_1/content", "file_1", Tells::Nothing),
        ("DELETE", "/v1/files/file_1", "file_1", Tells::Removal),
        ("DELETE", "/v1/skills/skill_1/versions/17", "skill_1", Tells::Nothing),
        ("POST", "/v1/sessions/sesn_1/events", "sesn_1", Tells::Nothing),
        ("GET", "/v1/vaults/0b1c", "0b1c", Tells::Things),
    ] {
        let expected = Named { ids: vec![id.into()], in_path: true, lists: false, is_aside: true, tells };
        assert_eq!(named(&request(method, path, "")), expected, "{method} {path}");
    }
}

#[test]
fn what_everybody_has_is_nobodys() {
    for path in
        ["/v1/models", "/v1/models/claude-opus-5-5", "/v1/skills/pdf", "/v1/complete", "/elsewhere/files/file_1"]
    {
        let is_aside = path.contains("models") || path.contains("skills");
        assert_eq!(named(&request("GET", path, "")), Named { is_aside, ..Named::default() }, "{path}");
    }
}

#[test]
fn a_list_is_one_accounts_and_its_next_page_the_same_ones() {
    let first = named(&request("GET", "/v1/files?limit=2", ""));
    assert!(first.lists && first.ids.is_empty() && first.tells == Tells::Things);
    assert_eq!(ids("GET", "/v1/files?limit=2&after_id=file_2", ""), ["file_2"]);
    assert_eq!(ids("GET", "/v1/messages/batches?before_id=msgbatch_2", ""), ["msgbatch_2"]);
    assert_eq!(ids("GET", "/v1/sessions?page=a%2Bb%3D", ""), ["a+b="]);
}

#[test]
fn a_message_names_container_thread_files_and_skills_the_most_binding_first() {
    let body = r#"{"model":"m","messages":[
        {"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"file_1"}},
            {"type":"container_upload","file_id":"file_2"},{"type":"text","text":"file_id"}]},
        {"role":"user","content":[{"type":"tool_result","content":[{"type":"image","source":{"file_id":"file_1"}}]}]}],
        "thread":{"type":"continue","previous_message_id":"msg_1"},
        "container":{"id":"container_1","skills":[
            {"type":"anthropic","skill_id":"pdf","version":"latest"},{"type":"custom","skill_id":"skill_1"}]}}"#;
    let expected = ["container_1", "msg_1", "file_1", "file_2", "skill_1"];
    assert_eq!(ids("POST", "/v1/messages?beta=true", body), expected);
    assert_eq!(ids("POST", "/v1/messages/count_tokens", body), expected);
    let batch = format!(r#"{{"requests":[{{"custom_id":"a","params":{body}}}]}}"#);
    assert_eq!(ids("POST", "/v1/messages/batches", &batch), expected);
    assert_eq!(ids("POST", "/v1/messages", r#"{"container":"container_1"}"#), ["container_1"]);
}

#[test]
fn an_id_is_found_wherever_it_stands_in_a_long_body() {
    for key in ["file_id", "previous_message_id", "container"] {
        for before in 2 * PIECE - 64..2 * PIECE + 8 {
            let text = "-".repeat(before);
            let body = format!(r#"{{"a":"{text}","{key}":"x_1"}}"#);
            assert_eq!(ids("POST", "/v1/messages", &body), ["x_1"], "{key} behind {before} bytes");
        }
    }
}

#[test]
fn what_only_looks_like_an_id_binds_nothing() {
    for body in [
        r#"{"messages":[{"role":"user","content":"say {\"file_id\":\"file_1\"}"}]}"#,
        r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":{"file_id":"file_1"}}]}]}"#,
        r#"{"tools":[{"name":"t","input_schema":{"properties":{"file_id":{"type":"string"},"container":"x"}}}]}"#,
        r#"{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1"}]}]}"#,
        r#"{"metadata":{"session_id":"a","file_id":"b"},"container":null}"#,
        r#"{"container":{"skills":[{"skill_id":"xlsx"}]}}"#,
        "no json, \"file_id\":\"file_1\"",
        "",
    ] {
        assert_eq!(ids("POST", "/v1/messages", body), [""; 0], "{body}");
    }
    let mut packed = request("POST", "/v1/messages", r#"{"container":"container_1"}"#);
    packed.headers_mut().insert(CONTENT_ENCODING, http::HeaderValue::from_static("gzip"));
    assert!(named(&packed).ids.is_empty());
}

#[test]
fn a_new_session_names_what_it_is_made_of() {
    let body = r#"{"agent":{"type":"agent","id":"agent_1"},"environment_id":"env_1","vault_ids":["vlt_1","vlt_2"],
        "resources":[{"type":"file","file_id":"file_1"}],"title":"agent"}"#;
    assert_eq!(ids("POST", "/v1/sessions", body), ["agent_1", "env_1", "vlt_1", "vlt_2", "file_1"]);
}

#[test]
fn answers_tell_of_things_and_of_the_next_page_but_not_of_what_everybody_has() {
    assert_eq!(told_ids(Tells::Things, r#"{"id":"file_1","type":"file"}"#), [("file_1".to_owned(), None)]);
    let list = r#"{"data":[{"id":"skill_1","source":"custom"},{"id":"pdf","source":"anthropic"},{"x":1}],
        "has_more":true,"next_page":"abc"}"#;
    let expected = [("abc".to_owned(), Some(CURSOR)), ("skill_1".to_owned(), None)];
    assert_eq!(told_ids(Tells::Things, list), expected);
    assert_eq!(told_ids(Tells::Removal, r#"{"id":"file_1","type":"file_deleted"}"#), [("file_1".to_owned(), None)]);
    for odd in ["", "[]", "null", r#"{"id":7}"#, r#"{"id":""}"#, r#"{"data":"x"}"#] {
        assert_eq!(told_ids(Tells::Things, odd), [], "{odd}");
    }
}

#[test]
fn a_message_tells_of_its_container_and_the_files_made_in_it_and_in_a_thread_of_itself() {
    let start =
        r#"{"type":"message_start","message":{"id":"msg_1","type":"message","container":{"id":"container_1"}}}"#;
    let block = r#"{"type":"content_block_start","index":1,"content_block":{"type":"bash_code_execution_tool_result",
        "content":{"content":[{"type":"bash_code_execution_output","file_id":"file_1"}]}}}"#;
    let delta = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","container":{"id":"container_1"}}}"#;
    assert_eq!(told_ids(Tells::Message, start), [("container_1".to_owned(), None)]);
    assert_eq!(told_ids(Tells::Message, block), [("file_1".to_owned(), None)]);
    assert_eq!(told_ids(Tells::Message, delta), [("container_1".to_owned(), None)]);
    let threaded = [("container_1".to_owned(), None), ("msg_1".to_owned(), Some(THREAD))];
    assert_eq!(told_ids(Tells::Thread, start), threaded);
    let whole = r#"{"id":"msg_1","type":"message","content":[]}"#;
    assert_eq!(told_ids(Tells::Thread, whole), [("msg_1".to_owned(), Some(THREAD))]);
    assert_eq!(told_ids(Tells::Message, whole), []);
    for event in ["message_start", "message_delta", "content_block_start"] {
        assert!(may_tell(Tells::Message, event.as_bytes()));
    }
    assert!(!may_tell(Tells::Message, b"content_block_delta") && !may_tell(Tells::Nothing, b"message_start"));
}

#[test]
fn messages_can_be_continued_where_the_client_asks_for_threads() {
    let mut asked = request("POST", "/v1/messages", "{}");
    assert_eq!(named(&asked).tells, Tells::Message);
    let betas = http::HeaderValue::from_static("files-api-2025-04-14,message-threads-2026-08-12");
    asked.headers_mut().append("anthropic-beta", betas);
    assert_eq!(named(&asked).tells, Tells::Thread);
}

#[test]
fn only_what_a_model_answers_goes_on_with_a_conversation() {
    for (path, is_aside) in [
        ("/v1/messages", false),
        ("/v1/complete", false),
        ("/v1/messages/count_tokens", true),
        ("/v1/messages/batches", true),
        ("/v1/models", true),
        ("/v1/files/file_1", true),
    ] {
        assert_eq!(named(&request("POST", path, "{}")).is_aside, is_aside, "{path}");
    }
}
