//! Reads on what is refused.

use std::{pin::Pin, time::Duration};

use bytes::{Buf, Bytes};
use http::{HeaderMap, header::EXPECT};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::timeout;

/// Twice what the API takes.
const AT_MOST: usize = 64 * 1024 * 1024;

const PATIENCE: Duration = Duration::from_secs(60);

/// Reads the body of a refused request on, within bounds: most clients write all of it before they look for an answer, and would
/// see a broken connection where there is one. Who asked first whether to send it hears the answer to that.
pub(super) async fn read_on<B: Body<Data = Bytes>>(headers: &HeaderMap, mut body: Pin<&mut B>) {
    if headers.contains_key(EXPECT) {
        return;
    }
    let reading = async {
        let mut left = AT_MOST;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Buf::remaining));
            if left == 0 {
                return;
            }
        }
    };
    let _ = timeout(PATIENCE, reading).await;
}
