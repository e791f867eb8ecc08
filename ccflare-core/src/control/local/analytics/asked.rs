//! What an operator typed, and the question it stands for. Pure.

use std::{collections::HashMap, hash::Hash, str::FromStr, sync::Arc};

use super::Called;
use crate::{
    analytics::{Filter, Kept, Level, Minute, Question},
    control::{
        ControlError,
        views::{AnalyticsQuery, RequestFilter},
    },
    domain::{ExchangeId, Outcome, Timestamp},
};

/// The ranges that have names: minutes, and minutes of a bucket.
const RANGES: [(&str, u32, u32); 5] =
    [("1h", 60, 1), ("6h", 6 * 60, 5), ("24h", DAY, 60), ("7d", 7 * DAY, 60), ("30d", 30 * DAY, DAY)];

const DAY: u32 = Level::Day.minutes();

/// Points of a time series that are drawn at most.
const POINTS: u32 = 5000;

/// A question, and how its answer is to be shown.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) range: &'static str,
    pub(super) cumulative: bool,
    pub(super) by_model: bool,
    pub(super) question: Question,
    /// Until when something can have happened.
    now: Minute,
}

impl Asked {
    pub(super) fn understand(
        query: &AnalyticsQuery,
        filter: Filter,
        now: Timestamp,
        kept: Kept,
    ) -> Result<Self, ControlError> {
        let cumulative = match query.mode.as_deref() {
            None | Some("normal") => false,
            Some("cumulative") => true,
            Some(_) => return Err(invalid("mode must be normal or cumulative")),
        };
        let by_model = query.model_breakdown;
        // The minute that is running belongs to it.
        let now = Minute::of(now) + 1;
        let (range, from, to, bucket) = match (&query.range, &query.from) {
            (Some(_), Some(_)) => return Err(invalid("give range or from, not both")),
            (_, Some(from)) => custom(from, query.to.as_deref(), now, kept)?,
            (None, None) if query.to.is_some() => return Err(invalid("to needs from")),
            (Some(_), None) if query.to.is_some() => return Err(invalid("a range ends now; give from and to instead")),
            (range, None) => named(range.as_deref().unwrap_or("24h"), now)?,
        };
        Ok(Self {
            range,
            cumulative,
            by_model,
            question: Question { from, to, bucket, filter, distributions: true },
            now,
        })
    }

    /// The same time before, up to where this one has come. Only its sums matter.
    pub(super) fn previous(&self) -> Question {
        let Question { from, to, .. } = self.question;
        let end = to.min(self.now);
        Question { from: from - (to.0 - from.0), to: end - (to.0 - from.0), bucket: DAY, ..self.question.clone() }
    }

    /// The bucket's name.
    pub(super) fn bucket(&self) -> &'static str {
        match self.question.bucket {
            1 => "1m",
            5 => "5m",
            60 => "1h",
            _ => "1d",
        }
    }
}

/// Whole buckets, of which the last one is running.
fn named(range: &str, now: Minute) -> Result<(&'static str, Minute, Minute, u32), ControlError> {
    let known = RANGES.iter().find(|(name, ..)| *name == range);
    let Some(&(name, length, bucket)) = known else {
        return Err(invalid("range must be 1h, 6h, 24h, 7d or 30d; from and to take any time"));
    };
    let to = now.ceil(bucket);
    Ok((name, to - length, to, bucket))
}

fn custom(
    from: &str,
    to: Option<&str>,
    now: Minute,
    kept: Kept,
) -> Result<(&'static str, Minute, Minute, u32), ControlError> {
    let mut from = Minute::of(moment("from", from)?);
    let mut to = to.map(|to| moment("to", to)).transpose()?.map_or(now, |to| Minute::of(to + ALMOST_A_MINUTE));
    if from >= to {
        return Err(invalid("from must be before to"));
    }
    let bucket = match to.0 - from.0 {
        _ if from < kept.hours => DAY,
        0..=120 if from >= kept.minutes => 1,
        0..=720 if from >= kept.minutes => 5,
        length if length <= 14 * DAY => 60,
        _ => DAY,
    };
    // Where minutes are not kept any more, the pieces that are left say what was asked with what is around it.
    let whole = |minute: Minute| match minute {
        minute if minute < kept.hours => DAY,
        minute if minute < kept.minutes => 60,
        _ => 1,
    };
    (from, to) = (from.floor(whole(from)), to.ceil(whole(to)));
    if (to.0 - from.0) / bucket > POINTS {
        return Err(invalid("that is too long a time: at most 5000 days"));
    }
    Ok(("custom", from, to, bucket))
}

