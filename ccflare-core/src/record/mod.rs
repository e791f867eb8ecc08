//! Every request is accounted for exactly once: answered, failed, cut, cancelled, or found unfinished at the next start.
//!
//! [`Record`] opens an exchange before the request goes on and hands the answer's body to a [`TeeBody`]. The tee lets
//! every frame pass untouched while a [`Meter`] reads along; when the body is over, however that comes about, the
//! exchange is settled with what was read. Nothing on this path waits for the store: a queue does, and it has room for
//! the settlement before the request is sent.
//!
//! ```
//! use std::sync::Arc;
//! use bytes::Bytes;
//! use ccflare_core::{clock::SystemClock, error::ProxyError, record::{RecordLayer, Recorder}};
//! use ccflare_core::store::{LedgerStore, PageRequest, RedbStore, WriteBehind};
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let store = Arc::new(RedbStore::in_memory());
//! let (queue, writer) = WriteBehind::start(store.clone(), Default::default());
//! let record = RecordLayer::new(Recorder::new(queue, Arc::new(SystemClock::new())));
//!
//! let upstream = service_fn(|_: Request<Bytes>| async {
//!     Ok::<_, ProxyError>(Response::new(Full::new(Bytes::from_static(b"{}"))))
//! });
//! let request = Request::post("/v1/messages").body(Bytes::new()).unwrap();
//! let answer = record.layer(upstream).oneshot(request).await.unwrap();
//! answer.into_body().collect().await.unwrap();
//!
//! writer.finish().await;
//! let ledger = store.exchanges(PageRequest { before: None, limit: 10 }).await.unwrap();
//! assert!(ledger[0].is_success());
//! # });
//! ```

mod capture;
pub mod decode;
mod event;
mod layer;
mod meter;
mod recorder;
mod redact;
mod service;
mod tee;
mod trace;
mod trail;

pub use capture::{Capture, CaptureOptions, CaptureWriter};
pub use event::{AccountNews, Event, EventKind, Events, Observer, Phase, Renewal, Settled, Topic, Topics, Watching};
pub use layer::RecordLayer;
pub use meter::{Listener, Listening, Meter};
pub use recorder::{OpenExchange, Recorder};
pub use redact::{PathError, Redaction};
pub use service::{REQUEST_ID, Record, current_request};
pub use tee::TeeBody;
pub use trace::TraceParent;
pub use trail::Trail;
