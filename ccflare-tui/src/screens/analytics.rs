//! What requests add up to: one number over time, and sums by model, account, agent, client key or day.

use std::time::Duration;

use ccflare_core::{
    control::views::{AnalyticsView, GroupView, PointView, TotalsView},
    domain::NanoUsd,
    report::{At, Change, Count, Known, Left, Money, Rate, Share, Took},
};

use crate::{
    model::{Analytics, Group, Metric, Model, RANGES},
    theme::Role,
    widgets::{Canvas, Cell, Column, Series, axes, bar, columns, cut, plot, round_up, table, wide},
};

/// More models than these have no colour of their own.
const MODELS: usize = 5;

pub(super) fn draw(model: &Model, canvas: &Canvas<'_>) {
    let shown = &model.analytics;
    choice(shown, canvas);
    let Some(view) = &shown.view else {
        canvas.put(1, 2, Role::Muted, "asking …");
        return;
    };
    summary(&view.totals, &canvas.area(0, 1, canvas.width(), 1));
    let rest = canvas.below(2);
    let height = (rest.height() / 2).max(6).min(rest.height());
    chart(shown, view, &rest.area(0, 0, rest.width(), height));
    groups(shown.group, view, &rest.below(height));
}

/// Which time, which number, by what: with what could be chosen instead.
fn choice(shown: &Analytics, canvas: &Canvas<'_>) {
    let mut x = ranges(shown.range, canvas) + 2;
    let kind = match (shown.is_cumulative, shown.by_model) {
        (true, true) => ", summed up, by model",
        (true, false) => ", summed up",
        (false, true) => ", by model",
        (false, false) => "",
    };
    x = canvas.line(x, 0, &[(Role::Accent, shown.metric.title()), (Role::Muted, kind)]);
    let filter = shown.filtered_by();
    if !filter.is_empty() {
        let room = canvas.width().saturating_sub(x + 2);
        canvas.right(0, Role::Warning, &cut(&filter, room));
    }
}

/// The times, the chosen one marked; returns the column behind them.
pub(super) fn ranges(chosen: usize, canvas: &Canvas<'_>) -> usize {
    RANGES.iter().enumerate().fold(0, |x, (number, range)| {
        let role = if number == chosen { Role::Chosen } else { Role::Muted };
        canvas.put(x, 0, role, &format!(" {range} "))
    })
}

pub(super) fn percent(rate: Option<f64>) -> Known<Share> {
    Known(rate.map(|rate| Share::new(rate / 100.0)))
}

pub(super) fn took(millis: Option<f64>) -> Known<Took> {
    Known(millis.map(Took::from_millis))
}

pub(super) fn money(nanos: u64) -> Money {
    Money(NanoUsd(nanos))
}

/// From dollars, where a view has nothing more exact.
pub(super) fn dollars(dollars: f64) -> Money {
    Money(NanoUsd((dollars.max(0.0) * 1e9).round() as u64))
}

fn summary(totals: &TotalsView, canvas: &Canvas<'_>) {
    let times = [totals.p50_response_time, totals.p95_response_time, totals.p99_response_time].map(took);
    let [p50, p95, p99] = times;
    let pieces = [
        format!("{} requests", Count(totals.requests)),
        format!(" · {} ok", percent(totals.success_rate)),
        format!(" · {}", money(totals.cost_nano_usd)),
        format!(" · p50 {p50} p95 {p95} p99 {p99}"),
        format!(" · out {}", Known(totals.avg_tokens_per_second.map(Rate))),
        format!(" · {} cached", percent(totals.cache_hit_rate)),
    ];
    // A number without its end would be another one.
    pieces
        .iter()
        .fold(0, |x, piece| if x + wide(piece) > canvas.width() { x } else { canvas.put(x, 0, Role::Plain, piece) });
}

/// How a number stands to the time before: good news, bad news, or neither.
pub(super) fn change(before: Option<f64>, now: Option<f64>, more_is_better: Option<bool>) -> (Role, String) {
    let (Some(before), Some(now)) = (before, now) else { return (Role::Muted, String::new()) };
    let change = Change::new(before, now);
    if change.direction().is_none() {
        return (Role::Muted, String::new());
    }
    let role = match (change.direction(), more_is_better) {
        (Some(direction), Some(more)) if direction.is_ne() => {
            if direction.is_gt() == more {
                Role::Good
            } else {
                Role::Bad
            }
        }
        _ => Role::Muted,
    };
    (role, change.to_string())
}

