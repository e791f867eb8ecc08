//! Numbers over time.

use std::collections::BTreeMap;

use ccflare_core::{
    control::views::{AnalyticsView, DayCost, PointView},
    domain::{NanoUsd, Timestamp},
    report::{At, Count, Money, Rate, Took},
};
use maud::Markup;

use super::sums::percent;
use crate::components::chart::{Chart, Kind, Series, round_moments, spaced};

/// Something that can be shown over time.
pub(in crate::pages) struct Metric {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    kind: Kind,
    value: fn(&PointView) -> Option<f64>,
    print: fn(f64) -> String,
    unit: f64,
}

/// What the chart can show.
pub(super) const METRICS: [Metric; 5] = [
    Metric {
        name: "requests",
        title: "Requests",
        kind: Kind::Columns,
        value: |point| Some(point.requests as f64),
        print: count,
        unit: 1.0,
    },
    Metric {
        name: "tokens",
        title: "Tokens",
        kind: Kind::Columns,
        value: |point| Some(point.tokens as f64),
        print: count,
        unit: 1.0,
    },
    Metric {
        name: "cost",
        title: "Cost",
        kind: Kind::Columns,
        value: |point| Some(point.cost_usd),
        print: dollars,
        unit: 0.0,
    },
    Metric {
        name: "time",
        title: "Time",
        kind: Kind::Line,
        value: |point| point.avg_response_time,
        print: took,
        unit: 0.0,
    },
    Metric {
        name: "speed",
        title: "Tokens a second",
        kind: Kind::Line,
        value: |point| point.avg_tokens_per_second,
        print: rate,
        unit: 0.0,
    },
];

/// The metric of this name, or the first one.
pub(super) fn metric(name: &str) -> &'static Metric {
    METRICS.iter().find(|metric| metric.name == name).unwrap_or(&METRICS[0])
}

fn count(value: f64) -> String {
    Count(value as u64).to_string()
}

pub(super) fn dollars(value: f64) -> String {
    Money(NanoUsd((value.max(0.0) * 1e9).round() as u64)).to_string()
}

fn took(value: f64) -> String {
    Took::from_millis(value).to_string()
}

fn rate(value: f64) -> String {
    Rate(value).to_string()
}

fn share(value: f64) -> String {
    percent(value).to_string()
}

/// The one chart that can show everything.
pub(in crate::pages) fn traffic(sums: &AnalyticsView, name: &str) -> Markup {
    let metric = metric(name);
    let cumulative = sums.meta.cumulative && metric.kind == Kind::Columns;
    let kind = if cumulative { Kind::Area } else { metric.kind };
    let scale = Scale { least: (0.0, 0.0), unit: metric.unit, print: metric.print };
    draw(sums, metric.title, kind, scale, metric.value)
}

/// The part that ended well.
pub(in crate::pages) fn success(sums: &AnalyticsView) -> Markup {
    let scale = Scale { least: (lowest(sums, |point| point.success_rate), 100.0), unit: 0.0, print: share };
    draw(sums, "Success", Kind::Line, scale, |point| point.success_rate)
}

/// The part of the prompts that the cache had.
pub(super) fn cached(sums: &AnalyticsView) -> Markup {
    let scale = Scale { least: (0.0, 100.0), unit: 0.0, print: share };
    draw(sums, "Read from the cache", Kind::Area, scale, |point| point.cache_hit_rate)
}

/// Where an axis of percentages begins: at 80 while nothing is lower, or it would be a flat line at the top.
fn lowest(sums: &AnalyticsView, value: fn(&PointView) -> Option<f64>) -> f64 {
    let lowest = sums.time_series.iter().filter_map(value).fold(100.0, f64::min);
    if lowest >= 80.0 { 80.0 } else { 0.0 }
}

/// What each day cost.
pub(super) fn days(days: &[DayCost]) -> Markup {
    let labels: Vec<_> = days.iter().map(|day| day.date.clone()).collect();
    let values = days.iter().map(|day| Some(day.cost_usd)).collect();
    let series = [Series { name: "Cost".to_owned(), colour: 0, values }];
    let axis: Vec<_> = spaced(days.len(), 6).map(|at| (at, short(&days[at].date))).collect();
    let (about, kind) = ("Cost by day", Kind::Columns);
    Chart { about, kind, labels: &labels, axis: &axis, series: &series, print: dollars, least: (0.0, 0.0), unit: 0.0 }
        .draw()
}

