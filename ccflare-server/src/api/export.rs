//! `/api/requests/export`: all requests that are wanted, as a file. It is written while it is read, page by page, so its
//! length does not matter.

use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use ccflare_core::control::{ControlError, ExportFormat, views::RequestPageQuery};
use futures_util::stream;
use http::header;

use super::{
    ApiError, Shared,
    query::{Asked, Requests},
    requests,
};

/// Requests that are read at once.
const PAGE: usize = 500;

pub(super) async fn export(
    State(control): State<Shared>,
    Asked(mut asked): Asked<Requests>,
) -> Result<Response, ApiError> {
    let format: ExportFormat = asked.format.take().as_deref().unwrap_or("csv").parse()?;
    let most = asked.limit.take();
    let query = RequestPageQuery { limit: PAGE, ..requests::page(asked, PAGE) };
    // The first page tells whether the query makes sense, while there still is a status to say so.
    let first = control.requests(query.clone()).await?;
    let begun = Export { control, query, format, left: most.unwrap_or(usize::MAX), page: Some(first), head: true };
    let body = Body::from_stream(stream::try_unfold(begun, Export::next));
    let name = format!("attachment; filename=\"ccflare-requests.{}\"", format.extension());
    let headers = [(header::CONTENT_TYPE, format.media_type().to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, body).into_response())
}

struct Export {
    control: Shared,
    query: RequestPageQuery,
    format: ExportFormat,
    /// How many more are wanted.
    left: usize,
    /// The page that was read last.
    page: Option<ccflare_core::control::views::RequestPage>,
    /// Whether nothing was written yet.
    head: bool,
}

impl Export {
    /// The next piece. An error ends the connection: a file that stops in the middle must not look whole.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, ControlError> {
        let page = match self.page.take() {
            Some(page) => page,
            None if self.query.before.is_some() && self.left > 0 => self.control.requests(self.query.clone()).await?,
            None => return Ok(None),
        };
        let mut text = if std::mem::take(&mut self.head) { self.format.head() } else { String::new() };
        page.requests.iter().take(self.left).for_each(|request| text.push_str(&self.format.row(request)));
        self.left = self.left.saturating_sub(page.requests.len());
        self.query.before = page.next;
        Ok(Some((text.into(), self)))
    }
}