/// The number over time: bars for what adds up, lines for the rest.
fn chart(shown: &Analytics, view: &AnalyticsView, canvas: &Canvas<'_>) {
    let names = models(shown, view);
    let canvas = legend(&names, canvas);
    let lines: Vec<_> = names.iter().map(|name| values(shown.metric, &view.time_series, name.as_deref())).collect();
    draw_values(shown.metric, &lines, view, &canvas);
}

/// Draws one or more rows of values of a metric over the time of `view`.
pub(super) fn draw_values(metric: Metric, lines: &[Vec<Option<f64>>], view: &AnalyticsView, canvas: &Canvas<'_>) {
    let (from, to) = (moment(&view.meta.from), moment(&view.meta.to));
    let says = |number: f64| metric.says(number);
    if !metric.is_sum() {
        let series = lines.iter().enumerate();
        let series = series.map(|(n, values)| Series { role: Role::of_series(n), values: values.clone() });
        return plot(canvas, &series.collect::<Vec<_>>(), says, (&from, &to));
    }
    let count = lines.first().map_or(0, Vec::len);
    // As many points a bar as there have to be; running sums are not added up once more.
    let each = count.div_ceil(canvas.width().saturating_sub(9).max(1)).max(1);
    let sum = |values: &[Option<f64>]| match view.meta.cumulative {
        true => values.iter().flatten().copied().fold(0.0, f64::max),
        false => values.iter().flatten().sum(),
    };
    let bars =
        |number: usize| lines.iter().map(move |values| sum(&values[number * each..((number + 1) * each).min(count)]));
    let stacks: Vec<Vec<f64>> = (0..count.div_ceil(each)).map(|number| bars(number).collect()).collect();
    let highest = stacks.iter().map(|stack| stack.iter().sum()).fold(0.0, f64::max);
    let top = round_up(highest);
    let each = Left(Duration::from_millis(view.meta.bucket_ms * each as u64));
    if let Some(inner) = axes(canvas, top, says, (&format!("{from}  a bar is {each}"), &to)) {
        columns(&inner, &stacks, top);
    }
}

/// A moment to the minute.
fn moment(text: &str) -> String {
    let at = At::parse(text).map(|at| at.to_string()).unwrap_or_default();
    at[..at.len().saturating_sub(3)].to_owned()
}

/// Whose values are drawn: all requests' (`None`), or the most used models'.
fn models(shown: &Analytics, view: &AnalyticsView) -> Vec<Option<String>> {
    if !shown.by_model {
        return vec![None];
    }
    view.model_distribution.iter().take(MODELS).map(|model| Some(model.model.clone())).collect()
}

/// The names in their colours, if there are any; returns what is below.
fn legend<'a>(names: &[Option<String>], canvas: &Canvas<'a>) -> Canvas<'a> {
    if names.iter().all(Option::is_none) {
        return canvas.clone();
    }
    names.iter().flatten().enumerate().fold(0, |x, (number, name)| {
        canvas.line(x, 0, &[(Role::of_series(number), "■ "), (Role::Plain, name), (Role::Plain, "  ")])
    });
    canvas.below(1)
}

/// The values of one model, or of all requests, at every moment of the series.
pub(super) fn values(metric: Metric, series: &[PointView], model: Option<&str>) -> Vec<Option<f64>> {
    let Some(model) = model else { return series.iter().map(|point| metric.of(point)).collect() };
    let mut moments: Vec<_> = series.iter().map(|point| point.ts).collect();
    moments.sort_unstable();
    moments.dedup();
    let at = |moment: &i64| {
        let point = series.iter().find(|point| point.ts == *moment && point.model.as_deref() == Some(model));
        point.map_or(metric.is_sum().then_some(0.0), |point| metric.of(point))
    };
    moments.iter().map(at).collect()
}

/// From this width on the classes of tokens stand beside the table.
const BESIDE: usize = 140;

const fn columns_with(bars: usize) -> [Column; 8] {
    [
        Column::growing("", 16),
        Column::text("", bars),
        Column::number("REQUESTS", 8),
        Column::number("COST", 8),
        Column::number("TOKENS", 7),
        Column::number("CACHED", 7).from(90),
        Column::number("ERRORS", 7),
        Column::number("P95", 8),
    ]
}

