//! What a hostile page, client or network tries, and what comes of it. `docs/security.md` names these tests.

use std::time::Duration;

use ccflare_core::control::views::AuditQuery;
use ccflare_mock::MockConfig;
use ccflare_server::ServeOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{SOON, Stage, TOKEN, message, raw};

/// One request and its whole answer, as text. `headers` are lines.
async fn exchange(stage: &Stage, method: &str, target: &str, headers: &[String], body: &str) -> String {
    let mut head = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|line| line.starts_with("host:")) {
        head.push_str(&format!("host: {}\r\n", stage.address));
    }
    if !body.is_empty() {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    for line in headers {
        head.push_str(&format!("{line}\r\n"));
    }
    raw(stage.address, format!("{head}\r\n{body}").as_bytes()).await
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

fn status(answer: &str) -> u16 {
    answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default()
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    head.lines().filter_map(|line| line.split_once(": ")).find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn own_form(stage: &Stage) -> Vec<String> {
    vec![format!("origin: http://{}", stage.address), "content-type: application/x-www-form-urlencoded".to_owned()]
}

/// Logs in with the token, as the page's form does, and returns the cookie's line.
async fn log_in(stage: &Stage) -> String {
    let answer = exchange(stage, "POST", "/login", &own_form(stage), &format!("token={TOKEN}")).await;
    assert_eq!(status(&answer), 303, "{answer}");
    let cookie = header(&answer, "set-cookie").expect("a cookie").split(';').next().expect("a pair");
    format!("cookie: {cookie}")
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing_with_the_operators_cookie() {
    let stage = Stage::with(&["a"]).await;
    let cookie = log_in(&stage).await;
    let own = format!("origin: http://{}", stage.address);
    let port = "origin: http://127.0.0.1:3000";
    let json = "content-type: application/json";
    let form = "content-type: application/x-www-form-urlencoded";
    let evil = "origin: https://evil.example";
    let site = |site: &str| format!("sec-fetch-site: {site}");
    for (what, headers, expected) in [
        ("a form of another site", vec![evil.to_owned(), form.to_owned()], 403),
        ("a fetch of another site", vec![evil.to_owned(), json.to_owned(), site("cross-site")], 403),
        ("a sandboxed frame", vec!["origin: null".to_owned(), json.to_owned()], 403),
        ("a page at another port of this machine", vec![port.to_owned(), json.to_owned()], 403),
        ("the same by its own word", vec![json.to_owned(), site("same-site")], 403),
        ("nobody says where it comes from", vec![json.to_owned()], 403),
        ("a lie about the site", vec![own.clone(), json.to_owned(), site("cross-site")], 403),
        ("no content type", vec![own.clone()], 415),
        ("a form", vec![own.clone(), form.to_owned()], 415),
        ("text that looks like JSON", vec![own.clone(), "content-type: text/plain".to_owned()], 415),
        ("JSON hidden in a form's type", vec![own.clone(), format!("{form}; application/json")], 415),
    ] {
        let headers = [headers, vec![cookie.clone()]].concat();
        let answer = exchange(&stage, "POST", "/api/accounts/a/pause", &headers, "{}").await;
        assert_eq!(status(&answer), expected, "{what}: {answer}");
        assert_eq!(header(&answer, "access-control-allow-origin"), None, "{what}");
    }
    let preflight = [evil, "access-control-request-method: POST", "access-control-request-headers: content-type"];
    let answer = exchange(&stage, "OPTIONS", "/api/accounts/a/pause", &lines(&preflight), "").await;
    assert_eq!((status(&answer), header(&answer, "access-control-allow-origin")), (403, None));
    assert!(!stage.account("a").await.paused);

    let headers = vec![own, json.to_owned(), cookie];
    assert_eq!(status(&exchange(&stage, "POST", "/api/accounts/a/pause", &headers, "{}").await), 200);
    assert!(stage.account("a").await.paused);
    let log = stage.control.audit(AuditQuery::default()).await.expect("the log");
    assert_eq!((log[0].actor.as_str(), log[0].source.as_deref()), ("browser", Some("127.0.0.1")));
    stage.finish().await;
}

#[tokio::test]
async fn nothing_changes_by_get_and_with_a_token_only_json_is_read() {
    let stage = Stage::with(&["a"]).await;
    let token = format!("authorization: Bearer {TOKEN}");
    for target in ["/api/accounts/a/pause", "/api/login-links", "/logout", "/api/keys/a/revoke"] {
        let answer = exchange(&stage, "GET", target, std::slice::from_ref(&token), "").await;
        assert_eq!(status(&answer), 405, "{target}");
    }
    let headers = [token, "content-type: text/plain".to_owned()];
    let answer = exchange(&stage, "POST", "/api/accounts/a/pause", &headers, "{}").await;
    assert_eq!(status(&answer), 415);
    assert!(!stage.account("a").await.paused);
    stage.finish().await;
}

#[tokio::test]
async fn forms_that_never_come_keep_no_page_from_being_drawn() {
    let stage = Stage::with(&["a"]).await;
    let head = format!(
        "POST /theme HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: 100\r\nexpect: 100-continue\r\n\r\n",
        stage.address
    );
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stream = tokio::net::TcpStream::connect(stage.address).await.expect("a connection");
        stream.write_all(head.as_bytes()).await.expect("sent");
        // The server says so when it reads the form.
        let mut told = [0; 25];
        stream.read_exact(&mut told).await.expect("an interim answer");
        assert!(told.starts_with(b"HTTP/1.1 100"));
        slow.push(stream);
    }
    let page = stage.client.get(stage.url("/")).bearer_auth(TOKEN).timeout(SOON).send().await.expect("a page");
    assert_eq!(page.status(), 200);
    drop(slow);
    stage.finish().await;
}

#[tokio::test]
async fn a_cookie_is_out_of_reach_of_scripts_and_other_sites_and_dies_with_the_session() {
    let stage = Stage::with(&["a"]).await;
    let answer = exchange(&stage, "POST", "/login", &own_form(&stage), &format!("token={TOKEN}")).await;
    let cookie = header(&answer, "set-cookie").expect("a cookie");
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age=43200"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain") && !cookie.contains(TOKEN), "{cookie}");

    let session = log_in(&stage).await;
    let seen = async |cookie: &str| status(&exchange(&stage, "GET", "/api/status", &lines(&[cookie]), "").await);
    assert_eq!(seen(&session).await, 200);
    for wrong in ["cookie: ccflare=", "cookie: ccflare=0000", &session[..session.len() - 1], &session.to_uppercase()] {
        assert_eq!(seen(wrong).await, 401, "{wrong}");
    }
    let foreign = [session.as_str(), "origin: http://127.0.0.1:1"];
    assert_eq!(status(&exchange(&stage, "POST", "/logout", &lines(&foreign), "").await), 403);
    assert_eq!(seen(&session).await, 200);
    let own = [session.clone(), format!("origin: http://{}", stage.address)];
    assert_eq!(status(&exchange(&stage, "POST", "/logout", &own, "").await), 303);
    assert_eq!(seen(&session).await, 401, "a stolen copy dies too");
    stage.finish().await;
}

