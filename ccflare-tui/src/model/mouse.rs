//! What a mouse does.

use super::{Effect, Model};
use crate::{keys::Command, screens};

/// A button or the wheel, at a column and a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Click {
    Press(usize, usize),
    WheelUp,
    WheelDown,
}

impl Model {
    pub(crate) fn clicked(&mut self, click: Click) -> Vec<Effect> {
        match click {
            Click::WheelUp => self.obey(Command::Up),
            Click::WheelDown => self.obey(Command::Down),
            Click::Press(x, y) => self.pressed(x, y),
        }
    }

    /// A tab is gone to, a key at the bottom is pressed, a row is chosen, and the chosen row is opened.
    fn pressed(&mut self, x: usize, y: usize) -> Vec<Effect> {
        if let Some(command) = screens::command_at(self, x, y) {
            return self.obey(command);
        }
        let Some(row) = screens::row_at(self, y) else { return Vec::new() };
        let (is_chosen, opens) = match self.screen {
            super::Screen::Accounts => (choose(&mut self.accounts, row), false),
            super::Screen::Requests => (choose(self.requests.in_sight(), row), true),
            super::Screen::Agents => (choose(&mut self.agents.shelf, row), true),
            super::Screen::Settings => (choose(&mut self.settings.shelf, row), true),
            super::Screen::Keys => (choose(&mut self.client_keys.shelf, row), false),
            _ => return Vec::new(),
        };
        if is_chosen && opens { self.obey(Command::Open) } else { Vec::new() }
    }
}

/// Chooses a row; whether it was chosen already.
fn choose<T: super::Item>(shelf: &mut super::Shelf<T>, row: usize) -> bool {
    let was = shelf.position();
    shelf.go(row);
    was == row
}
