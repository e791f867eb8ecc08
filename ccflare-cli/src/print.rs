//! The one file that prints.

mod agents;

pub(crate) use agents::{agent, agents, default_model, preference, preferred_for_all, workspaces};

use std::{
    fmt,
    io::{self, Write},
};

use anstyle::AnsiColor;
use anyhow::Result;
use ccflare_core::control::views::{
    AccountView, AuditView, BrowserLinkView, ClientKeyView, NewKeyView, PayloadView, RequestPage, RequestView,
    StatusView,
};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::json as object;

use crate::args::Output;

pub(crate) mod analyze;
pub(crate) mod care;
pub(crate) mod doctor;
pub(crate) mod logs;
mod placement;
pub(crate) mod settings;
pub(crate) mod sums;

pub(crate) use placement::{explanation, strategy};

/// An error, with everything that led to it.
pub(crate) fn error(error: &anyhow::Error) {
    let style = AnsiColor::Red.on_default().bold();
    let _ = writeln!(anstream::stderr(), "{style}ccflare:{style:#} {}", clean(&format!("{error:#}")));
}

/// A question; the answer is typed behind it.
pub(crate) fn prompt(question: &str) -> Result<()> {
    write!(io::stderr(), "{question}")?;
    io::stderr().flush()?;
    Ok(())
}

/// Something beside what was asked for: that it takes a while, or what is wrong with a part of it.
pub(crate) fn progress(message: &str) {
    let _ = writeln!(io::stderr(), "{}", clean(message));
}

/// That something was done.
pub(crate) fn done(message: &str, output: Output) -> Result<()> {
    if output.json { json(&object!({ "success": true, "message": message })) } else { line(message) }
}

/// That something was done to an account.
pub(crate) fn account(message: &str, account: &AccountView, output: Output) -> Result<()> {
    if output.json { json(account) } else { line(message) }
}

pub(crate) fn accounts(accounts: &[AccountView], output: Output) -> Result<()> {
    if output.json {
        return json(&accounts);
    }
    if accounts.is_empty() {
        return line(
            "no accounts yet: `ccflare account add NAME` adds one; until then clients use their own credentials",
        );
    }
    let mut table =
        table(&["NAME", "STATE", "PRIORITY", "TIER", "REQUESTS", "IN FLIGHT", "LAST USED", "CLOSED BECAUSE"]);
    for account in accounts {
        let state = if account.active { format!("{} *", account.state) } else { account.state.clone() };
        table.add_row([
            account.name.clone(),
            state,
            account.priority.to_string(),
            u8::from(account.tier).to_string(),
            account.total_requests.to_string(),
            account.in_flight.to_string(),
            account.last_used.clone().unwrap_or_else(|| "never".to_owned()),
            closures(account),
        ]);
    }
    right(&mut table, &[2, 3, 4, 5]);
    line(&format!("{table}"))?;
    if accounts.iter().any(|account| account.active) { line("* new requests go here first") } else { Ok(()) }
}

fn closures(account: &AccountView) -> String {
    let closure = |closure: &ccflare_core::control::views::ClosureView| {
        let scope = if closure.scope == "account" { String::new() } else { format!(" ({})", closure.scope) };
        let until =
            closure.until.as_ref().map_or_else(|| " until resumed".to_owned(), |until| format!(" until {until}"));
        format!("{}{scope}{until}: {}", closure.reason, closure.evidence)
    };
    account.closures.iter().map(closure).collect::<Vec<_>>().join("; ")
}

pub(crate) fn requests(page: &RequestPage, output: Output) -> Result<()> {
    if output.json {
        return json(&page.requests);
    }
    if page.requests.is_empty() {
        return line("no finished requests, or none like that");
    }
    let mut table =
        table(&["TIME", "ACCOUNT", "MODEL", "STATUS", "OUTCOME", "TRIES", "IN", "CACHED", "OUT", "COST", "MS", "ID"]);
    for request in &page.requests {
        table.add_row([
            request.timestamp.clone(),
            request.account_used.clone().unwrap_or_else(|| "-".to_owned()),
            or_dash(request.model.as_ref()),
            or_dash(request.status_code.as_ref()),
            request.outcome.clone(),
            request.attempts.len().to_string(),
            or_dash(request.prompt_tokens.as_ref()),
            or_dash(request.cache_read_input_tokens.as_ref()),
            or_dash(request.output_tokens.as_ref()),
            cost(request),
            or_dash(request.response_time_ms.map(|ms| format!("{ms:.0}")).as_ref()),
            request.id.clone(),
        ]);
    }
    right(&mut table, &[3, 5, 6, 7, 8, 9, 10]);
    line(&format!("{table}"))?;
    match &page.next {
        Some(next) => line(&format!("older ones: the same with --before {next}")),
        None => Ok(()),
    }
}