/// Rounds an end up to whole minutes.
const ALMOST_A_MINUTE: std::time::Duration = std::time::Duration::from_micros(59_999_999);

/// RFC 3339, or milliseconds since the epoch.
pub(in crate::control::local) fn moment(what: &str, text: &str) -> Result<Timestamp, ControlError> {
    let millis = || text.parse::<i64>().ok().map(|millis| Timestamp::from_micros(millis.saturating_mul(1000)));
    Timestamp::parse_rfc3339(text).or_else(millis).ok_or_else(|| {
        invalid(&format!("{what} must be a moment like 2026-11-25T08:00:00Z, or milliseconds since the epoch"))
    })
}

/// How many there may be on a page.
pub(in crate::control::local) fn limit(limit: usize) -> Result<(), ControlError> {
    if (1..=1000).contains(&limit) { Ok(()) } else { Err(invalid("limit must be from 1 to 1000")) }
}

/// Where a page begins.
pub(in crate::control::local) fn cursor(before: Option<&str>) -> Result<Option<ExchangeId>, ControlError> {
    before.map(str::parse).transpose().map_err(|_| invalid("before must be the id of a request"))
}

/// Which requests are meant.
pub(in crate::control::local) fn filter(typed: &RequestFilter, called: &Called) -> Result<Filter, ControlError> {
    let (success, outcome) = match typed.status.as_deref() {
        None | Some("all") => (None, None),
        Some("success") => (Some(true), None),
        Some("error") => (Some(false), None),
        Some(word) => (None, Some(outcome(word)?)),
    };
    let names =
        |list: &Option<String>| list.as_deref().map(|list| words(list).map(|word| word.map(Arc::from)).collect());
    Ok(Filter {
        accounts: typed.accounts.as_deref().map(|list| ids(list, &called.accounts)),
        client_keys: typed.client_keys.as_deref().map(|list| ids(list, &called.client_keys)),
        models: names(&typed.models),
        agents: names(&typed.agents),
        outcome,
        success,
    })
}

fn outcome(word: &str) -> Result<Outcome, ControlError> {
    let all = [Outcome::Answered, Outcome::Failed, Outcome::Cut, Outcome::Cancelled, Outcome::Interrupted];
    let known = all.into_iter().find(|outcome| outcome.as_str() == word);
    known.ok_or_else(|| invalid("status must be all, success, error, answered, failed, cut, cancelled or interrupted"))
}

/// What is between the commas; `None` is what stands for nothing.
fn words(list: &str) -> impl Iterator<Item = Option<&str>> {
    const NOTHING: [&str; 5] = ["none", "no_account", "no_key", "no_agent", "unknown"];
    let words = list.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(|word| (!NOTHING.contains(&word)).then_some(word))
}

/// All that are called so, by id first; several may have had the same name. Nobody is called what nobody is called.
fn ids<I: Copy + Eq + Hash + FromStr>(list: &str, called: &HashMap<I, Arc<str>>) -> Vec<Option<I>> {
    let mut found = Vec::new();
    for word in words(list) {
        let Some(word) = word else {
            found.push(None);
            continue;
        };
        match word.parse::<I>() {
            Ok(id) => found.push(Some(id)),
            Err(_) => found.extend(called.iter().filter(|(_, name)| ***name == *word).map(|(id, _)| Some(*id))),
        }
    }
    found
}