/// A row of the table, whatever it is by. `None` is not known for such rows.
struct Sums {
    name: String,
    requests: u64,
    cost: Money,
    tokens: Option<u64>,
    cache_hit_rate: Option<f64>,
    error_rate: Option<f64>,
    p95: Option<f64>,
}

fn groups(group: Group, view: &AnalyticsView, canvas: &Canvas<'_>) {
    let sums = sums(group, view);
    let beside = canvas.width() >= BESIDE;
    let width = if beside { canvas.width() * 2 / 3 } else { canvas.width() };
    let inner = canvas.area(0, 0, width - usize::from(beside), canvas.height());
    let inner = inner.titled(&format!("By {}", group.title()));
    if sums.is_empty() {
        inner.put(1, 0, Role::Muted, "no requests in this time");
        return;
    }
    let bars = if beside { 30 } else { 12 };
    let most = sums.iter().map(|sum| sum.requests).max().unwrap_or(0).max(1);
    table(&inner, &columns_with(bars), sums.len(), None, |number| row(&sums[number], most, bars, number));
    if beside {
        tokens(view, &canvas.area(width, 0, canvas.width() - width, canvas.height()).titled("Tokens"));
    }
}

/// The classes of tokens, which have their own prices.
fn tokens(view: &AnalyticsView, canvas: &Canvas<'_>) {
    let tokens = view.token_breakdown;
    let classes = [
        ("fresh input", tokens.input_tokens),
        ("from the cache", tokens.cache_read_input_tokens),
        ("written for 5 min", tokens.cache_creation5m_input_tokens),
        ("written for 1 h", tokens.cache_creation1h_input_tokens),
        ("output", tokens.output_tokens),
    ];
    let most = classes.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    for (y, (name, count)) in classes.into_iter().enumerate() {
        let room = canvas.width().saturating_sub(28);
        canvas.put(0, y, Role::Muted, name);
        canvas.put(19, y, Role::of_series(y), &bar(count as f64 / most as f64, room));
        canvas.right(y, Role::Plain, &Count(count).to_string());
    }
    canvas.put(0, 6, Role::Muted, &format!("saved by the cache {}", dollars(view.totals.cache_savings_usd)));
}

fn row(sums: &Sums, most: u64, bars: usize, number: usize) -> Vec<Cell> {
    let errors = sums.error_rate.unwrap_or(0.0);
    vec![
        (Role::Strong, sums.name.clone()),
        (Role::of_series(number), bar(sums.requests as f64 / most as f64, bars)),
        (Role::Plain, Count(sums.requests).to_string()),
        (Role::Plain, sums.cost.to_string()),
        (Role::Plain, Known(sums.tokens.map(Count)).to_string()),
        (Role::Plain, percent(sums.cache_hit_rate).to_string()),
        (if errors > 0.0 { Role::Bad } else { Role::Muted }, percent(sums.error_rate).to_string()),
        (Role::Plain, took(sums.p95).to_string()),
    ]
}

fn sums(group: Group, view: &AnalyticsView) -> Vec<Sums> {
    let of = |groups: &[GroupView]| groups.iter().map(of_group).collect();
    match group {
        Group::Account => of(&view.account_performance),
        Group::Agent => of(&view.agent_performance),
        Group::ClientKey => of(&view.client_key_performance),
        Group::Day => view
            .cost_by_day
            .iter()
            .rev()
            .map(|day| Sums {
                name: day.date.clone(),
                requests: day.requests,
                cost: dollars(day.cost_usd),
                tokens: Some(day.total_tokens),
                cache_hit_rate: None,
                error_rate: None,
                p95: None,
            })
            .collect(),
        Group::Model => view
            .model_performance
            .iter()
            .map(|model| {
                let cost = view.cost_by_model.iter().find(|cost| cost.model == model.model);
                Sums {
                    name: model.model.clone(),
                    requests: model.requests,
                    cost: dollars(cost.map_or(0.0, |cost| cost.cost_usd)),
                    tokens: cost.map(|cost| cost.total_tokens),
                    cache_hit_rate: None,
                    error_rate: model.error_rate,
                    p95: model.p95_response_time,
                }
            })
            .collect(),
    }
}

fn of_group(group: &GroupView) -> Sums {
    Sums {
        name: group.name.replace('_', " "),
        requests: group.requests,
        cost: money(group.cost_nano_usd),
        tokens: Some(group.total_tokens),
        cache_hit_rate: group.cache_hit_rate,
        error_rate: group.error_rate,
        p95: group.p95_response_time,
    }
}
