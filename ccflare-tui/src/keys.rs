//! The keys: one table, for what they do, for the bottom line and for the help.

use cursive::event::{Event, Key};

use crate::model::{Model, Screen};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Go(Screen),
    Next,
    Previous,
    Help,
    Back,
    Quit,
    Filter,
    Refresh,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Open,
    Session,
    Newer,
    Older,
    AddKey,
    AddLogin,
    Pause,
    Resume,
    Rename,
    Prioritize,
    Resize,
    LogInAgain,
    Remove,
    Renew,
    Metric,
    Group,
    Cumulative,
    ByModel,
    Select,
    Reset,
    Hold,
    Level,
    LogLevel,
    Unset,
    Reload,
    Strategy,
    All,
    Default,
}

/// Where a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Everywhere,
    /// Where one of a list is chosen.
    Lists,
    /// There, and where a text is longer than the screen.
    Texts,
    On(Screen),
}

impl Place {
    /// As a head of the help.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Lists => "Lists",
            Self::Texts => "Lists and texts",
            Self::On(screen) => screen.title(),
        }
    }

    fn holds(self, screen: Screen) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Lists => {
                matches!(
                    screen,
                    Screen::Accounts
                        | Screen::Requests
                        | Screen::Logs
                        | Screen::Agents
                        | Screen::Settings
                        | Screen::Keys
                )
            }
            Self::Texts => !matches!(screen, Screen::Overview | Screen::Analytics),
            Self::On(there) => there == screen,
        }
    }
}

/// A key and what it does.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) place: Place,
    /// How it is written.
    pub(crate) shown: &'static str,
    /// What the bottom line says; empty if it says nothing there.
    pub(crate) short: &'static str,
    /// What the help says.
    pub(crate) does: &'static str,
    events: &'static [Event],
    pub(crate) command: Command,
}

const fn on(
    place: Place,
    shown: &'static str,
    events: &'static [Event],
    command: Command,
    short: &'static str,
    does: &'static str,
) -> Binding {
    Binding { place, shown, short, does, events, command }
}