pub(crate) fn request(request: &RequestView, output: Output) -> Result<()> {
    if output.json {
        return json(request);
    }
    line(&format!("{}  {} {}  {}", request.id, request.method, request.path, request.timestamp))?;
    line(&format!("outcome   {}, status {}", request.outcome, or_dash(request.status_code.as_ref())))?;
    if let Some(key) = &request.client_key {
        line(&format!("key       {key}"))?;
    }
    if let Some(error) = &request.error_message {
        line(&format!("error     {error}"))?;
    }
    line(&format!("model     {}{}", or_dash(request.model.as_ref()), wished(request)))?;
    line(&format!(
        "tokens    {} fresh, {} read from cache, {} written for 5 m, {} for 1 h, {} out",
        or_dash(request.input_tokens.as_ref()),
        or_dash(request.cache_read_input_tokens.as_ref()),
        or_dash(request.cache_creation5m_input_tokens.as_ref()),
        or_dash(request.cache_creation1h_input_tokens.as_ref()),
        or_dash(request.output_tokens.as_ref()),
    ))?;
    line(&format!("cost      {} (prices of {})", cost(request), or_dash(request.priced_with.as_ref())))?;
    let mut table = table(&["TRY", "ACCOUNT", "CHOSEN BECAUSE", "STATUS", "JUDGED", "AFTER MS", "TOOK MS", "DETAIL"]);
    for (number, attempt) in request.attempts.iter().enumerate() {
        table.add_row([
            (number + 1).to_string(),
            attempt.account.clone().unwrap_or_else(|| "-".to_owned()),
            attempt.choice.clone(),
            or_dash(attempt.status_code.as_ref()),
            attempt.verdict.clone(),
            format!("{:.1}", attempt.started_ms),
            format!("{:.1}", attempt.took_ms),
            attempt.detail.clone().unwrap_or_default(),
        ]);
    }
    right(&mut table, &[0, 3, 5, 6]);
    line(&format!("{table}"))?;
    request.decision.as_ref().map_or(Ok(()), placement::recorded)
}

/// What the model was to be, where that is not what it was.
fn wished(request: &RequestView) -> String {
    let (asked, preferred) = (request.model_asked.as_ref(), request.model_preferred.as_ref());
    match (preferred, &request.preference_refused) {
        (Some(preferred), Some(why)) => format!(" ({preferred} is preferred, but {why})"),
        (Some(_), None) => format!(" (preferred; asked for {})", or_dash(asked)),
        (None, _) if asked == request.model.as_ref() => String::new(),
        (None, _) => format!(" (asked for {})", or_dash(asked)),
    }
}

pub(crate) fn payload(payload: &PayloadView, output: Output) -> Result<()> {
    if output.json {
        return json(payload);
    }
    for (name, side) in [("request", &payload.request), ("response", &payload.response)] {
        let cut = if side.truncated { ", not all of them kept" } else { "" };
        line(&format!("== {name}: {} bytes{cut} ({})", side.bytes, side.encoding))?;
        side.headers.iter().try_for_each(|(name, value)| line(&format!("{name}: {value}")))?;
        line("")?;
        line(&side.body)?;
    }
    Ok(())
}

pub(crate) fn status(status: &StatusView, output: Output) -> Result<()> {
    if output.json {
        return json(status);
    }
    line(&format!("ccflare {}, {}", status.version, status.status))?;
    if status.status == StatusView::OFFLINE {
        line("no server runs: this is what one would begin with; `ccflare serve` starts it")?;
    }
    line(&format!("accounts      {} of {} can serve", status.available_accounts, status.accounts))?;
    line(&format!("active        {}", status.active_account.as_deref().unwrap_or("none yet")))?;
    line(&format!("strategy      {}", status.strategy))?;
    line(&format!("in flight     {}", status.in_flight))?;
    line(&format!("to be written {}", status.queued_writes))
}

