//! Colours: what each role looks like on terminals of 16 million, 256, 16 and no colours.

use cursive::{
    style::{BaseColor, BorderStyle, Color, ColorStyle, Effect, Palette, PaletteColor, Style},
    theme::Theme,
};

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colours {
    /// None: bold, underlined and reversed text alone.
    None,
    /// The sixteen that its owner chose.
    #[default]
    Sixteen,
    /// The cube of 256.
    Cube,
    /// All.
    True,
}

impl Colours {
    /// What the environment says; `variable` looks one up. `NO_COLOR` wins if it is there and not empty.
    #[must_use]
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let says = |name: &str| variable(name).unwrap_or_default();
        let terminal = says("TERM");
        if !says("NO_COLOR").is_empty() || terminal == "dumb" {
            Self::None
        } else if matches!(says("COLORTERM").as_str(), "truecolor" | "24bit") || terminal.ends_with("-direct") {
            Self::True
        } else if terminal.contains("256color") {
            Self::Cube
        } else {
            Self::Sixteen
        }
    }
}

/// What a piece of text is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    #[default]
    Plain,
    Muted,
    Strong,
    Accent,
    Good,
    Warning,
    Bad,
    Blue,
    Purple,
    Pink,
    /// The row that keys act on.
    Chosen,
    /// A key that can be pressed.
    Key,
}

impl Role {
    /// Distinct ones for the parts of a chart, in turn.
    pub(crate) fn of_series(number: usize) -> Self {
        const TURN: [Role; 6] = [Role::Accent, Role::Blue, Role::Good, Role::Purple, Role::Pink, Role::Warning];
        TURN[number % TURN.len()]
    }
}

impl Colours {
    /// How text of a role is printed.
    pub(crate) fn style(self, role: Role) -> Style {
        let coloured = Style::from(ColorStyle::front(self.colour(role)));
        match role {
            Role::Plain => Style::terminal_default(),
            Role::Strong => Style::terminal_default().combine(Effect::Bold),
            Role::Chosen => Style::terminal_default().combine(Effect::Reverse),
            Role::Accent | Role::Key => coloured.combine(Effect::Bold),
            Role::Bad if self == Self::None => coloured.combine(Effect::Bold),
            _ => coloured,
        }
    }

    fn colour(self, role: Role) -> Color {
        // All are readable on black and on white: nobody tells us which one it is.
        let (rgb, cube, base) = match role {
            Role::Plain | Role::Strong | Role::Chosen => return Color::TerminalDefault,
            Role::Muted => ((0x80, 0x80, 0x80), 244, Color::Light(BaseColor::Black)),
            Role::Accent | Role::Key => ((0xf3, 0x80, 0x20), 208, Color::Dark(BaseColor::Yellow)),
            Role::Good => ((0x10, 0xb9, 0x81), 36, Color::Dark(BaseColor::Green)),
            Role::Warning => ((0xd9, 0x8c, 0x0a), 172, Color::Dark(BaseColor::Yellow)),
            Role::Bad => ((0xef, 0x44, 0x44), 203, Color::Dark(BaseColor::Red)),
            Role::Blue => ((0x3b, 0x82, 0xf6), 69, Color::Dark(BaseColor::Blue)),
            Role::Purple => ((0x8b, 0x5c, 0xf6), 99, Color::Dark(BaseColor::Magenta)),
            Role::Pink => ((0xec, 0x48, 0x99), 205, Color::Dark(BaseColor::Cyan)),
        };
        match self {
            Self::None => Color::TerminalDefault,
            Self::Sixteen => base,
            Self::Cube => Color::from_256colors(cube),
            Self::True => Color::Rgb(rgb.0, rgb.1, rgb.2),
        }
    }

    /// What cursive's own views (the forms) look like.
    pub(crate) fn theme(self) -> Theme {
        let mut palette = Palette::terminal_default();
        palette[PaletteColor::TitlePrimary] = self.colour(Role::Accent);
        palette[PaletteColor::Secondary] = self.colour(Role::Accent);
        palette[PaletteColor::Tertiary] = self.colour(Role::Muted);
        palette[PaletteColor::Highlight] = self.colour(Role::Accent);
        palette[PaletteColor::HighlightInactive] = self.colour(Role::Muted);
        Theme { shadow: false, borders: BorderStyle::Simple, palette }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Colours {
        Colours::of(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_terminal_gets_the_colours_it_has() {
        assert_eq!(of(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Colours::True);
        assert_eq!(of(&[("TERM", "screen-256color")]), Colours::Cube);
        assert_eq!(of(&[("TERM", "linux")]), Colours::Sixteen);
        assert_eq!(of(&[("TERM", "dumb")]), Colours::None);
    }

    #[test]
    fn no_color_wins_unless_it_is_empty() {
        assert_eq!(of(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), Colours::None);
        assert_eq!(of(&[("NO_COLOR", ""), ("COLORTERM", "truecolor")]), Colours::True);
    }

    #[test]
    fn without_colours_no_role_has_one() {
        for role in [Role::Muted, Role::Accent, Role::Good, Role::Warning, Role::Bad, Role::Blue, Role::Key] {
            assert_eq!(Colours::None.colour(role), Color::TerminalDefault, "{role:?}");
        }
    }

    #[test]
    fn sixteen_colours_are_the_owners_own() {
        for role in [Role::Muted, Role::Accent, Role::Good, Role::Warning, Role::Bad, Role::Purple, Role::Pink] {
            assert!(matches!(Colours::Sixteen.colour(role), Color::Dark(_) | Color::Light(_)), "{role:?}");
        }
    }
}
