//! Traces and metrics go to a collector: one span a request, with the conventions' names and nothing secret.

use std::{collections::BTreeMap, convert::Infallible, fs, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use ccflare_core::{control::views::NewAccount, domain::Secret};
use ccflare_mock::{MockConfig, MockUpstream, Reply, Step, Usage};
use ccflare_server::{
    Running,
    config::{Flags, Places, Sources},
};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{KeyValue, any_value::Value},
    metrics::v1::metric::Data,
    trace::v1::Span,
};
use prost::Message;
use tokio::{net::TcpListener, sync::Mutex, task::AbortHandle};

use crate::harness::{TOKEN, http_client, message};

/// A collector that keeps what it is sent.
struct Collector {
    address: SocketAddr,
    taken: Arc<Mutex<Taken>>,
    serving: AbortHandle,
}

#[derive(Default)]
struct Taken {
    traces: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
    /// Everything as it came, to look for secrets in.
    raw: Vec<u8>,
    authorization: Vec<String>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let taken = Arc::<Mutex<Taken>>::default();
        let keeping = Arc::clone(&taken);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let taken = Arc::clone(&keeping);
                let service = service_fn(move |request| take(request, Arc::clone(&taken)));
                let serving =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move { drop(serving.await) });
            }
        });
        Self { address, taken, serving: serving.abort_handle() }
    }

    async fn spans(&self) -> Vec<Span> {
        let taken = self.taken.lock().await;
        let resources = taken.traces.iter().flat_map(|export| &export.resource_spans);
        resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
    }

    /// The sum of each histogram's counts, by its name.
    async fn counts(&self) -> BTreeMap<String, u64> {
        let taken = self.taken.lock().await;
        let resources = taken.metrics.iter().flat_map(|export| &export.resource_metrics);
        let metrics = resources.flat_map(|resource| &resource.scope_metrics).flat_map(|scope| &scope.metrics);
        let count = |data: &Option<Data>| match data {
            Some(Data::Histogram(histogram)) => histogram.data_points.iter().map(|point| point.count).sum(),
            _ => 0,
        };
        metrics.map(|metric| (metric.name.clone(), count(&metric.data))).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(request: Request<Incoming>, taken: Arc<Mutex<Taken>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    let mut taken = taken.lock().await;
    assert_eq!(head.headers["content-type"], "application/x-protobuf");
    taken.raw.extend_from_slice(&body);
    taken.authorization.extend(head.headers.get("authorization").map(|it| it.to_str().expect("text").to_owned()));
    match head.uri.path() {
        "/otel/v1/traces" => taken.traces.push(Message::decode(body).expect("spans")),
        "/otel/v1/metrics" => taken.metrics.push(Message::decode(body).expect("metrics")),
        other => panic!("nothing goes to {other}"),
    }
    Ok(Response::new(Full::default()))
}

fn attributes(attributes: &[KeyValue]) -> BTreeMap<&str, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let value = |attribute: &KeyValue| attribute.value.as_ref()?.value.as_ref().map(text);
    attributes.iter().filter_map(|attribute| Some((attribute.key.as_str(), value(attribute)?))).collect()
}

/// The canary: no collector may ever see it.
const KEY: &str = "sk-ant-api03-canary-key";

