//! Where requests go, and why.

use anyhow::Result;
use ccflare_core::control::views::{CandidateView, DecisionView, ExplainView, FactsView, StrategyView};

use super::{json, line, table};
use crate::args::Output;

pub(crate) fn strategy(view: &StrategyView, output: Output) -> Result<()> {
    if output.json {
        return json(view);
    }
    for name in &view.strategies {
        line(&format!("{} {name}", if *name == view.strategy { "*" } else { " " }))?;
    }
    Ok(())
}

pub(crate) fn explanation(view: &ExplainView, output: Output) -> Result<()> {
    if output.json {
        return json(view);
    }
    line(&view.summary)?;
    line(&facts(&view.facts))?;
    decision(&view.decision)
}

fn facts(facts: &FactsView) -> String {
    let mut known = vec![format!("model {}", facts.model.as_deref().unwrap_or("unknown"))];
    let named = [("session", &facts.session), ("agent", &facts.agent), ("workspace", &facts.workspace)];
    known.extend(named.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?))));
    let said = [
        (facts.is_subagent, "another agent gave the order"),
        (facts.compacted, "the conversation begins anew"),
        (facts.hour_cache, "cached for an hour"),
    ];
    known.extend(said.iter().filter(|(holds, _)| *holds).map(|(_, words)| (*words).to_owned()));
    format!("known: {}", known.join(", "))
}

/// The decision of a finished request.
pub(super) fn recorded(made: &DecisionView) -> Result<()> {
    line("")?;
    if let Some(moved) = &made.moved {
        let price = moved.price_usd.map_or_else(|| "an unknown price".to_owned(), |price| format!("${price:.4}"));
        let cached = moved.cached_tokens;
        let reason = moved.reason.replace('_', " ");
        line(&format!("moved     from {} ({reason}), {cached} cached tokens left behind, for {price}", moved.from))?;
    }
    decision(made)
}

/// Who is tried, and who is not.
fn decision(decision: &DecisionView) -> Result<()> {
    let mut rows = table(&["", "ACCOUNT", "SCORE", "WHY"]);
    for (place, candidate) in decision.candidates.iter().enumerate() {
        rows.add_row([(place + 1).to_string(), candidate.account.clone(), score(candidate), candidate.reason.clone()]);
    }
    for excluded in &decision.excluded {
        let until = excluded.until.as_ref().map_or_else(String::new, |until| format!(" until {until}"));
        let evidence = Some(&excluded.evidence).filter(|evidence| !evidence.is_empty());
        let evidence = evidence.map_or_else(String::new, |evidence| format!(": {evidence}"));
        let why = format!("{}{until}{evidence}", excluded.reason.replace('_', " "));
        rows.add_row(["-".to_owned(), excluded.account.clone(), String::new(), why]);
    }
    line(&format!("{rows}"))?;
    if decision.unnamed > 0 {
        line(&format!("and {} more", decision.unnamed))?;
    }
    line(&format!("decided by the strategy {}", decision.strategy))
}

fn score(candidate: &CandidateView) -> String {
    candidate.score.map_or_else(String::new, |score| format!("{score:.2}"))
}
