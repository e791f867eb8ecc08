//! Makes recording services.

use tower::Layer;

use super::{Record, Recorder};

/// Puts a [`Record`] over a service.
#[derive(Clone, Debug)]
pub struct RecordLayer {
    recorder: Recorder,
}

impl RecordLayer {
    /// Records with `recorder`.
    #[must_use]
    pub const fn new(recorder: Recorder) -> Self {
        Self { recorder }
    }
}

impl<S> Layer<S> for RecordLayer {
    type Service = Record<S>;

    fn layer(&self, inner: S) -> Record<S> {
        Record { inner, recorder: self.recorder.clone() }
    }
}
