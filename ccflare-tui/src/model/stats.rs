//! Everything since the statistics began.

use ccflare_core::control::views::StatsView;

use super::{Effect, Form, Kind, Model, Purpose, scrolled};
use crate::keys::Command;

/// The statistics, and how far they are scrolled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stats {
    pub(crate) view: Option<StatsView>,
    pub(crate) scroll: usize,
}

/// What is to be typed before everything is forgotten.
pub(crate) const RESET: &str = "reset";

impl Model {
    pub(crate) fn obey_in_stats(&mut self, command: Command) -> Vec<Effect> {
        if command != Command::Reset {
            self.stats.scroll = scrolled(self.stats.scroll, command, self.size.1);
            return Vec::new();
        }
        let form = Form::of_one("Begin anew".to_owned(), "Type", Kind::Text(String::new()), Purpose::Reset);
        let says = format!(
            "All finished requests are forgotten, with what they carried and add up to; accounts stay. There is no way \
             back. To do it, type: {RESET}"
        );
        self.ask(Form { says, submit: "Forget all", ..form })
    }
}
