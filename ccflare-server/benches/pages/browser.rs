//! As much of a browser as costs a server something: one connection, compressed answers, and the files that pages name.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection, and who asks on it.
pub struct Browser {
    requests: http1::SendRequest<Empty<Bytes>>,
    authority: String,
    bearer: String,
}

impl Browser {
    pub async fn open(address: SocketAddr, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its end is seen by whoever asks next.
        tokio::spawn(connection);
        Ok(Self { requests, authority: address.to_string(), bearer: format!("Bearer {token}") })
    }

    /// Asks for a path and reads the whole answer, as it comes over the wire.
    pub async fn get(&mut self, path: &str) -> Result<Bytes> {
        self.ask(path, "gzip").await
    }

    async fn ask(&mut self, path: &str, encoding: &'static str) -> Result<Bytes> {
        let request = Request::get(path)
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, &self.bearer)
            .header(header::ACCEPT, "text/html")
            .header(header::ACCEPT_ENCODING, encoding)
            .body(Empty::new())?;
        self.requests.ready().await?;
        let answer = self.requests.send_request(request).await?;
        ensure!(answer.status() == StatusCode::OK, "{path} is answered with {}", answer.status());
        Ok(answer.into_body().collect().await?.to_bytes())
    }

    /// The bytes of a page and of all files that it names, each once.
    pub async fn first_load(&mut self, path: &str) -> Result<usize> {
        let page = self.ask(path, "identity").await?;
        let text = std::str::from_utf8(&page)?;
        let mut files: Vec<_> = text.split('"').filter(|text| text.starts_with("/assets/")).collect();
        files.sort_unstable();
        files.dedup();
        ensure!(files.len() > 1, "{path} names its stylesheet and its script");
        let mut bytes = self.get(path).await?.len();
        for file in files {
            bytes += self.get(file).await.with_context(|| file.to_owned())?.len();
        }
        Ok(bytes)
    }
}
