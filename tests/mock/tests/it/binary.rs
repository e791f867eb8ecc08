//! The binary: its first line, its flags, its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// Killed even if the test fails.
struct Mock(Child);

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(flags: &[&str]) -> (Mock, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ccflare-mock"));
    let child = command.args(flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut mock = Mock(child);
    let mut line = String::new();
    BufReader::new(mock.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let addr = line.trim().strip_prefix("ccflare-mock listening on http://").unwrap().to_owned();
    (mock, addr)
}

fn ask(addr: &str, key: &str) -> String {
    let body = r#"{"model":"m","messages":[]}"#;
    let mut socket = TcpStream::connect(addr).unwrap();
    let head = format!("POST /v1/messages HTTP/1.1\r\nhost: m\r\nconnection: close\r\nx-api-key: {key}\r\n");
    socket.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn keys_and_quotas() {
    let (_mock, addr) = start(&["--keys", "a,b", "--limit-key-after", "a=1:60", "--output", "99", "--unified"]);
    assert!(ask(&addr, "none").starts_with("HTTP/1.1 401"));
    let answer = ask(&addr, "a");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"output_tokens\":99"), "{answer}");
    assert!(answer.contains("anthropic-ratelimit-unified-status: allowed"), "{answer}");
    let refused = ask(&addr, "a");
    assert!(refused.starts_with("HTTP/1.1 429") && refused.contains("unified-status: rejected"), "{refused}");
    assert!(ask(&addr, "b").starts_with("HTTP/1.1 200"));
}

#[test]
fn sigterm_ends_it_with_its_totals() {
    let (mut mock, addr) = start(&[]);
    ask(&addr, "k");
    let pid = mock.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(mock.0.wait().unwrap().success());
    let mut said = String::new();
    mock.0.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("\"requests\":1"), "{said}");
}
