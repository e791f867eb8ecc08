//! What an answer's headers say of its account's limits (anthropic-wire §6).
//!
//! API keys have *buckets*: `anthropic-ratelimit-requests-remaining` and its like. Subscriptions have *windows*:
//! `anthropic-ratelimit-unified-5h-status`, with an overall statement `-unified-status` that is about the window named
//! by `-unified-representative-claim`. Both become a [`Window`].

use std::{borrow::Cow, sync::Arc};

use http::HeaderMap;

use crate::{
    domain::{Limits, ModelFamily, Tier, Timestamp, Window},
    provider::Observation,
};

/// The buckets of an API key.
const BUCKETS: [&str; 4] = ["requests", "tokens", "input-tokens", "output-tokens"];

/// Names and words that need no allocation. Any other is kept as it came.
const KNOWN: [&str; 9] =
    ["5h", "7d", "7d_oi", "7d_opus", "7d_sonnet", "allowed", "allowed_warning", "rejected", "unified"];

/// What stands where a window's name could, and is none: offers and paid extras beside the windows.
const NO_WINDOWS: [&str; 5] = ["fallback", "overage", "grace", "slow", "upgrade"];

/// The states in which a window lets nothing through; `rejected`, and what older answers said instead.
const HARD: [&str; 5] = ["rejected", "rate_limited", "blocked", "payment_required", "queueing_hard"];

/// Names and words longer than this are not the API's.
const LONGEST_WORD: usize = 40;

/// The limits and the organisation that the headers of an answer by `model` name.
pub(super) fn observe(headers: &HeaderMap, model: Option<&str>, now: Timestamp) -> Observation {
    let stated = Stated::read(headers);
    let tier_hint = stated.tier_hint();
    let mut windows = stated.windows_or_overall();
    for window in &mut windows {
        window.observed = now;
        window.family = family(window, model);
    }
    let limits = (!windows.is_empty()).then_some(Limits { windows, observed: Some(now), tier_hint });
    Observation { limits, organization: organization(headers) }
}

/// The windows that let nothing through, by an answer that is a refusal. A `resets` of theirs is yet to come; one that
/// has none usable borrows the overall reset.
pub(super) fn used_up(headers: &HeaderMap, now: Timestamp) -> Vec<Window> {
    let stated = Stated::read(headers);
    let to_come = |reset: &Timestamp| *reset > now;
    let overall_reset = stated.overall.reset.filter(to_come);
    let overall = stated.overall.window().filter(is_rejected);
    let mut windows = stated.windows;
    windows.retain(|window| is_rejected(window) || is_empty_bucket(window, now));
    if !windows.iter().any(is_rejected) {
        windows.extend(overall);
    }
    for window in &mut windows {
        window.resets = window.resets.filter(to_come).or(overall_reset);
    }
    windows
}

/// Whether a window is for all that the account asks, whatever the model.
fn is_account_wide(window: &Window) -> bool {
    matches!(&*window.name, "5h" | "7d" | "unified" | "overage")
}

/// The family of models that a window is for: named, or that of the model that was asked; `None` if it is for all.
pub(super) fn family(window: &Window, model: Option<&str>) -> Option<ModelFamily> {
    if is_account_wide(window) {
        return None;
    }
    named_family(window).or_else(|| model.map(ModelFamily::of))
}

/// The family in a window's name: `7d_opus` is for Opus, `7d_oi` does not say.
pub(super) fn named_family(window: &Window) -> Option<ModelFamily> {
    Some(ModelFamily::of(&window.name)).filter(|family| *family != ModelFamily::Other)
}

fn is_rejected(window: &Window) -> bool {
    window.status.as_deref().is_some_and(|status| HARD.contains(&status))
}

fn is_empty_bucket(window: &Window, now: Timestamp) -> bool {
    window.remaining == Some(0) && window.resets.is_some_and(|reset| reset > now)
}

fn organization(headers: &HeaderMap) -> Option<Arc<str>> {
    let id = headers.get("anthropic-organization-id")?.to_str().ok()?;
    let is_id = (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    is_id.then(|| id.into())
}

/// The headers, read in one pass and not yet judged.
#[derive(Default)]
struct Stated<'a> {
    windows: Vec<Window>,
    overall: Overall<'a>,
}

/// The statement a subscription's answers make about themselves as a whole.
#[derive(Default)]
struct Overall<'a> {
    status: Option<&'a str>,
    reset: Option<Timestamp>,
    claim: Option<&'a str>,
}

