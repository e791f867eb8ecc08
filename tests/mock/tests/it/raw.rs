//! A client that hides nothing: HTTP/1.1 on a socket.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use ccflare_mock::MockUpstream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) const SOON: Duration = Duration::from_secs(10);
pub(crate) const STREAM: &str = r#"{"model":"claude-opus-5-5","max_tokens":9,"stream":true,"messages":[]}"#;
pub(crate) const PLAIN: &str = r#"{"model":"claude-opus-5-5","max_tokens":9,"messages":[]}"#;

/// How the bytes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The body was whole, as far as HTTP goes.
    Whole,
    /// FIN.
    Eof,
    /// RST.
    Reset,
    /// Nothing came for a while.
    Silent,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// HTTP chunks; a single one if there was a length.
    pub(crate) chunks: Vec<Vec<u8>>,
    pub(crate) ended: Ended,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body()).unwrap()
    }
}

/// The names and data of SSE events.
pub(crate) fn events(text: &str) -> Vec<(String, serde_json::Value)> {
    let text = text.replace("\r\n", "\n");
    let mut events = Vec::new();
    for block in text.split("\n\n") {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if let (Some(name), Some(data)) = (field("event:"), field("data:")) {
            events.push((name.to_owned(), serde_json::from_str(data).unwrap()));
        }
    }
    events
}

/// The texts of all text deltas.
pub(crate) fn text_of(events: &[(String, serde_json::Value)]) -> String {
    events.iter().filter_map(|(_, data)| data["delta"]["text"].as_str()).collect()
}

pub(crate) struct Raw {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Raw {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(addr).await.unwrap(), buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: mock\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// More bytes, or how they ended.
    async fn more(&mut self) -> Result<(), Ended> {
        let mut piece = [0; 16 * 1024];
        match timeout(Duration::from_millis(700), self.stream.read(&mut piece)).await {
            Err(_) => Err(Ended::Silent),
            Ok(Ok(0)) => Err(Ended::Eof),
            Ok(Ok(count)) => {
                self.buffer.extend_from_slice(&piece[..count]);
                Ok(())
            }
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => Err(Ended::Reset),
            Ok(Err(error)) => panic!("{error}"),
        }
    }

    async fn line(&mut self) -> Result<String, Ended> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Ok(String::from_utf8(line[..end].to_vec()).unwrap());
            }
            self.more().await?;
        }
    }

    async fn exactly(&mut self, count: usize) -> Result<Vec<u8>, Ended> {
        while self.buffer.len() < count {
            self.more().await?;
        }
        Ok(self.buffer.drain(..count).collect())
    }

    /// The next answer; an error if it ends before the headers do.
    pub(crate) async fn answer(&mut self) -> Result<Answer, Ended> {
        let status = self.line().await?.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, chunks: Vec::new(), ended: Ended::Whole };
        if let Err(ended) = self.body(&mut answer).await {
            answer.ended = ended;
        }
        Ok(answer)
    }

    async fn body(&mut self, answer: &mut Answer) -> Result<(), Ended> {
        if let Some(length) = answer.header("content-length") {
            let length = length.parse().unwrap();
            let body = self.exactly(length).await;
            answer.chunks.push(body.clone().unwrap_or_else(|_| std::mem::take(&mut self.buffer)));
            return body.map(drop);
        }
        loop {
            let size = usize::from_str_radix(self.line().await?.trim(), 16).unwrap();
            let chunk = self.exactly(size + 2).await?;
            if size == 0 {
                return Ok(());
            }
            answer.chunks.push(chunk[..size].to_vec());
        }
    }
}

/// One message on a connection of its own.
pub(crate) async fn ask(mock: &MockUpstream, key: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer, Ended> {
    let mut raw = Raw::connect(mock.addr()).await;
    let headers: Vec<_> = [("x-api-key", key)].iter().chain(headers).copied().collect();
    raw.send("POST", "/v1/messages", &headers, body).await;
    raw.answer().await
}
