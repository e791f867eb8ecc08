//! `ccflare logs`.

use anyhow::Result;
use ccflare_core::{
    control::{
        Control,
        views::{EventDetail, EventQuery, LogQuery},
    },
    logs::Sought,
};
use futures_util::StreamExt;

use crate::{
    args::{LogLines, Output},
    print,
};

pub(super) async fn run(wanted: LogLines, control: &dyn Control, output: Output) -> Result<()> {
    let LogLines { follow, lines, level, grep, request } = wanted;
    // Lines that come while the earlier ones are looked for must not get lost.
    let events = if follow { Some(control.events(EventQuery::of("logs")).await?) } else { None };
    if lines > 0 {
        let limit = usize::try_from(lines).ok();
        let (level, text) = (level.map(|level| level.as_str().to_owned()), grep.clone());
        let query = LogQuery { level, text, request: request.clone(), limit, ..LogQuery::default() };
        let page = control.logs(query).await?;
        print::logs::lines(&page.lines, output)?;
    }
    let Some(mut events) = events else { return Ok(()) };
    let sought = Sought { level, text: grep, request, ..Sought::default() };
    while let Some(event) = events.next().await {
        match &event.detail {
            EventDetail::Log { line } if sought.matches(line) => {
                print::logs::lines(std::slice::from_ref(line), output)?
            }
            EventDetail::Missed { .. } => print::progress("lines were missed here: they came too fast"),
            _ => {}
        }
    }
    anyhow::bail!("the server has stopped")
}