async fn serve(folder: &std::path::Path, mock: &MockUpstream, settings: &str) -> Running {
    let text = format!("upstream_base_url = {:?}\nadmin_token = {TOKEN:?}\n{settings}", mock.url());
    fs::write(folder.join("ccflare.toml"), text).expect("a file");
    let flags = Flags { listen: Some("127.0.0.1:0".into()), data_dir: Some(folder.into()), ..Flags::default() };
    let places = Places { config_dir: folder.into(), data_dir: folder.into(), home: None };
    let config = Sources::new(&flags, std::collections::HashMap::new(), &places).read().expect("they make sense");
    let running = ccflare_server::start(config).await.expect("a server");
    running.control.add_account(NewAccount::with_key("work", Secret::new(KEY))).await.expect("an account");
    running
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

async fn ask(running: &Running, stream: bool, flags: Option<&str>) -> u16 {
    let mut body = message("claude-opus-5-5", stream);
    body["messages"][0]["content"] = "the words of the prompt".into();
    let request = http_client().post(format!("http://{}/v1/messages", running.address)).json(&body);
    let mut request = request.header("x-claude-code-session-id", "session-one").header("x-api-key", "client-canary");
    if let Some(flags) = flags {
        request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-{flags}")).header("tracestate", "v=1");
    }
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    answer.bytes().await.expect("a whole answer");
    status
}

fn sent(mock: &MockUpstream, at: usize, name: &str) -> Option<String> {
    let request = &mock.requests()[at];
    let header = request.headers.iter().find(|(known, _)| known == name);
    header.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_one_span_with_what_it_used_and_nothing_secret() {
    let collector = Collector::start().await;
    let usage = Usage { cache_read: 1000, ..Usage::new(10, 20) };
    let mock = MockUpstream::start(MockConfig::with_reply(Reply { usage, ..Reply::default() })).await;
    let folder = tempfile::tempdir().expect("a folder");
    let headers = folder.path().join("headers");
    fs::write(&headers, "authorization=Bearer for-the-collector\n").expect("a file");
    let settings = format!(
        "otlp_endpoint = \"http://{}/otel/\"\notlp_headers_file = {:?}\n",
        collector.address,
        headers.display().to_string()
    );
    let running = serve(folder.path(), &mock, &settings).await;
    assert_eq!(ask(&running, true, Some("01")).await, 200);
    assert_eq!(ask(&running, false, None).await, 200);
    assert_eq!(ask(&running, false, Some("00")).await, 200);
    mock.script(KEY, [Step::bad_request()]);
    assert_eq!(ask(&running, false, None).await, 400);
    running.stop().await;

    let spans = collector.spans().await;
    assert_eq!(spans.len(), 3, "one each, but for the trace that its client does not keep: {spans:#?}");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (first, second, failed) = (&spans[0], &spans[1], &spans[2]);
    assert_eq!((hex(&first.trace_id).as_str(), hex(&first.parent_span_id).as_str()), (TRACE, PARENT));
    let upstream = sent(&mock, 0, "traceparent").expect("it goes on");
    assert_eq!(upstream, format!("00-{TRACE}-{}-01", hex(&first.span_id)), "our span is the parent there");
    assert_eq!(sent(&mock, 0, "tracestate").as_deref(), Some("v=1"));
    assert_eq!(sent(&mock, 1, "traceparent"), None, "nothing is made up");
    assert!(second.parent_span_id.is_empty() && hex(&second.trace_id) != TRACE);
    assert_eq!(sent(&mock, 2, "traceparent"), Some(format!("00-{TRACE}-{PARENT}-00")), "nobody keeps that one");

    assert_eq!((first.name.as_str(), first.kind), ("chat claude-opus-5-5", 3));
    assert!(first.end_time_unix_nano >= first.start_time_unix_nano);
    let said = attributes(&first.attributes);
    for (name, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "anthropic"),
        ("gen_ai.request.model", "claude-opus-5-5"),
        ("gen_ai.response.model", "claude-opus-5-5"),
        ("gen_ai.conversation.id", "session-one"),
        ("gen_ai.usage.input_tokens", "1010"),
        ("gen_ai.usage.output_tokens", "20"),
        ("gen_ai.usage.cache_read.input_tokens", "1000"),
        ("http.response.status_code", "200"),
        ("ccflare.account", "work"),
        ("ccflare.outcome", "answered"),
        ("ccflare.attempts", "1"),
    ] {
        assert_eq!(said.get(name).map(String::as_str), Some(value), "{name} of {said:#?}");
    }
    assert!(said.contains_key("gen_ai.response.time_to_first_chunk") && !said.contains_key("error.type"));
    assert_eq!(attributes(&failed.attributes).get("error.type").map(String::as_str), Some("400"));
    assert_eq!(failed.status.as_ref().map(|status| status.code), Some(2));

    let counts = collector.counts().await;
    for (name, count) in [
        ("gen_ai.client.operation.duration", 4),
        ("http.server.request.duration", 4),
        // Input and output of those that were answered.
        ("gen_ai.client.token.usage", 6),
    ] {
        assert_eq!(counts.get(name), Some(&count), "{name} of {counts:?}");
    }
    let taken = collector.taken.lock().await;
    assert!(taken.authorization.iter().all(|sent| sent == "Bearer for-the-collector"));
    assert!(!taken.authorization.is_empty());
    for secret in [KEY, TOKEN, "client-canary", "the words of the prompt", "for-the-collector"] {
        let found = taken.raw.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret} is exported");
    }
    mock.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_costs_requests_nothing() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let running = serve(folder.path(), &mock, "otlp_endpoint = \"http://127.0.0.1:9\"\n").await;
    for _ in 0..20 {
        assert_eq!(ask(&running, true, Some("01")).await, 200);
    }
    let stopping = tokio::time::timeout(std::time::Duration::from_secs(20), running.stop());
    stopping.await.expect("it does not hold up the end");
    mock.shutdown().await;
}