#[tokio::test]
async fn a_one_time_link_logs_in_once_by_its_form_and_never_by_being_looked_at() {
    let stage = Stage::with(&["a"]).await;
    let token = lines(&[&format!("authorization: Bearer {TOKEN}")]);
    let answer = exchange(&stage, "POST", "/api/login-links", &token, "").await;
    let body: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    let path = body["path"].as_str().expect("a path");
    let code = path.strip_prefix("/login/").expect("a code");
    for _ in 0..2 {
        let page = exchange(&stage, "GET", path, &[], "").await;
        assert_eq!((status(&page), header(&page, "set-cookie")), (200, None));
        assert!(page.contains("<form method=\"post\"") && !page.contains("<script"), "{page}");
    }
    let form = format!("code={code}");
    let foreign = lines(&["origin: http://127.0.0.1:1", "content-type: application/x-www-form-urlencoded"]);
    assert_eq!(status(&exchange(&stage, "POST", "/login", &foreign, &form).await), 403);
    assert_eq!(status(&exchange(&stage, "POST", "/login", &own_form(&stage), &form).await), 303);
    assert_eq!(status(&exchange(&stage, "POST", "/login", &own_form(&stage), &form).await), 401, "once");
    let page = exchange(&stage, "GET", "/login/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E", &[], "").await;
    assert!(!page.contains("<script"), "{page}");
    stage.finish().await;
}