/// All keys but the screens' numbers, in the order of the help.
#[rustfmt::skip] // One line a key.
pub(crate) const BINDINGS: &[Binding] = {
    use Command as C;
    use Event::{Char, CtrlChar, Shift};
    use Place::{Everywhere, Lists, On, Texts};
    use Screen as S;
    &[
        on(Everywhere, "?", &[Char('?'), Event::Key(Key::F1)], C::Help, "help", "this help, and back (also F1)"),
        on(Everywhere, "Tab", &[Event::Key(Key::Tab)], C::Next, "", "the next screen"),
        on(Everywhere, "Shift-Tab", &[Shift(Key::Tab)], C::Previous, "", "the screen before"),
        on(Everywhere, "q", &[Char('q'), Event::Key(Key::Esc)], C::Back, "back", "one step back; from the overview, out (also Esc)"),
        on(Everywhere, "Q", &[Char('Q'), CtrlChar('c')], C::Quit, "", "leave at once (also Ctrl-C)"),
        on(Everywhere, "r", &[Char('r')], C::Refresh, "", "ask for everything anew"),
        on(Lists, "/", &[Char('/')], C::Filter, "filter", "show only what has these words in it; Esc ends it"),
        on(Texts, "↑", &[Event::Key(Key::Up), Char('k')], C::Up, "", "one up (also k, or the wheel)"),
        on(Texts, "↓", &[Event::Key(Key::Down), Char('j')], C::Down, "", "one down (also j, or the wheel)"),
        on(Texts, "PgUp", &[Event::Key(Key::PageUp)], C::PageUp, "", "a page up"),
        on(Texts, "PgDn", &[Event::Key(Key::PageDown)], C::PageDown, "", "a page down"),
        on(Texts, "g", &[Char('g'), Event::Key(Key::Home)], C::First, "", "to the beginning (also Home)"),
        on(Texts, "G", &[Char('G'), Event::Key(Key::End)], C::Last, "", "to the end (also End)"),
        on(On(S::Overview), "←", &[Event::Key(Key::Left)], C::Newer, "", "a shorter time"),
        on(On(S::Overview), "→", &[Event::Key(Key::Right)], C::Older, "time", "a longer time"),
        on(On(S::Accounts), "a", &[Char('a')], C::AddKey, "add", "add an account by its API key"),
        on(On(S::Accounts), "o", &[Char('o')], C::AddLogin, "login", "add an account by logging in (OAuth)"),
        on(On(S::Accounts), "p", &[Char('p')], C::Pause, "pause", "pause the account, or resume it"),
        on(On(S::Accounts), "u", &[Char('u')], C::Resume, "", "forget why the account is closed"),
        on(On(S::Accounts), "n", &[Char('n')], C::Rename, "name", "rename the account"),
        on(On(S::Accounts), "y", &[Char('y')], C::Prioritize, "order", "move the account in the order"),
        on(On(S::Accounts), "t", &[Char('t')], C::Resize, "tier", "state the account's size"),
        on(On(S::Accounts), "l", &[Char('l')], C::LogInAgain, "re-login", "log the account in again"),
        on(On(S::Accounts), "d", &[Char('d'), Event::Key(Key::Del)], C::Remove, "remove", "remove the account, after its name was typed (also Del)"),
        on(On(S::Requests), "Enter", &[Event::Key(Key::Enter)], C::Open, "detail", "one request with its attempts, and back"),
        on(On(S::Requests), "s", &[Char('s')], C::Session, "session", "the session it belongs to, its agents and its requests"),
        on(On(S::Requests), "←", &[Event::Key(Key::Left)], C::Newer, "", "in the detail: the newer request"),
        on(On(S::Requests), "→", &[Event::Key(Key::Right)], C::Older, "", "in the detail: the older request"),
        on(On(S::Analytics), "←", &[Event::Key(Key::Left)], C::Newer, "", "a shorter time"),
        on(On(S::Analytics), "→", &[Event::Key(Key::Right)], C::Older, "time", "a longer time"),
        on(On(S::Analytics), "m", &[Char('m')], C::Metric, "number", "another number over time: tokens, cost, times, errors, …"),
        on(On(S::Analytics), "b", &[Char('b')], C::Group, "by", "sums by model, account, agent, client key or day"),
        on(On(S::Analytics), "v", &[Char('v')], C::ByModel, "models", "each model for itself, or all in one"),
        on(On(S::Analytics), "c", &[Char('c')], C::Cumulative, "sum up", "running sums, or each time for itself"),
        on(On(S::Analytics), "f", &[Char('f')], C::Select, "filter", "which requests: accounts, models, agents, keys, status"),
        on(On(S::Stats), "x", &[Char('x')], C::Reset, "reset", "forget all requests and begin anew, after a word was typed"),
        on(On(S::Logs), "Space", &[Char(' ')], C::Hold, "pause", "keep back what comes, and go on"),
        on(On(S::Logs), "v", &[Char('v')], C::Level, "level", "show only lines as grave as this: error, warn, info, debug, all"),
        on(On(S::Logs), "L", &[Char('L')], C::LogLevel, "log level", "what the server logs, until its next start"),
        on(On(S::Agents), "Enter", &[Event::Key(Key::Enter), Char('e')], C::Open, "prefer", "prefer a model for the agent (also e)"),
        on(On(S::Agents), "u", &[Char('u')], C::Unset, "forget", "forget what is preferred for the agent"),
        on(On(S::Agents), "A", &[Char('A')], C::All, "for all", "prefer a model for every agent"),
        on(On(S::Agents), "D", &[Char('D')], C::Default, "default", "the model of agents that nothing else is preferred for"),
        on(On(S::Settings), "Enter", &[Event::Key(Key::Enter), Char('e')], C::Open, "change", "change the setting (also e)"),
        on(On(S::Settings), "s", &[Char('s')], C::Strategy, "strategy", "how accounts are chosen"),
        on(On(S::Settings), "u", &[Char('u')], C::Unset, "unset", "take the setting out of the file"),
        on(On(S::Settings), "R", &[Char('R')], C::Reload, "reload", "read the settings anew"),
        on(On(S::Keys), "a", &[Char('a')], C::AddKey, "make", "make a client key"),
        on(On(S::Keys), "x", &[Char('x')], C::Renew, "exchange", "exchange the key for another, after its name was typed"),
        on(On(S::Keys), "d", &[Char('d'), Event::Key(Key::Del)], C::Remove, "revoke", "revoke the key, after its name was typed (also Del)"),
    ]
};

/// What this key asks for on the screen that is shown.
pub(crate) fn command(model: &Model, key: &Event) -> Option<Command> {
    if let Event::Char(digit @ '1'..='9') = key {
        let number = *digit as usize - '1' as usize;
        return Screen::ALL.get(number).map(|screen| Command::Go(*screen));
    }
    let found = BINDINGS.iter().find(|binding| binding.place.holds(model.screen) && binding.events.contains(key));
    // Helps may be scrolled on screens that have no list.
    let in_help = || BINDINGS.iter().find(|binding| model.help.is_some() && binding.events.contains(key));
    found.or_else(in_help).map(|binding| binding.command)
}

/// What the bottom line shows: the screen's own keys first.
pub(crate) fn of_screen(screen: Screen) -> impl Iterator<Item = &'static Binding> {
    let is_own = |binding: &&Binding| matches!(binding.place, Place::On(_));
    let here = move || BINDINGS.iter().filter(move |binding| binding.place.holds(screen) && !binding.short.is_empty());
    here().filter(is_own).chain(here().filter(move |binding| !is_own(binding)))
}

/// The help's lines: where, key, what it does.
pub(crate) fn table() -> Vec<(&'static str, String, String)> {
    let mut lines = vec![];
    for screen in Screen::ALL {
        lines.push((Place::Everywhere.title(), screen.number(), format!("go to {}", screen.title())));
    }
    lines.extend(BINDINGS.iter().map(|key| (key.place.title(), key.shown.to_owned(), key.does.to_owned())));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_on_one_screen() {
        for screen in Screen::ALL {
            let here: Vec<_> = BINDINGS.iter().filter(|binding| binding.place.holds(screen)).collect();
            for (number, binding) in here.iter().enumerate() {
                let clash = here[..number].iter().find(|other| other.events.iter().any(|e| binding.events.contains(e)));
                assert!(clash.is_none(), "{} on {screen:?}: {clash:?}", binding.shown);
            }
        }
    }
}
