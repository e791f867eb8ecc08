//! Numbers over time: lines, areas, columns, columns on top of each other.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::{COLOURS, legend, round_ticks};

/// How a chart is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A line for each series; gaps where a value is unknown.
    Line,
    /// Lines with the room below them filled.
    Area,
    /// Columns, those of several series on top of each other.
    Columns,
}

/// Numbers of one colour, one for each label; `None` is unknown.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) colour: usize,
    pub(crate) values: Vec<Option<f64>>,
}

/// What is to be drawn.
pub(crate) struct Chart<'a> {
    /// What it shows: for screen readers and the table.
    pub(crate) about: &'a str,
    pub(crate) kind: Kind,
    /// One for each column.
    pub(crate) labels: &'a [String],
    /// Which columns the axis names, and how.
    pub(crate) axis: &'a [(usize, String)],
    pub(crate) series: &'a [Series],
    /// How a value prints.
    pub(crate) print: fn(f64) -> String,
    /// Where the axis begins and how far it reaches at least.
    pub(crate) least: (f64, f64),
    /// What can't be parted: ticks are multiples of it. 0 for what can.
    pub(crate) unit: f64,
}

/// The plot's own grid: it is stretched to the room there is.
const SIDE: f64 = 1000.0;

impl Chart<'_> {
    /// Draws it.
    pub(crate) fn draw(&self) -> Markup {
        if self.labels.is_empty() || self.series.iter().all(|series| series.values.iter().all(Option::is_none)) {
            return html! { p.nothing { "Nothing to draw in this range." } };
        }
        let ticks = round_ticks(self.least.0, self.highest().max(self.least.1), 4, self.unit);
        html! {
            figure.chart {
                @if self.series.len() > 1 {
                    (legend(self.series.iter().map(|series| (series.colour, series.name.as_str()))))
                }
                div.plot {
                    (self.scale(&ticks))
                    svg.canvas viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label=(self.about) {
                        @for tick in &ticks { (line(y(*tick, &ticks))) }
                        (self.marks(&ticks))
                        (self.columns())
                    }
                    (self.names())
                }
                (self.table())
            }
        }
    }

    fn highest(&self) -> f64 {
        let value = |series: &Series, at: usize| series.values.get(at).copied().flatten().unwrap_or(0.0);
        let top = |at| match self.kind {
            Kind::Columns => self.series.iter().map(|series| value(series, at)).sum(),
            Kind::Line | Kind::Area => self.series.iter().map(|series| value(series, at)).fold(0.0, f64::max),
        };
        (0..self.labels.len()).map(top).fold(0.0, f64::max)
    }

    fn scale(&self, ticks: &[f64]) -> Markup {
        html! {
            svg.scale aria-hidden="true" width="100%" height="100%" {
                @for tick in ticks {
                    text x="100%" y=(format!("{:.1}%", y(*tick, ticks) / 10.0)) { ((self.print)(*tick)) }
                }
            }
        }
    }

    fn names(&self) -> Markup {
        html! {
            svg.names aria-hidden="true" width="100%" height="100%" {
                @for (at, name) in self.axis {
                    text x=(format!("{:.1}%", self.x(*at) / 10.0)) y="70%" { (name) }
                }
            }
        }
    }

    /// The middle of a column; lines reach from edge to edge.
    fn x(&self, at: usize) -> f64 {
        let (count, at) = (self.labels.len() as f64, at as f64);
        match self.kind {
            Kind::Columns => (at + 0.5) / count * SIDE,
            Kind::Line | Kind::Area if count < 2.0 => SIDE / 2.0,
            Kind::Line | Kind::Area => at / (count - 1.0) * SIDE,
        }
    }

    fn marks(&self, ticks: &[f64]) -> Markup {
        html! {
            @if self.kind == Kind::Columns {
                (self.stacks(ticks))
            } @else {
                @for series in self.series {
                    @for run in self.runs(series, ticks) {
                        @if self.kind == Kind::Area { path class={ "area s" (series.colour % COLOURS) } d=(below(&run, ticks)) {} }
                        path class={ "line s" (series.colour % COLOURS) @if run.len() == 1 { " dot" } } d=(path(&run)) {}
                    }
                }
            }
        }
    }

    /// Points that hang together: an unknown value ends a run.
    fn runs(&self, series: &Series, ticks: &[f64]) -> Vec<Vec<(f64, f64)>> {
        let points: Vec<_> = series.values.iter().take(self.labels.len()).enumerate().collect();
        let runs = points.split(|(_, value)| value.is_none()).filter(|run| !run.is_empty());
        runs.map(|run| run.iter().map(|(at, value)| (self.x(*at), y(value.unwrap_or(0.0), ticks))).collect()).collect()
    }

    fn stacks(&self, ticks: &[f64]) -> Markup {
        let width = SIDE / self.labels.len() as f64;
        let mut paths = vec![String::new(); self.series.len()];
        for at in 0..self.labels.len() {
            let mut floor = 0.0;
            for (series, path) in self.series.iter().zip(&mut paths) {
                let value = series.values.get(at).copied().flatten().unwrap_or(0.0);
                if value > 0.0 {
                    let (bottom, top) = (y(floor, ticks), y(floor + value, ticks));
                    let (left, right) = (width * (at as f64 + 0.12), width * (at as f64 + 0.88));
                    // Writing to a string can't fail.
                    let _ = write!(path, "M{left:.1} {bottom:.1}V{top:.1}H{right:.1}V{bottom:.1}z");
                    floor += value;
                }
            }
        }
        html! { @for (series, path) in self.series.iter().zip(paths) { path class={ "fill s" (series.colour % COLOURS) } d=(path) {} } }
    }

    /// Something to point at, for each label.
    fn columns(&self) -> Markup {
        let width = SIDE / self.labels.len() as f64;
        html! {
            @for at in 0..self.labels.len() {
                rect.hit x=(format!("{:.1}", width * at as f64)) width=(format!("{width:.1}")) height="1000" {
                    title { (self.about_column(at)) }
                }
            }
        }
    }

    fn about_column(&self, at: usize) -> String {
        let mut text = self.labels[at].clone();
        for series in self.series {
            let value = series.values.get(at).copied().flatten();
            let value = value.map_or_else(|| "unknown".to_owned(), self.print);
            // Writing to a string can't fail.
            let _ = if self.series.len() > 1 {
                write!(text, "\n{}: {value}", series.name)
            } else {
                write!(text, ": {value}")
            };
        }
        text
    }

    fn table(&self) -> Markup {
        html! {
            details.numbers {
                summary { "The numbers" }
                div.scroll tabindex="0" role="region" aria-label={ (self.about) ": the numbers" } {
                    table {
                        caption.unseen { (self.about) }
                        thead { tr { th scope="col" { "Time" } @for series in self.series { th.number scope="col" { (series.name) } } } }
                        tbody {
                            @for (at, label) in self.labels.iter().enumerate() {
                                tr {
                                    th scope="row" { (label) }
                                    @for series in self.series {
                                        td.number { (series.values.get(at).copied().flatten().map_or_else(|| "–".to_owned(), self.print)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn y(value: f64, ticks: &[f64]) -> f64 {
    let (Some(low), Some(high)) = (ticks.first(), ticks.last()) else { return SIDE };
    SIDE - ((value - low) / (high - low)).clamp(0.0, 1.0) * SIDE
}

fn line(y: f64) -> Markup {
    PreEscaped(format!("<path class=\"grid\" d=\"M0 {y:.1}H1000\"/>"))
}

/// A single point is a dot: a line of no length with round ends.
fn path(run: &[(f64, f64)]) -> String {
    let mut text = String::new();
    for (at, (x, y)) in run.iter().enumerate() {
        let _ = write!(text, "{}{x:.1} {y:.1}", if at == 0 { "M" } else { "L" });
    }
    if run.len() == 1 { text + "h0.1" } else { text }
}

fn below(run: &[(f64, f64)], ticks: &[f64]) -> String {
    let floor = y(ticks.first().copied().unwrap_or(0.0).max(0.0), ticks);
    match (run.first(), run.last()) {
        (Some((first, _)), Some((last, _))) => format!("{}L{last:.1} {floor:.1}L{first:.1} {floor:.1}z", path(run)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, values: &[Option<f64>]) -> Series {
        Series { name: name.to_owned(), colour: 0, values: values.to_vec() }
    }

    fn draw(kind: Kind, series: &[Series]) -> String {
        let labels: Vec<_> = (0..3).map(|hour| format!("{hour}:00")).collect();
        let print = |value: f64| format!("{value}");
        Chart { about: "Requests", kind, labels: &labels, axis: &[], series, print, least: (0.0, 0.0), unit: 0.0 }
            .draw()
            .into_string()
    }

    #[test]
    fn a_line_goes_from_edge_to_edge_and_breaks_where_nothing_is_known() {
        let text = draw(Kind::Line, &[series("a", &[Some(0.0), Some(10.0), Some(5.0)])]);
        assert!(text.contains("d=\"M0.0 1000.0L500.0 0.0L1000.0 500.0\""), "{text}");
        let text = draw(Kind::Line, &[series("a", &[Some(10.0), None, Some(10.0)])]);
        assert!(text.contains("M0.0 0.0h0.1") && text.contains("M1000.0 0.0h0.1"), "two dots: {text}");
    }

    #[test]
    fn columns_stand_on_each_other_and_reach_the_sum() {
        let stacked = [series("a", &[Some(4.0), None, None]), series("b", &[Some(6.0), None, None])];
        let text = draw(Kind::Columns, &stacked);
        assert!(text.contains("1000.0V600.0") && text.contains("600.0V0.0"), "{text}");
        assert!(text.contains("<title>0:00\na: 4\nb: 6</title>"), "{text}");
    }

    #[test]
    fn the_numbers_are_in_a_table_and_unknown_is_no_nought() {
        let text = draw(Kind::Area, &[series("a", &[Some(1.5), None, Some(2.0)])]);
        assert!(text.contains("<th scope=\"row\">1:00</th><td class=\"number\">–</td>"), "{text}");
        assert!(text.contains("<title>1:00: unknown</title>"), "{text}");
    }

    #[test]
    fn of_nothing_no_chart_is_drawn() {
        assert!(!draw(Kind::Line, &[series("a", &[None, None, None])]).contains("<svg"));
        assert!(!draw(Kind::Line, &[]).contains("<svg"));
    }
}
