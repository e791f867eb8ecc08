//! Makes intercepting services.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Request;
use tower::{Layer, Service};

use super::{AgentDirectory, CompatibleModels, Conversations, interceptor::Interceptor};
use crate::{domain::Facts, live::Live, record::Events};

/// Puts an [`Intercept`] over a service. By default it knows no agents but those whose orders it hears.
#[derive(Clone, Debug, Default)]
pub struct InterceptLayer {
    shared: Arc<Interceptor>,
    events: Events,
}

impl InterceptLayer {
    /// Remembers conversations in `conversations`, finds agents and what is preferred for them in `directory`, and lets
    /// a preferred model take the place of one that is `compatible`.
    #[must_use]
    pub fn new(
        conversations: Conversations,
        directory: Option<Arc<dyn AgentDirectory>>,
        compatible: CompatibleModels,
    ) -> Self {
        let shared = Arc::new(Interceptor { conversations, directory, compatible, live: None });
        Self { shared, events: Events::default() }
    }

    /// The same; which models are compatible is what `live` says when a conversation begins.
    #[must_use]
    pub fn following(self, live: Live) -> Self {
        let Interceptor { conversations, directory, compatible, .. } = &*self.shared;
        let shared = Interceptor {
            conversations: conversations.clone(),
            directory: directory.clone(),
            compatible: compatible.clone(),
            live: Some(live),
        };
        Self { shared: Arc::new(shared), ..self }
    }

    /// The same, telling how long it takes.
    #[must_use]
    pub fn telling(self, events: Events) -> Self {
        Self { events, ..self }
    }
}

impl InterceptLayer {
    /// Does to a request what [`Intercept`] would, but remembers nothing of it and tells nobody. Returns its facts.
    #[must_use]
    pub fn foretell(&self, request: &mut Request<Bytes>) -> Facts {
        let Interceptor { conversations, directory, compatible, live } = &*self.shared;
        let blind = Arc::new(Interceptor {
            conversations: conversations.blind(),
            directory: directory.clone(),
            compatible: compatible.clone(),
            live: live.clone(),
        });
        blind.intercept(request, &Events::default());
        request.extensions().get::<Facts>().cloned().unwrap_or_default()
    }
}

impl<S> Layer<S> for InterceptLayer {
    type Service = Intercept<S>;

    fn layer(&self, inner: S) -> Intercept<S> {
        Intercept { inner, shared: Arc::clone(&self.shared), events: self.events.clone() }
    }
}

/// See [the module](super).
#[derive(Clone, Debug)]
pub struct Intercept<S> {
    inner: S,
    shared: Arc<Interceptor>,
    events: Events,
}

impl<S: Service<Request<Bytes>>> Service<Request<Bytes>> for Intercept<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Bytes>) -> S::Future {
        self.shared.intercept(&mut request, &self.events);
        self.inner.call(request)
    }
}
