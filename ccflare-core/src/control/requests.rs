//! Finished requests, and what they carried.

use async_trait::async_trait;

use super::{
    ControlError,
    views::{PayloadView, RequestDetail, RequestPage, RequestPageQuery, RequestView},
};

/// The ledger, as people read it.
#[async_trait]
pub trait RequestControl: std::fmt::Debug + Send + Sync + 'static {
    /// A page of finished requests, newest first.
    async fn requests(&self, query: RequestPageQuery) -> Result<RequestPage, ControlError>;

    /// One finished request.
    ///
    /// # Errors
    /// [`ControlError::NotFound`].
    async fn request(&self, id: &str) -> Result<RequestView, ControlError>;

    /// A page of finished requests with what they carried, in the original's shape.
    async fn request_details(&self, query: RequestPageQuery) -> Result<Vec<RequestDetail>, ControlError>;

    /// What one request and its answer carried, if that was kept.
    ///
    /// # Errors
    /// [`ControlError::NotFound`].
    async fn payload(&self, id: &str) -> Result<PayloadView, ControlError>;
}
