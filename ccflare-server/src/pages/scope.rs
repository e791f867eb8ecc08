//! Which requests a page is about: a range and filters, all of them in the address, so that a view can be kept and sent.

use ccflare_core::control::{
    Control, ControlError,
    views::{AnalyticsQuery, AnalyticsView, RequestFilter},
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::components::{
    form::{choose, field},
    pager::link,
    tabs::tabs,
};

/// The ranges there are, and their words.
pub(super) const RANGES: [(&str, &str); 5] =
    [("1h", "1 h"), ("6h", "6 h"), ("24h", "24 h"), ("7d", "7 days"), ("30d", "30 days")];

/// What the address says; empty is everything, or the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Scope {
    pub(super) range: String,
    pub(super) account: String,
    pub(super) model: String,
    pub(super) agent: String,
    pub(super) key: String,
    pub(super) status: String,
    pub(super) session: String,
    pub(super) before: String,
    pub(super) metric: String,
    pub(super) split: String,
    pub(super) mode: String,
}

impl Scope {
    /// The address of the same view with some of it otherwise.
    pub(super) fn link(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let mut pairs = self.pairs();
        for (name, value) in changes {
            if let Some(pair) = pairs.iter_mut().find(|(known, _)| known == name) {
                pair.1 = value;
            }
        }
        link(path, &pairs)
    }

    fn pairs(&self) -> [(&str, &str); 11] {
        [
            ("range", &self.range),
            ("account", &self.account),
            ("model", &self.model),
            ("agent", &self.agent),
            ("key", &self.key),
            ("status", &self.status),
            ("session", &self.session),
            ("before", &self.before),
            ("metric", &self.metric),
            ("split", &self.split),
            ("mode", &self.mode),
        ]
    }

    /// The range, or the one that is looked at if none is given.
    pub(super) fn range(&self) -> &str {
        if self.range.is_empty() { "24h" } else { &self.range }
    }

    /// The filters.
    pub(super) fn filter(&self) -> RequestFilter {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        RequestFilter {
            accounts: given(&self.account),
            models: given(&self.model),
            agents: given(&self.agent),
            client_keys: given(&self.key),
            status: given(&self.status),
        }
    }

    /// Whether anything is left out.
    pub(super) fn is_filtered(&self) -> bool {
        self.filter() != RequestFilter::default() || !self.session.is_empty()
    }

    /// The sums of this view.
    pub(super) fn query(&self) -> AnalyticsQuery {
        AnalyticsQuery {
            range: Some(self.range().to_owned()),
            mode: (self.mode == "cumulative").then(|| self.mode.clone()),
            model_breakdown: self.split == "model",
            filter: self.filter(),
            ..AnalyticsQuery::default()
        }
    }
}

/// The last thirty days, unfiltered: several pages show a part of it, or name what is in it.
///
/// # Errors
/// If the server can't tell.
pub(super) async fn month(control: &dyn Control) -> Result<AnalyticsView, ControlError> {
    control.analytics(AnalyticsQuery { range: Some("30d".to_owned()), ..AnalyticsQuery::default() }).await
}

/// What can be chosen from.
#[derive(Clone, Debug, Default)]
pub(super) struct Choices {
    accounts: Vec<String>,
    models: Vec<String>,
    agents: Vec<String>,
    keys: Vec<String>,
}

impl Choices {
    /// The accounts and keys there are, and the models and agents of the last thirty days.
    ///
    /// # Errors
    /// If the server can't tell.
    pub(super) async fn of(control: &dyn Control) -> Result<Self, ControlError> {
        let seen = month(control).await?;
        let is_name = |name: &String| !matches!(name.as_str(), "no_account" | "no_agent" | "no_key" | "unknown");
        let accounts = control.accounts().await?.into_iter().map(|account| account.name);
        let keys = control.client_keys().await?.into_iter().map(|key| key.name);
        Ok(Self {
            accounts: sorted(accounts),
            models: sorted(seen.model_distribution.iter().map(|model| model.model.clone()).filter(is_name)),
            agents: sorted(seen.agent_performance.iter().map(|agent| agent.name.clone()).filter(is_name)),
            keys: sorted(keys),
        })
    }
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

const STATES: [(&str, &str); 8] = [
    ("", "All"),
    ("success", "Successful"),
    ("error", "Not successful"),
    ("answered", "Answered"),
    ("failed", "Failed"),
    ("cut", "Cut off"),
    ("cancelled", "Cancelled"),
    ("interrupted", "Interrupted"),
];

/// The switch between ranges.
pub(super) fn ranges(path: &str, scope: &Scope) -> Markup {
    let tab = |(range, text): (&str, &'static str)| {
        (scope.link(path, &[("range", range), ("before", "")]), text, scope.range() == range)
    };
    tabs("Range", &RANGES.map(tab))
}

/// The filters as a form; `hidden` are the parts of the address that it keeps.
pub(super) fn filters(path: &str, scope: &Scope, choices: &Choices, hidden: &[(&str, &str)]) -> Markup {
    html! {
        form.filters method="get" action=(path) data-auto {
            @for (name, value) in hidden { @if !value.is_empty() { input type="hidden" name=(name) value=(value); } }
            (names("Account", "account", &scope.account, &choices.accounts))
            (names("Model", "model", &scope.model, &choices.models))
            @if !choices.agents.is_empty() || !scope.agent.is_empty() { (names("Agent", "agent", &scope.agent, &choices.agents)) }
            @if !choices.keys.is_empty() || !scope.key.is_empty() { (names("Client key", "key", &scope.key, &choices.keys)) }
            (field("Result", "status", "", &choose("status", "status", &scope.status, &STATES)))
            button.quiet type="submit" { "Apply" }
            @if scope.is_filtered() { a.button.quiet href=(link(path, hidden)) { "Clear" } }
        }
    }
}

fn names(label: &str, name: &str, chosen: &str, known: &[String]) -> Markup {
    let mut options = vec![("", "All")];
    if !chosen.is_empty() && !known.iter().any(|known| known == chosen) {
        options.push((chosen, chosen));
    }
    options.extend(known.iter().map(|known| (known.as_str(), known.as_str())));
    field(label, name, "", &choose(name, name, chosen, &options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_the_view_but_for_what_it_changes() {
        let scope = Scope { range: "7d".into(), model: "m x".into(), before: "1".into(), ..Scope::default() };
        assert_eq!(scope.link("/a", &[("range", "1h"), ("before", "")]), "/a?range=1h&model=m+x");
        assert_eq!(Scope::default().link("/a", &[]), "/a");
    }

    #[test]
    fn a_filter_that_names_what_is_gone_can_still_be_seen() {
        let scope = Scope { account: "gone".into(), ..Scope::default() };
        let text = filters("/requests", &scope, &Choices::default(), &[("range", "7d")]).into_string();
        assert!(text.contains("<option value=\"gone\" selected>gone</option>"), "{text}");
        assert!(text.contains("href=\"/requests?range=7d\""), "{text}");
    }

    #[test]
    fn what_is_empty_filters_nothing() {
        assert_eq!(Scope::default().filter(), RequestFilter::default());
        assert_eq!(Scope::default().query().range.as_deref(), Some("24h"));
        assert!(!Scope { mode: "x".into(), ..Scope::default() }.is_filtered());
    }
}