impl<'a> Stated<'a> {
    fn read(headers: &'a HeaderMap) -> Self {
        let mut stated = Self::default();
        for (name, value) in headers {
            let Some(rest) = name.as_str().strip_prefix("anthropic-ratelimit-") else { continue };
            let Ok(text) = value.to_str() else { continue };
            match rest.strip_prefix("unified-") {
                Some(rest) => stated.read_unified(rest, text.trim()),
                None => stated.read_bucket(rest, text.trim()),
            }
        }
        stated
    }

    fn read_unified(&mut self, name: &str, text: &'a str) {
        match name.rsplit_once('-') {
            None if name == "status" => self.overall.status = Some(text),
            None if name == "reset" => self.overall.reset = moment(text),
            Some(("representative", "claim")) => self.overall.claim = Some(text),
            Some((name, field)) if is_window_name(name) => match field {
                "status" => self.window(name).status = word(text),
                "reset" => self.window(name).resets = moment(text),
                "utilization" => self.window(name).utilization = fraction(text),
                _ => {}
            },
            _ => {}
        }
    }

    fn read_bucket(&mut self, name: &str, text: &str) {
        let Some((name, field)) = name.rsplit_once('-') else { return };
        if !BUCKETS.contains(&name) {
            return;
        }
        match field {
            "limit" => self.window(name).limit = text.parse().ok(),
            "remaining" => self.window(name).remaining = text.parse().ok(),
            "reset" => self.window(name).resets = moment(text),
            _ => return,
        }
        let bucket = self.window(name);
        bucket.utilization = used_part(bucket.limit, bucket.remaining);
    }

    fn window(&mut self, name: &str) -> &mut Window {
        let index = self.windows.iter().position(|window| window.name == name).unwrap_or_else(|| {
            self.windows.push(blank(interned(name)));
            self.windows.len() - 1
        });
        &mut self.windows[index]
    }

    /// The named windows; the overall statement only where it is all there is.
    fn windows_or_overall(self) -> Vec<Window> {
        let overall = self.overall.window();
        if self.windows.is_empty() { overall.into_iter().collect() } else { self.windows }
    }

    /// The plan whose limits are as high as these: the thresholds by which the original told them apart.
    fn tier_hint(&self) -> Option<Tier> {
        let tokens = self.windows.iter().filter(|window| matches!(&*window.name, "tokens" | "input-tokens"));
        Some(match tokens.filter_map(|window| window.limit).max()? {
            800_000.. => Tier::Twenty,
            200_000.. => Tier::Five,
            _ => Tier::One,
        })
    }
}

impl Overall<'_> {
    /// The statement as the window it is about; none if nothing was stated.
    fn window(&self) -> Option<Window> {
        let status = self.status.and_then(word);
        if status.is_none() && self.reset.is_none() {
            return None;
        }
        Some(Window { status, resets: self.reset, ..blank(self.claimed()) })
    }

    /// The claim in the words of the window headers: `seven_day_opus` is `7d_opus`.
    fn claimed(&self) -> Cow<'static, str> {
        let claim = self.claim.filter(|claim| claim.len() <= LONGEST_WORD).unwrap_or("unified");
        match claim {
            "five_hour" => Cow::Borrowed("5h"),
            "seven_day" => Cow::Borrowed("7d"),
            "seven_day_overage_included" => Cow::Borrowed("7d_oi"),
            other => match other.strip_prefix("seven_day_") {
                Some(model) => interned(&format!("7d_{model}")),
                None => interned(other),
            },
        }
    }
}

/// Windows are named by one word, such as `5h` or `7d_opus`; with a dash it is a detail of something else.
fn is_window_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_WORD && !name.contains('-') && !NO_WINDOWS.contains(&name)
}

fn blank(name: Cow<'static, str>) -> Window {
    Window {
        name,
        status: None,
        utilization: None,
        limit: None,
        remaining: None,
        resets: None,
        family: None,
        observed: Timestamp::default(),
    }
}

fn interned(text: &str) -> Cow<'static, str> {
    match KNOWN.iter().chain(&BUCKETS).find(|known| **known == text) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(text.to_owned()),
    }
}

fn word(text: &str) -> Option<Cow<'static, str>> {
    (1..=LONGEST_WORD).contains(&text.len()).then(|| interned(text))
}

