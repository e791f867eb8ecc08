//! A ledger that holds much more than is to be kept.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use ccflare_core::{
    domain::{Asker, Exchange, ExchangeId, Fingerprint, Intent, Outcome, Timestamp, Tokens, Usage},
    store::{LedgerEntry, LedgerStore, RedbStore},
};

/// Requests are kept for a year.
const AGE: Duration = Duration::from_secs(400 * 86_400);
const APART: Duration = Duration::from_secs(2);

const MODELS: [&str; 4] = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5-2"];
/// Requests of a conversation.
const LENGTH: u64 = 60;
const BATCH: u64 = 5000;

/// Writes so many requests that are too old.
pub async fn fill(store: &RedbStore, requests: u64, now: Timestamp) -> Result<()> {
    let (path, models) = (Arc::<str>::from("/v1/messages"), MODELS.map(Arc::<str>::from));
    for first in (0..requests).step_by(BATCH as usize) {
        let batch: Vec<_> = (first..requests.min(first + BATCH))
            .map(|number| {
                let at = now - AGE - APART * u32::try_from(requests - number).unwrap_or(u32::MAX);
                let model = Arc::clone(&models[(number % 4) as usize]);
                LedgerEntry::Settled(Box::new(exchange(at, number / LENGTH, &path, model)))
            })
            .collect();
        store.append(&batch).await?;
    }
    Ok(())
}

fn exchange(at: Timestamp, session: u64, path: &Arc<str>, model: Arc<str>) -> Exchange {
    let asker = Asker {
        session: format!("{session:08x}-0000-4000-8000-000000000000").into(),
        conversation: Fingerprint(session.into()),
        subagent: None,
        is_subagent: false,
        parent: None,
        agent: None,
        workspace: None,
    };
    let intent = Intent {
        id: ExchangeId::new(at),
        at,
        method: http::Method::POST,
        path: Arc::clone(path),
        model: Some(Arc::clone(&model)),
        request_bytes: 100_000,
        client_key: None,
        asker: Some(Arc::new(asker)),
        preference: None,
    };
    let tokens = Tokens { input: Some(12), output: Some(400), cache_read: Some(90_000), ..Tokens::default() };
    Exchange {
        status: Some(200),
        model: Some(model),
        usage: Usage { tokens, ..Usage::default() },
        ..Exchange::unfinished(intent, Outcome::Answered)
    }
}