pub(crate) fn keys(keys: &[ClientKeyView], output: Output) -> Result<()> {
    if output.json {
        return json(&keys);
    }
    if keys.is_empty() {
        return line("no client keys yet: `ccflare key create NAME` makes one");
    }
    let mut table = table(&["NAME", "STATE", "EXPIRES", "LAST USED", "MODELS", "ACCOUNTS", "ID"]);
    let list = |list: &[String]| if list.is_empty() { "all".to_owned() } else { list.join(", ") };
    for key in keys {
        table.add_row([
            key.name.clone(),
            key.state.clone(),
            key.expires.clone().unwrap_or_else(|| "never".to_owned()),
            key.last_used.clone().unwrap_or_else(|| "never".to_owned()),
            list(&key.models),
            list(&key.accounts),
            key.id.clone(),
        ]);
    }
    line(&format!("{table}"))
}

/// The only time that a key is shown: alone on standard output, so that it can go straight to where it is needed.
pub(crate) fn new_key(new: &NewKeyView, output: Output) -> Result<()> {
    if output.json {
        return json(&object!({ "clientKey": new.client_key, "key": new.key.expose() }));
    }
    let name = &new.client_key.name;
    writeln!(io::stderr(), "The key {name:?}. Keep it: it is not shown again, and clients send it as their API key.")?;
    line(new.key.expose())
}

pub(crate) fn link(link: &BrowserLinkView, output: Output) -> Result<()> {
    if output.json {
        return json(&object!({ "url": link.url, "expiresInSeconds": link.expires_in_seconds }));
    }
    writeln!(io::stderr(), "Good once, for {} s:", link.expires_in_seconds)?;
    line(&link.url)
}

pub(crate) fn audit(entries: &[AuditView], output: Output) -> Result<()> {
    if output.json {
        return json(&entries);
    }
    let mut table = table(&["TIME", "WHO", "FROM", "WHAT", "TO WHAT", "REFUSED BECAUSE"]);
    for entry in entries {
        table.add_row([
            entry.timestamp.clone(),
            entry.actor.clone(),
            or_dash(entry.source.as_ref()),
            entry.action.clone(),
            entry.subject.clone(),
            entry.refused.clone().unwrap_or_default(),
        ]);
    }
    line(&format!("{table}"))
}

fn cost(request: &RequestView) -> String {
    request.cost_nano_usd.map_or_else(|| "-".to_owned(), |nanos| ccflare_core::domain::NanoUsd(nanos).to_string())
}

fn or_dash<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// A table. What stands in it may have been chosen by clients, so a row stays one line and steers no terminal.
struct Rows(Table);

impl Rows {
    fn add_row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.add_row(cells.into_iter().map(|cell| on_one_line(&cell)));
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn table(head: &[&str]) -> Rows {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head.iter().copied());
    // Lines break inside of columns on a terminal only; in a pipe each row stays one line.
    if let Some((terminal_size::Width(width), _)) = terminal_size::terminal_size_of(io::stdout()) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    Rows(table)
}

fn right(table: &mut Rows, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.0.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    bytes(format!("{}\n", as_json(value, serde_json::to_string_pretty)?).as_bytes())
}

/// The same text, with those control characters named that JSON lets stand as they are.
fn as_json<T: Serialize>(value: &T, write: fn(&T) -> serde_json::Result<String>) -> Result<String> {
    let text = write(value)?;
    let named = |c: char| if c.is_control() && c != '\n' { format!("\\u{:04x}", u32::from(c)) } else { c.into() };
    Ok(if text.contains(steers) { text.chars().map(named).collect() } else { text })
}

/// Something that was made elsewhere, as it is.
pub(crate) fn bytes(bytes: &[u8]) -> Result<()> {
    Ok(io::stdout().write_all(bytes)?)
}

/// A line for people, or several.
fn line(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{}", clean(text))?)
}

/// What others wrote must not steer the terminal.
fn clean(text: &str) -> String {
    text.replace(steers, "\u{fffd}")
}

fn on_one_line(text: &str) -> String {
    clean(text).replace(['\n', '\t'], " ")
}

fn steers(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "m\u{1b}]0;mine\u{7}\u{9b}31m\r\n2";

    #[test]
    fn what_a_client_chose_steers_no_terminal_and_breaks_no_row() {
        let mut rows = table(&["MODEL", "COST"]);
        rows.add_row([HOSTILE.to_owned(), "1".to_owned()]);
        let shown = clean(&rows.to_string());
        assert_eq!(shown.lines().count(), 2, "{shown}");
        assert!(!shown.contains(steers), "{shown}");
        assert!(!clean(HOSTILE).contains(steers));
    }

    #[test]
    fn json_says_the_same_without_steering_a_terminal() {
        let text = as_json(&[HOSTILE], serde_json::to_string_pretty).expect("JSON");
        assert!(!text.contains(steers), "{text}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&text).expect("JSON"), [HOSTILE]);
    }
}