#[tokio::test]
async fn every_answer_to_an_operator_forbids_inline_script_frames_and_guessing() {
    let stage = Stage::with(&["a"]).await;
    for target in ["/", "/login", "/login/x", "/health", "/livez", "/api/status", "/api/nothing", "/nothing"] {
        let answer = exchange(&stage, "GET", target, &[], "").await;
        let policy = header(&answer, "content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{target}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{target}: {policy}");
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("cache-control", "no-store"), ("x-frame-options", "DENY")]
        {
            assert_eq!(header(&answer, name), Some(value), "{target}");
        }
    }
    stage.finish().await;
}

#[tokio::test]
async fn guessing_the_token_is_slowed_down_and_a_session_goes_on() {
    let stage = Stage::with(&["a"]).await;
    let session = log_in(&stage).await;
    let guess = async |token: &str| {
        let line = format!("authorization: Bearer {token}");
        exchange(&stage, "GET", "/api/status", &lines(&[&line, "x-forwarded-for: 192.0.2.9"]), "").await
    };
    for number in 0..10 {
        assert_eq!(status(&guess(&format!("guess-{number}")).await), 401);
    }
    let refused = guess(TOKEN).await;
    assert_eq!(status(&refused), 429, "not even the right one is looked at");
    assert!(header(&refused, "retry-after").is_some());
    let form = exchange(&stage, "POST", "/login", &own_form(&stage), "token=guess").await;
    assert_eq!((status(&form), header(&form, "set-cookie")), (429, None));
    assert_eq!(status(&exchange(&stage, "GET", "/api/status", &lines(&[&session]), "").await), 200);
    stage.finish().await;
}

#[tokio::test]
async fn a_name_that_was_rebound_to_this_machine_reaches_nothing() {
    let stage = Stage::with(&["a"]).await;
    let token = format!("authorization: Bearer {TOKEN}");
    for host in ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "", "a b"] {
        for target in ["/v1/messages", "/api/status", "/login", "/health", "/"] {
            let headers = [format!("host: {host}"), token.clone()];
            let answer = exchange(&stage, "POST", target, &headers, "{}").await;
            assert!(matches!(status(&answer), 400 | 421), "{host:?} {target}: {answer}");
        }
    }
    assert!(stage.mock.requests().is_empty());
    stage.finish().await;
}

#[tokio::test]
async fn no_path_trick_leaves_the_allow_list() {
    let stage = Stage::with(&["a"]).await;
    for target in [
        "//evil.example/v1/messages",
        "//v1/messages",
        "/v1//messages",
        "/v1/messages/",
        "/v1/../v1/messages",
        "/v1/./messages",
        "/v1/%2e%2e/api/oauth/profile",
        "/v1/..%2fapi/oauth/profile",
        "/v1/messages/..%5c..%5capi",
        "/v1%2fmessages",
        "/v1/messages%2f..%2f..%2fapi",
        "/v1/messages%00",
        "/v1/messages;a=b",
        "/v1\\messages",
        "/V1/messages",
        "/v1/models/../../api/status",
        "/v1/files/%2e%2e/%2e%2e/x",
        "http://evil.example/v1/messages",
        "https://api.anthropic.com/v1/messages",
        "http://localhost@evil.example/v1/messages",
        "/api/../v1/messages",
        "/.well-known/../v1/messages",
        "*",
        "evil.example:443",
    ] {
        for method in ["POST", "GET", "CONNECT", "TRACE"] {
            let answer = exchange(&stage, method, target, &lines(&["x-api-key: client"]), "{}").await;
            assert!(matches!(status(&answer), 0 | 400..=499), "{method} {target}: {answer}");
        }
    }
    assert_eq!(stage.asked(), [""; 0]);
    stage.finish().await;
}

#[tokio::test]
async fn badly_framed_requests_are_refused_and_nothing_hides_behind_them() {
    let stage = Stage::with(&["a"]).await;
    let hidden = "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    for framing in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: +5",
        "content-length: -1",
        "content-length: 0x5",
        "content-length : 5",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: gzip",
        "transfer-encoding: xchunked",
        "transfer-encoding:\x0bchunked",
        " content-length: 5",
        "x: y\rcontent-length: 5",
        "content-length: 99999999999999999999",
    ] {
        let request = format!("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n{framing}\r\n\r\n0\r\n\r\n{hidden}");
        let answer = raw(stage.address, request.as_bytes()).await;
        assert!(matches!(status(&answer), 0 | 400..=499), "{framing:?}: {answer}");
        assert!(stage.mock.requests().is_empty(), "{framing:?}: {answer}");
    }
    for chunks in
        ["zz\r\n{}\r\n0\r\n\r\n", "2;\n\r\n{}\r\n0\r\n\r\n", "ffffffffffffffffff\r\n{}", "-2\r\n{}\r\n0\r\n\r\n"]
    {
        let request = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n{chunks}{hidden}"
        );
        let answer = raw(stage.address, request.as_bytes()).await;
        assert!(stage.mock.requests().is_empty(), "{chunks:?}: {answer}");
    }
    stage.finish().await;
}