/// `2027-01-15` without its year.
fn short(date: &str) -> String {
    At::parse(&format!("{date}T00:00:00Z")).map_or_else(|| date.to_owned(), |day| parts(day).0)
}

/// Day and time of a moment.
fn parts(moment: At) -> (String, String) {
    let text = moment.to_string();
    let (day, time) = text.rsplit_once(' ').unwrap_or((&text, ""));
    (day.to_owned(), time.get(..5).unwrap_or(time).to_owned())
}

fn moment(millis: i64) -> At {
    At(Timestamp::from_micros(millis.saturating_mul(1000)))
}

/// What the axis of values is like.
struct Scale {
    least: (f64, f64),
    unit: f64,
    print: fn(f64) -> String,
}

fn draw(
    sums: &AnalyticsView,
    about: &str,
    kind: Kind,
    Scale { least, unit, print }: Scale,
    value: fn(&PointView) -> Option<f64>,
) -> Markup {
    let (moments, series) = lines(sums, about, value);
    let labels: Vec<_> = moments.iter().map(|moment| label(*moment, sums)).collect();
    let axis: Vec<_> = round_moments(&moments, 6).into_iter().map(|at| (at, axis_label(moments[at]))).collect();
    Chart { about, kind, labels: &labels, axis: &axis, series: &series, print, least, unit }.draw()
}

/// Most lines in one chart; the rest are left to the tables.
const LINES: usize = 7;

/// Values by their moments.
type Values = BTreeMap<i64, Option<f64>>;

/// One series, or one for each model, the busiest first.
fn lines(sums: &AnalyticsView, about: &str, value: fn(&PointView) -> Option<f64>) -> (Vec<i64>, Vec<Series>) {
    let mut moments: Vec<i64> = sums.time_series.iter().map(|point| point.ts).collect();
    moments.sort_unstable();
    moments.dedup();
    let mut models: BTreeMap<Option<&str>, (u64, Values)> = BTreeMap::new();
    for point in &sums.time_series {
        let (requests, values) = models.entry(point.model.as_deref()).or_default();
        *requests += point.requests;
        values.insert(point.ts, value(point));
    }
    let mut models: Vec<_> = models.into_iter().collect();
    models.sort_by_key(|(_, (requests, _))| std::cmp::Reverse(*requests));
    let series = models.into_iter().take(LINES).enumerate().map(|(colour, (model, (_, values)))| Series {
        name: model.unwrap_or(about).to_owned(),
        colour,
        values: moments.iter().map(|moment| values.get(moment).copied().flatten()).collect(),
    });
    let series = series.collect();
    (moments, series)
}

/// As much of a moment as tells it from the others, in UTC.
fn label(millis: i64, sums: &AnalyticsView) -> String {
    const DAY: u64 = 86_400_000;
    let (day, time) = parts(moment(millis));
    if sums.meta.bucket_ms < DAY { format!("{day} {time}") } else { day }
}

/// The time, or at midnight the day.
fn axis_label(millis: i64) -> String {
    let (day, time) = parts(moment(millis));
    if time == "00:00" { day } else { time }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::analytics::tests::sums;

    #[test]
    fn each_model_has_a_line_and_the_busiest_is_first() {
        let mut sums = sums();
        sums.time_series[0].model = Some("a".into());
        sums.time_series[1].model = Some("b".into());
        let (moments, series) = lines(&sums, "Requests", |point| Some(point.requests as f64));
        assert_eq!(moments.iter().map(|at| label(*at, &sums)).collect::<Vec<_>>(), ["15 Jan 08:00", "15 Jan 09:00"]);
        assert_eq!((axis_label(1_800_000_000_000), axis_label(1_800_057_600_000)), ("08:00".into(), "16 Jan".into()));
        let seen: Vec<_> = series.iter().map(|series| (series.name.as_str(), series.values.clone())).collect();
        assert_eq!(seen, [("b", vec![None, Some(20.0)]), ("a", vec![Some(10.0), None])]);
    }

    #[test]
    fn the_axis_of_success_shows_what_there_is_to_see() {
        let mut sums = sums();
        assert!((lowest(&sums, |point| point.success_rate) - 80.0).abs() < f64::EPSILON);
        sums.time_series[0].success_rate = Some(20.0);
        assert!(lowest(&sums, |point| point.success_rate).abs() < f64::EPSILON);
    }

    #[test]
    fn an_unknown_metric_is_the_first_one() {
        assert_eq!((metric("").name, metric("cost").name, metric("x").name), ("requests", "cost", "requests"));
    }
}
