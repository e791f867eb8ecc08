//! Authorizes one attempt.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::future::Either;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Service, ServiceExt};

use super::Refresher;
use crate::{
    balance::{Attempt, SentWith},
    domain::Account,
    error::AttemptError,
};

/// See [the module](super).
#[derive(Clone, Debug)]
pub struct Authorize<S> {
    pub(super) inner: S,
    pub(super) refresher: Option<Refresher>,
}

type Failed<R> = std::future::Ready<Result<R, AttemptError>>;
type Waiting<R> = Pin<Box<dyn Future<Output = Result<R, AttemptError>> + Send>>;

impl<S, B> Service<Attempt> for Authorize<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = AttemptError> + Clone + Send + 'static,
    S::Future: Send,
    B: 'static,
{
    type Response = S::Response;
    type Error = AttemptError;
    type Future = Either<Either<S::Future, Failed<S::Response>>, Waiting<S::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AttemptError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        match attempt.target.account() {
            Some(account) if account.credential.tokens().is_some() => {
                let account = Arc::clone(account);
                Either::Right(Box::pin(send_with_tokens(self.clone(), attempt, account)))
            }
            // Keys go at once, and so does a request that has credentials of its own.
            account => Either::Left(match prepare(&attempt, account.map(|account| &**account)) {
                Ok(request) => Either::Left(self.inner.call(request)),
                Err(error) => Either::Right(std::future::ready(Err(error))),
            }),
        }
    }
}

/// Sees that the account's tokens are fresh, sends, and notes which of them were sent.
async fn send_with_tokens<S, B>(
    stage: Authorize<S>,
    attempt: Attempt,
    account: Arc<Account>,
) -> Result<Response<B>, AttemptError>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = AttemptError>,
{
    let account = match &stage.refresher {
        Some(refresher) => {
            let fresh = refresher.fresh(&account, attempt.refused).await;
            fresh.map_err(|error| AttemptError::Credential(error.to_string()))?
        }
        None => account,
    };
    let generation = account.credential.generation();
    let mut response = stage.inner.oneshot(prepare(&attempt, Some(&account))?).await?;
    response.extensions_mut().insert(SentWith { generation });
    Ok(response)
}

fn prepare(attempt: &Attempt, account: Option<&Account>) -> Result<Request<Full<Bytes>>, AttemptError> {
    Ok(attempt.provider.prepare(&attempt.request, account)?)
}