/// The chunks count (RFC 9112 §6.3), the length goes nowhere, and what a reader of the length would have taken for the
/// next request is never read: the connection ends.
#[tokio::test]
async fn of_two_lengths_the_chunks_count_and_the_connection_ends() {
    let stage = Stage::with(&["a"]).await;
    let hidden = "POST /v1/messages/count_tokens HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}";
    for lengths in
        ["content-length: 5\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 5"]
    {
        let request =
            format!("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n{lengths}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{hidden}");
        raw(stage.address, request.as_bytes()).await;
    }
    for request in stage.mock.requests() {
        assert_eq!((request.path(), &request.body[..]), ("/v1/messages", &b"{}"[..]));
    }
    stage.finish().await;
}

#[tokio::test]
async fn no_header_chooses_the_account_lifts_a_limit_or_reaches_the_upstream() {
    let stage = Stage::with_options(&["a", "b"], |options| options.body_limit = 1000).await;
    let tricks = [
        ("x-ccflare-account", "b"),
        ("x-ccflare-account-id", "b"),
        ("x-account", "b"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-original-url", "/api/status"),
        ("x-rewrite-url", "/api/status"),
        ("x-http-method-override", "GET"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("x-ccflare-body-limit", "1000000"),
        ("connection", "x-api-key, anthropic-version"),
    ];
    for trick in tricks {
        assert_eq!(stage.send(message("claude-opus-5-5", false), &[trick]).await.status, 200, "{trick:?}");
    }
    let long = stage.client.post(stage.url("/v1/messages")).header("x-ccflare-body-limit", "1000000");
    assert_eq!(long.body("x".repeat(1001)).send().await.expect("an answer").status(), 413);
    assert!(stage.asked().iter().all(|key| key == "a"));
    for request in stage.mock.requests() {
        for name in ["x-ccflare-account", "x-forwarded-for", "x-forwarded-host", "forwarded", "x-real-ip"] {
            assert_eq!(request.header(name), None);
        }
    }
    stage.finish().await;
}

#[tokio::test]
async fn whatever_is_oversized_is_refused() {
    let stage = Stage::with_options(&["a"], |options| options.body_limit = 1000).await;
    let many: Vec<_> = (0..1000).map(|number| format!("x-{number}: y")).collect();
    let long = vec![format!("x: {}", "y".repeat(1 << 20))];
    let target = format!("/v1/messages?{}", "q".repeat(1 << 20));
    for (what, target, headers) in
        [("headers", "/v1/messages", many), ("a header", "/v1/messages", long), ("a target", &target, vec![])]
    {
        let answer = exchange(&stage, "POST", target, &headers, "{}").await;
        assert!(matches!(status(&answer), 0 | 400..=499), "{what}: {answer}");
    }
    let token = [format!("authorization: Bearer {TOKEN}"), "content-type: application/json".to_owned()];
    let body = format!("{{\"name\":\"{}\"}}", "n".repeat(65 * 1024));
    assert_eq!(status(&exchange(&stage, "POST", "/api/keys", &token, &body).await), 413);
    let form = format!("token={}", "t".repeat(5000));
    assert_eq!(status(&exchange(&stage, "POST", "/login", &own_form(&stage), &form).await), 400);
    assert!(stage.mock.requests().is_empty());
    stage.finish().await;
}

#[tokio::test]
async fn who_sends_a_head_slowly_is_cut_off_and_so_is_who_sends_none() {
    let mut serve = ServeOptions::default();
    serve.head = Duration::from_millis(100);
    let stage = Stage::serving(&["a"], MockConfig::default(), Default::default(), serve).await;
    for start in ["GET /livez HTTP/1.1\r\nhost: loc", "G", "P", "PRI * HTTP/2.0\r\n", ""] {
        let mut slow = tokio::net::TcpStream::connect(stage.address).await.expect("a connection");
        slow.write_all(start.as_bytes()).await.expect("sent");
        let mut rest = Vec::new();
        let read = tokio::time::timeout(SOON, slow.read_to_end(&mut rest)).await;
        assert!(read.is_ok(), "{start:?} is waited for");
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{start:?}");
    }
    assert_eq!(stage.ask().await.status, 200);
    stage.finish().await;
}

#[tokio::test]
async fn who_agrees_on_a_protocol_and_never_asks_is_cut_off() {
    let files = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tls");
    let tls = ccflare_server::tls::acceptor(&files.join("server.pem"), &files.join("server.key")).expect("TLS");
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for (tls, protocol, start) in [
        (None, "", preface),
        (Some(&tls), "h2", ""),
        (Some(&tls), "h2", "PRI * HTTP/2.0\r\n"),
        (Some(&tls), "h2", preface),
        (Some(&tls), "http/1.1", ""),
        (Some(&tls), "http/1.1", "GET /livez HTTP/1.1\r\nhost: loc"),
    ] {
        let mut serve = ServeOptions::default();
        serve.head = Duration::from_millis(100);
        serve.tls = tls.cloned();
        let stage = Stage::serving(&["a"], MockConfig::default(), Default::default(), serve).await;
        let silent = silence(stage.address, tls.is_some().then_some(protocol), start);
        let ended = tokio::time::timeout(SOON, tokio::task::spawn_blocking(silent)).await;
        assert!(ended.is_ok_and(|ended| ended.is_ok()), "{protocol} {start:?} is waited for");
        stage.finish().await;
    }
}

/// Begins to speak, with TLS if it has a protocol to agree on, and then listens until the other side hangs up.
fn silence(address: std::net::SocketAddr, protocol: Option<&str>, start: &'static str) -> impl FnOnce() + use<> {
    let tls = protocol.map(|protocol| {
        let tls = crate::doors::tls_client(&[protocol]);
        rustls::ClientConnection::new(tls.into(), "127.0.0.1".try_into().expect("a name")).expect("a client")
    });
    move || {
        let mut stream = std::net::TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(SOON)).expect("an option");
        let begin = |stream: &mut dyn ReadWrite| {
            stream.write_all(start.as_bytes()).and_then(|()| stream.flush()).expect("sent");
            // Being cut off is an end like any other, waiting for it is none.
            let ended = stream.read_to_end(&mut Vec::new()).map_err(|error| error.kind());
            assert_ne!(ended, Err(std::io::ErrorKind::WouldBlock), "it is waited for");
        };
        match tls {
            Some(mut tls) => begin(&mut rustls::Stream::new(&mut tls, &mut stream)),
            None => begin(&mut stream),
        }
    }
}

trait ReadWrite: std::io::Read + std::io::Write {}

impl<T: std::io::Read + std::io::Write> ReadWrite for T {}

#[tokio::test]
async fn after_ten_thousand_garbage_requests_the_server_still_answers() {
    let stage = Stage::with_options(&["a"], |options| options.require_client_keys = true).await;
    let mut noise = 0x9e37_79b9_u32;
    let mut garbage = move |length: usize| -> Vec<u8> {
        let byte = || {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            noise.to_le_bytes()[0]
        };
        std::iter::repeat_with(byte).take(length).collect()
    };
    for number in 0..10_000_usize {
        let bytes = match number % 4 {
            0 => garbage(64),
            1 => [b"POST /v1/messages HTTP/1.1\r\n".as_slice(), &garbage(32), b"\r\n\r\n"].concat(),
            2 => b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: ccf_0\r\nconnection: close\r\n\r\n"
                .to_vec(),
            _ => [b"GET /".as_slice(), &garbage(8), b" HTTP/1.1\r\nhost: localhost\r\n\r\n"].concat(),
        };
        let mut stream = tokio::net::TcpStream::connect(stage.address).await.expect("a connection");
        // It may have hung up on us already, and nobody here wants its answer.
        let _ = stream.write_all(&bytes).await;
    }
    let health = stage.client.get(stage.url("/health")).send().await.expect("an answer");
    assert_eq!(health.status(), 200);
    assert!(stage.mock.requests().is_empty());
    let ledger = stage.finish().await;
    assert!(ledger.is_empty(), "strangers leave nothing behind that grows");
}