fn invalid(message: &str) -> ControlError {
    ControlError::Invalid(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000 + 3 * 3600 + 125);

    fn asked(query: &AnalyticsQuery) -> Result<Asked, ControlError> {
        Asked::understand(query, Filter::default(), NOW, Kept::default())
    }

    fn ranged(range: &str) -> Asked {
        asked(&AnalyticsQuery { range: Some(range.into()), ..AnalyticsQuery::default() }).expect("a range")
    }

    #[test]
    fn a_named_range_is_whole_buckets_and_the_last_one_is_running() {
        for (range, length, bucket) in RANGES {
            let question = ranged(range).question;
            assert_eq!((question.to.0 - question.from.0, question.bucket), (length, bucket), "{range}");
            assert_eq!(question.from, question.from.floor(bucket), "{range}");
            let now = Minute::of(NOW);
            assert!(question.to > now && question.to.0 - now.0 <= bucket, "{range}");
        }
    }

    #[test]
    fn the_time_before_ends_where_this_one_has_come() {
        let day = ranged("24h");
        let before = day.previous();
        assert_eq!(before.from + DAY, day.question.from);
        assert_eq!(before.to + DAY, Minute::of(NOW) + 1);
    }

    #[test]
    fn a_time_of_ones_own_has_fitting_buckets_as_long_as_they_are_kept() {
        let at = |minutes: u32| Some((NOW - std::time::Duration::from_secs(u64::from(minutes) * 60)).to_string());
        for (length, bucket) in [(60, 1), (360, 5), (DAY, 60), (20 * DAY, DAY)] {
            let query = AnalyticsQuery { from: at(length), ..AnalyticsQuery::default() };
            assert_eq!(asked(&query).expect("a time").question.bucket, bucket);
        }
        let kept = Kept { minutes: Minute::of(NOW) - 30, hours: Minute(0), days: Minute(0) };
        let query = AnalyticsQuery { from: at(60), ..AnalyticsQuery::default() };
        let asked = Asked::understand(&query, Filter::default(), NOW, kept).expect("a time");
        assert_eq!(asked.question.bucket, 60);
    }

    #[test]
    fn a_time_whose_minutes_are_gone_is_answered_by_the_hours_around_it_and_later_by_the_days() {
        let now = Minute::of(NOW).floor(DAY) + 715;
        for (hours, bucket) in [(Minute(0), 60), (now, DAY)] {
            let kept = Kept { minutes: now, hours, days: Minute(0) };
            let at = |minute: Minute| Some(minute.start().to_string());
            let query =
                AnalyticsQuery { from: at(now - (DAY + 50)), to: at(now - (DAY + 20)), ..AnalyticsQuery::default() };
            let question = Asked::understand(&query, Filter::default(), NOW, kept).expect("a time").question;
            let start = (now - (DAY + 50)).floor(bucket);
            assert_eq!((question.from, question.to, question.bucket), (start, start + bucket, bucket));
            let [stretch] = &question.stretches(kept)[..] else { panic!("one piece") };
            assert_eq!(stretch.minutes, start..start + bucket);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        let wrong = |query: AnalyticsQuery| asked(&query).expect_err("refused").to_string();
        let text = |text: &str| Some(text.to_owned());
        let query = AnalyticsQuery::default;
        assert!(wrong(AnalyticsQuery { range: text("2h"), ..query() }).contains("1h, 6h"));
        assert!(wrong(AnalyticsQuery { mode: text("odd"), ..query() }).contains("cumulative"));
        assert!(wrong(AnalyticsQuery { from: text("monday"), ..query() }).contains("2026-11-25T08:00:00Z"));
        assert!(wrong(AnalyticsQuery { from: text("1800000000000"), to: text("1"), ..query() }).contains("before"));
        assert!(wrong(AnalyticsQuery { to: text("1"), ..query() }).contains("needs from"));
        let odd = RequestFilter { status: text("odd"), ..RequestFilter::default() };
        assert!(filter(&odd, &Called::default()).expect_err("refused").to_string().contains("success"));
    }

    #[test]
    fn names_are_looked_up_and_a_name_that_nobody_has_lets_nothing_through() {
        let mut called = Called::default();
        let [old, new] = [1, 2].map(|byte| crate::domain::AccountId::from_bytes([byte; 16]));
        called.accounts.extend([(old, "work".into()), (new, "work".into())]);
        let typed = |list: &str| RequestFilter { accounts: Some(list.into()), ..RequestFilter::default() };
        let both = filter(&typed("work, no_account"), &called).expect("a filter").accounts.expect("accounts");
        assert_eq!(both.len(), 3);
        assert!(both.contains(&None) && both.contains(&Some(old)) && both.contains(&Some(new)));
        assert_eq!(filter(&typed("nobody"), &called).expect("a filter").accounts, Some(vec![]));
    }
}