/// A fraction; more than 1 is real (a window can be overdrawn).
fn fraction(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0)
}

fn used_part(limit: Option<u64>, remaining: Option<u64>) -> Option<f64> {
    let limit = limit.filter(|limit| *limit > 0)?;
    Some((1.0 - remaining? as f64 / limit as f64).max(0.0))
}

/// Epoch seconds (subscriptions) or RFC 3339 (API keys). Anything else, and years of five digits, is not a moment.
fn moment(text: &str) -> Option<Timestamp> {
    const YEAR_10000: i64 = 253_402_300_800;
    match text.parse::<i64>() {
        Ok(seconds) => (0..YEAR_10000).contains(&seconds).then(|| Timestamp::from_seconds(seconds)),
        Err(_) => Timestamp::parse_rfc3339(text),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    /// 2026-11-24T08:00:00Z.
    const NOW: Timestamp = Timestamp::from_seconds(1_795_507_200);

    fn headers(lines: &str) -> HeaderMap {
        let pairs = lines.lines().filter_map(|line| line.trim().split_once(": "));
        pairs
            .map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
                (name, value.parse().expect("a value"))
            })
            .collect()
    }

    fn observed(lines: &str) -> Limits {
        let mut limits = observe(&headers(lines), None, NOW).limits.expect("limits are stated");
        for window in &mut limits.windows {
            assert_eq!(std::mem::take(&mut window.observed), NOW);
            window.family = None;
        }
        limits
    }

    #[test]
    fn a_window_is_for_the_family_that_it_names_or_else_for_the_one_that_was_asked_unless_it_is_for_all() {
        let lines = "anthropic-ratelimit-requests-remaining: 3
             anthropic-ratelimit-unified-5h-utilization: 0.1
             anthropic-ratelimit-unified-7d_oi-utilization: 0.1
             anthropic-ratelimit-unified-7d_sonnet-utilization: 0.1";
        let limits = observe(&headers(lines), Some("claude-haiku-5-5"), NOW).limits.expect("limits are stated");
        let families: Vec<_> = limits.windows.iter().map(|window| (&*window.name, window.family)).collect();
        let haiku = Some(ModelFamily::Haiku);
        let expected = [("requests", haiku), ("5h", None), ("7d_oi", haiku), ("7d_sonnet", Some(ModelFamily::Sonnet))];
        assert_eq!(families, expected);
    }

    fn in_seconds(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp::from_seconds(1_795_507_200 + seconds))
    }

    #[test]
    fn the_buckets_of_an_api_key_are_read() {
        let limits = observed(
            "anthropic-ratelimit-requests-limit: 4000
             anthropic-ratelimit-requests-remaining: 3000
             anthropic-ratelimit-requests-reset: 2026-11-24T08:00:01Z
             anthropic-ratelimit-input-tokens-limit: 200000
             anthropic-ratelimit-input-tokens-remaining: 0
             anthropic-ratelimit-input-tokens-reset: 2026-11-24T08:01:00Z
             anthropic-ratelimit-output-tokens-limit: 80000
             anthropic-priority-input-tokens-limit: 10000",
        );
        let bucket = |name, utilization, limit, remaining, resets| Window {
            utilization,
            limit: Some(limit),
            remaining,
            resets,
            ..blank(Cow::Borrowed(name))
        };
        assert_eq!(
            limits.windows,
            [
                bucket("requests", Some(0.25), 4000, Some(3000), in_seconds(1)),
                bucket("input-tokens", Some(1.0), 200_000, Some(0), in_seconds(60)),
                bucket("output-tokens", None, 80_000, None, None),
            ]
        );
        assert_eq!((limits.observed, limits.tier_hint), (Some(NOW), Some(Tier::Five)));
    }

    #[test]
    fn the_windows_of_a_subscription_are_read_and_nothing_that_stands_beside_them() {
        let limits = observed(
            "anthropic-ratelimit-unified-status: allowed_warning
             anthropic-ratelimit-unified-reset: 1795510800
             anthropic-ratelimit-unified-representative-claim: five_hour
             anthropic-ratelimit-unified-5h-status: allowed_warning
             anthropic-ratelimit-unified-5h-reset: 1795510800
             anthropic-ratelimit-unified-5h-utilization: 0.92
             anthropic-ratelimit-unified-5h-surpassed-threshold: 0.9
             anthropic-ratelimit-unified-7d_oi-status: rejected
             anthropic-ratelimit-unified-7d_oi-utilization: 1.04
             anthropic-ratelimit-unified-fallback: available
             anthropic-ratelimit-unified-fallback-percentage: 0.5
             anthropic-ratelimit-unified-overage-status: rejected
             anthropic-ratelimit-unified-overage-disabled-reason: out_of_credits
             anthropic-ratelimit-unified-overage-period-status: rejected
             anthropic-ratelimit-unified-grace-status: rejected
             anthropic-ratelimit-unified-slow-budget-utilization: 1
             anthropic-ratelimit-unified-upgrade-paths: max",
        );
        let window = |name, status, utilization, resets| Window {
            status: Some(Cow::Borrowed(status)),
            utilization: Some(utilization),
            resets,
            ..blank(Cow::Borrowed(name))
        };
        assert_eq!(
            limits.windows,
            [window("5h", "allowed_warning", 0.92, in_seconds(3600)), window("7d_oi", "rejected", 1.04, None)]
        );
        assert_eq!(limits.tier_hint, None);
    }

    #[test]
    fn an_overall_statement_alone_becomes_the_window_it_is_about() {
        for (claim, name) in [
            ("five_hour", "5h"),
            ("seven_day", "7d"),
            ("seven_day_opus", "7d_opus"),
            ("seven_day_overage_included", "7d_oi"),
            ("overage", "overage"),
        ] {
            let limits = observed(&format!(
                "anthropic-ratelimit-unified-status: allowed
                 anthropic-ratelimit-unified-reset: 1795510800
                 anthropic-ratelimit-unified-representative-claim: {claim}"
            ));
            let status = Some(Cow::Borrowed("allowed"));
            assert_eq!(limits.windows, [Window { status, resets: in_seconds(3600), ..blank(Cow::Borrowed(name)) }]);
        }
        assert_eq!(observed("anthropic-ratelimit-unified-status: allowed").windows[0].name, "unified");
    }

    #[test]
    fn a_reset_is_rfc_3339_or_epoch_seconds_and_garbage_is_none() {
        for (text, expected) in [
            ("1795507260", in_seconds(60)),
            ("2026-11-24T08:01:00Z", in_seconds(60)),
            ("2026-11-24T09:01:00+01:00", in_seconds(60)),
            ("1795507260000", None),
            ("-5", None),
            ("99999999999999999999", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(moment(text), expected, "{text}");
        }
    }

    #[test]
    fn a_count_that_cannot_be_read_is_unknown() {
        let limits = observed(
            "anthropic-ratelimit-tokens-limit: many
             anthropic-ratelimit-tokens-remaining: -1
             anthropic-ratelimit-unified-5h-utilization: NaN
             anthropic-ratelimit-unified-7d-utilization: -0.1",
        );
        assert!(limits.windows.iter().all(|window| *window == blank(window.name.clone())), "{limits:?}");
        assert_eq!(limits.tier_hint, None);
    }

    #[test]
    fn the_tier_is_guessed_from_the_token_limits() {
        for (limit, tier) in
            [(799_999, Tier::Five), (800_000, Tier::Twenty), (200_000, Tier::Five), (199_999, Tier::One)]
        {
            for bucket in ["tokens", "input-tokens"] {
                let limits = observed(&format!("anthropic-ratelimit-{bucket}-limit: {limit}"));
                assert_eq!(limits.tier_hint, Some(tier), "{bucket} {limit}");
            }
        }
    }

    #[test]
    fn an_answer_that_states_nothing_tells_nothing() {
        for lines in [
            "content-type: application/json\nrequest-id: req_1\nx-ratelimit-limit-requests: 5",
            "anthropic-ratelimit-unified-overage-disabled-reason: out_of_credits",
            "anthropic-ratelimit-web-searches-limit: 5",
            "anthropic-organization-id: an id",
            "anthropic-organization-id: ",
        ] {
            assert_eq!(observe(&headers(lines), None, NOW), Observation::default(), "{lines}");
        }
    }

    #[test]
    fn the_organisation_is_kept_if_it_can_be_one() {
        let id = |id: &str| observe(&headers(&format!("anthropic-organization-id: {id}")), None, NOW).organization;
        assert_eq!(id("0f1e-org").as_deref(), Some("0f1e-org"));
        assert_eq!(id(&"x".repeat(128)).as_deref(), Some("x".repeat(128).as_str()));
        assert_eq!(id(&"x".repeat(129)), None);
    }
}
