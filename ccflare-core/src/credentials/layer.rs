//! Makes the stage.

use tower::Layer;

use super::{Authorize, Refresher};

/// Puts an [`Authorize`] over a service that speaks to the wire. The default one knows no authorization servers: tokens
/// are sent as they are.
#[derive(Clone, Debug, Default)]
pub struct AuthorizeLayer {
    refresher: Option<Refresher>,
}

impl AuthorizeLayer {
    /// Sees that tokens are fresh.
    #[must_use]
    pub const fn new(refresher: Refresher) -> Self {
        Self { refresher: Some(refresher) }
    }
}

impl<S> Layer<S> for AuthorizeLayer {
    type Service = Authorize<S>;

    fn layer(&self, inner: S) -> Authorize<S> {
        Authorize { inner, refresher: self.refresher.clone() }
    }
}
