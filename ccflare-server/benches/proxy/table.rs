//! The table: what was measured, how it compares, and whether that is what was aimed for.

use std::fmt;

use comfy_table::{CellAlignment, Table, presets};

use crate::measure::Rounds;

/// What a figure counts.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Per second; more is better.
    PerSecond,
    /// Microseconds.
    Micros,
    /// Milliseconds.
    Millis,
    /// Bytes, shown as MiB.
    Memory,
    /// How many times something else.
    Times,
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Self::PerSecond => format!("{figure:.0} /s"),
            Self::Micros => format!("{figure:.1} us"),
            Self::Millis => format!("{figure:.2} ms"),
            Self::Memory => format!("{:.1} MiB", figure / 1024.0 / 1024.0),
            Self::Times => format!("{figure:.2}x"),
        }
    }
}

/// How ccflare's figure is set against the bare proxy's.
#[derive(Clone, Copy, Debug)]
pub enum Compare {
    /// Divided by it.
    Ratio,
    /// What it adds to it.
    Added,
    /// Not at all: it is judged by itself.
    Alone,
}

/// What is aimed for.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Target {
    fn verdict(self, figure: f64) -> &'static str {
        let reached = match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        };
        if reached { "reached" } else { "not reached" }
    }
}

/// One line of the table.
#[derive(Debug)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// What its figures count.
    pub unit: Unit,
    /// Without a proxy.
    pub direct: Option<Rounds>,
    /// Through the bare proxy.
    pub bare: Rounds,
    /// Through ccflare.
    pub ccflare: Rounds,
    /// How the two are compared.
    pub compare: Compare,
    /// What the comparison should come to.
    pub target: Option<Target>,
}

impl Row {
    fn compared(&self) -> Rounds {
        self.ccflare.against(&self.bare, |mine, theirs| match self.compare {
            Compare::Ratio => mine / theirs,
            Compare::Added => mine - theirs,
            Compare::Alone => mine,
        })
    }

    fn show_compared(&self, figure: f64) -> String {
        match self.compare {
            Compare::Ratio => format!("{figure:.2}x"),
            Compare::Added => format!("{}{}", if figure < 0.0 { "" } else { "+" }, self.unit.show(figure)),
            Compare::Alone => self.unit.show(figure),
        }
    }

    fn cells(&self) -> [String; 7] {
        let compared = self.compared();
        let (least, most) = compared.spread();
        let (target, verdict) = match self.target {
            Some(target @ Target::AtLeast(least)) => {
                (format!(">= {}", self.show_compared(least)), target.verdict(compared.median()))
            }
            Some(target @ Target::AtMost(most)) => {
                (format!("<= {}", self.show_compared(most)), target.verdict(compared.median()))
            }
            None => (String::new(), ""),
        };
        [
            self.what.clone(),
            self.direct.as_ref().map(|direct| self.unit.show(direct.median())).unwrap_or_default(),
            self.unit.show(self.bare.median()),
            self.unit.show(self.ccflare.median()),
            format!(
                "{} ({}..{})",
                self.show_compared(compared.median()),
                self.show_compared(least),
                self.show_compared(most)
            ),
            target,
            verdict.to_owned(),
        ]
    }
}

/// A scenario's lines, to be shown.
#[derive(Debug)]
pub struct Rows<'a> {
    /// The lines.
    pub rows: &'a [Row],
    /// What is compared.
    pub between: (&'static str, &'static str),
}

impl fmt::Display for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        let (first, second) = self.between;
        let against = format!("against {first} (min..max)");
        table.set_header(["", "direct", first, second, &against, "target", ""]);
        table.add_rows(self.rows.iter().map(Row::cells));
        for column in table.column_iter_mut().skip(1).take(4) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(f, "{table}")
    }
}
