//! The terminal, taken and given back.

use std::{
    fs::File,
    io::{self, Write},
    mem::ManuallyDrop,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use cursive::{
    Vec2,
    backend::Backend,
    backends::crossterm::{self as backend, crossterm},
    event::Event,
    style::{Color, ColorPair, Effect},
};

/// The real terminal. It is given back when this is dropped, and what stood on it before stands there again: the
/// backend's own end would wipe it.
pub(crate) struct Terminal {
    backend: ManuallyDrop<Box<dyn Backend>>,
}

impl Terminal {
    /// Takes the terminal.
    ///
    /// # Errors
    /// If there is none, or it can't be set.
    pub(crate) fn take() -> io::Result<Self> {
        Ok(Self { backend: ManuallyDrop::new(backend::Backend::init()?) })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Whether this works can't be told anybody any more.
        let _ = give_back();
    }
}

fn give_back() -> io::Result<()> {
    use crossterm::{cursor, event, execute, style, terminal};
    let left = execute!(
        tty()?,
        style::SetAttribute(style::Attribute::Reset),
        style::ResetColor,
        event::DisableMouseCapture,
        terminal::LeaveAlternateScreen,
        cursor::Show
    );
    terminal::disable_raw_mode()?;
    left
}

fn tty() -> io::Result<File> {
    File::options().write(true).open(if cfg!(windows) { "CONOUT$" } else { "/dev/tty" })
}

/// Puts a text on the clipboard of the terminal's owner, also over SSH, where the terminal lets programs do that.
pub(crate) fn copy(text: &str) -> io::Result<()> {
    let mut tty = tty()?;
    write!(tty, "\x1b]52;c;{}\x07", BASE64_STANDARD.encode(text))?;
    tty.flush()
}

impl Backend for Terminal {
    fn poll_event(&mut self) -> Option<Event> {
        self.backend.poll_event()
    }

    fn set_title(&mut self, title: String) {
        self.backend.set_title(title);
    }

    fn refresh(&mut self) {
        self.backend.refresh();
    }

    fn has_colors(&self) -> bool {
        self.backend.has_colors()
    }

    fn screen_size(&self) -> Vec2 {
        self.backend.screen_size()
    }

    fn move_to(&self, position: Vec2) {
        self.backend.move_to(position);
    }

    fn print(&self, text: &str) {
        self.backend.print(text);
    }

    fn clear(&self, color: Color) {
        self.backend.clear(color);
    }

    fn set_color(&self, colors: ColorPair) -> ColorPair {
        self.backend.set_color(colors)
    }

    fn set_effect(&self, effect: Effect) {
        self.backend.set_effect(effect);
    }

    fn unset_effect(&self, effect: Effect) {
        self.backend.unset_effect(effect);
    }

    fn is_persistent(&self) -> bool {
        self.backend.is_persistent()
    }

    fn name(&self) -> &str {
        self.backend.name()
    }
}
