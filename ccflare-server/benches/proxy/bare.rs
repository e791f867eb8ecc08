//! The yardstick: the least that is a reverse proxy with hyper. Both bodies stream, connections are kept on both sides,
//! and nothing else happens.

use anyhow::Result;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header, uri::Scheme};
use http_body_util::{Either, Empty};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::net::{TcpListener, TcpStream};

type Upstream = Client<HttpConnector, Incoming>;

/// Takes connections for ever.
pub async fn serve(listener: TcpListener, upstream: &Uri) -> Result<()> {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(tcp);
    let authority = HeaderValue::from_str(upstream.authority().map_or("", |authority| authority.as_str()))?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(converse(stream, client.clone(), authority.clone()));
    }
}

async fn converse(stream: TcpStream, client: Upstream, authority: HeaderValue) {
    let forward = service_fn(|request| forward(&client, &authority, request));
    // How a client's connection ends is the client's affair.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), forward).await;
}

type Answer = Response<Either<Incoming, Empty<Bytes>>>;

async fn forward(client: &Upstream, authority: &HeaderValue, request: Request<Incoming>) -> http::Result<Answer> {
    let (mut head, body) = request.into_parts();
    let mut target = head.uri.into_parts();
    target.scheme = Some(Scheme::HTTP);
    target.authority = authority.to_str().ok().and_then(|authority| authority.parse().ok());
    head.uri = Uri::from_parts(target)?;
    head.headers.insert(header::HOST, authority.clone());
    match client.request(Request::from_parts(head, body)).await {
        Ok(answer) => Ok(answer.map(Either::Left)),
        Err(_) => Response::builder().status(StatusCode::BAD_GATEWAY).body(Either::Right(Empty::new())),
    }
}
