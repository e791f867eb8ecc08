//! The screens, in the order of their numbers.

/// A screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Screen {
    Overview,
    Accounts,
    Requests,
    Analytics,
    Stats,
    Logs,
    Agents,
    Settings,
    Keys,
}

impl Screen {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Overview,
        Self::Accounts,
        Self::Requests,
        Self::Analytics,
        Self::Stats,
        Self::Logs,
        Self::Agents,
        Self::Settings,
        Self::Keys,
    ];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Accounts => "Accounts",
            Self::Requests => "Requests",
            Self::Analytics => "Analytics",
            Self::Stats => "Stats",
            Self::Logs => "Logs",
            Self::Agents => "Agents",
            Self::Settings => "Settings",
            Self::Keys => "Keys",
        }
    }

    /// The key that leads to it.
    pub(crate) fn number(self) -> String {
        (Self::ALL.iter().position(|screen| *screen == self).unwrap_or(0) + 1).to_string()
    }

    /// The one so many further on, round and round.
    pub(crate) fn neighbour(self, step: isize) -> Self {
        let count = Self::ALL.len();
        let at = Self::ALL.iter().position(|screen| *screen == self).unwrap_or(0);
        Self::ALL[at.wrapping_add_signed(step + count as isize) % count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_round_in_both_directions() {
        let last = Screen::ALL[Screen::ALL.len() - 1];
        assert_eq!((Screen::Overview.neighbour(-1), last.neighbour(1)), (last, Screen::Overview));
        let round = Screen::ALL.iter().fold(Screen::Overview, |screen, _| screen.neighbour(1));
        assert_eq!(round, Screen::Overview);
    }
}
