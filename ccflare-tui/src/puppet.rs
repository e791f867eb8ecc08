//! A face on a screen in memory: keys go in, and what stands on the screen comes out as text.

use std::time::{Duration, Instant};

use cursive::{
    Cursive, CursiveRunner, Vec2,
    backends::puppet::{
        Backend,
        observed::{GraphemePart, ObservedCell, ObservedScreen},
    },
    event::{Event, MouseButton, MouseEvent},
    reexports::crossbeam_channel::{Receiver, Sender},
};
use tokio::runtime::Handle;

use crate::app::{Face, open};

/// Nothing here takes this long unless it hangs.
const SOON: Duration = Duration::from_secs(20);

/// A face that nobody sits before. What it waits for and does not see within 20 seconds makes it panic, with the screen.
pub struct Puppet {
    pub(crate) runner: CursiveRunner<Cursive>,
    keys: Sender<Option<Event>>,
    frames: Receiver<ObservedScreen>,
    cells: Vec<Vec<Option<ObservedCell>>>,
}

impl std::fmt::Debug for Puppet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Puppet").finish_non_exhaustive()
    }
}

impl Puppet {
    /// Opens a face on so many columns and rows; what it asks for is done on `runtime`.
    #[must_use]
    pub fn open(face: Face, (columns, rows): (usize, usize), runtime: &Handle) -> Self {
        let backend = Backend::init(Some(Vec2::new(columns, rows)));
        let (keys, frames) = (backend.input(), backend.stream());
        let mut cursive = Cursive::new();
        open(&mut cursive, face, runtime);
        let mut runner = cursive.into_runner(backend);
        runner.refresh();
        Self { runner, keys, frames, cells: vec![vec![None; columns]; rows] }
    }

    /// Presses the keys of these characters, one after the other.
    pub fn type_in(&mut self, text: &str) {
        text.chars().for_each(|c| self.event(Event::Char(c)));
    }

    #[cfg(test)]
    pub(crate) fn press(&mut self, key: cursive::event::Key) {
        self.event(Event::Key(key));
    }

    /// Presses the mouse's left button there.
    pub fn click(&mut self, column: usize, row: usize) {
        let (position, event) = (Vec2::new(column, row), MouseEvent::Press(MouseButton::Left));
        self.event(Event::Mouse { offset: Vec2::zero(), position, event });
    }

    pub(crate) fn event(&mut self, event: Event) {
        // The backend at the other end lives as long as this.
        let _ = self.keys.send(Some(event));
        self.runner.step();
    }

    /// Waits until all of this is on the screen, and returns the screen.
    pub fn sees(&mut self, texts: &[&str]) -> String {
        self.until(&format!("{texts:?}"), |screen| texts.iter().all(|text| screen.contains(text)))
    }

    /// Waits until this is not on the screen.
    pub fn misses(&mut self, text: &str) -> String {
        self.until(&format!("no {text:?}"), |screen| !screen.contains(text))
    }

    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            self.runner.step();
            let screen = self.screen();
            if is_so(&screen) {
                return screen;
            }
            assert!(began.elapsed() < SOON, "waited for {what}, and this is what stands there:\n{screen}");
        }
    }

    /// Waits until nothing more comes by itself: who subscribes late hears nothing.
    #[cfg(test)]
    pub(crate) fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < 6 {
            quiet = if self.runner.step() { 0 } else { quiet + 1 };
        }
    }

    /// What stands on the screen now, line by line.
    pub fn screen(&mut self) -> String {
        // A frame has the cells that changed.
        while let Ok(frame) = self.frames.try_recv() {
            for (y, row) in self.cells.iter_mut().enumerate() {
                for (x, cell) in row.iter_mut().enumerate() {
                    if let Some(changed) = &frame[Vec2::new(x, y)] {
                        *cell = Some(changed.clone());
                    }
                }
            }
        }
        self.cells.iter().map(|row| line(row).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    /// Everything that is drawn, cell by cell.
    #[cfg(test)]
    pub(crate) fn cells(&mut self) -> Vec<ObservedCell> {
        self.screen();
        self.cells.iter().flatten().flatten().cloned().collect()
    }

    /// Tells the face of something, as the bridge does.
    #[cfg(test)]
    pub(crate) fn tell(&mut self, message: crate::model::Message) {
        crate::app::deliver(&mut self.runner, message);
        self.runner.refresh();
    }

    /// The row at which a text stands.
    #[cfg(test)]
    pub(crate) fn row_of(&mut self, text: &str) -> usize {
        let screen = self.screen();
        screen.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text:?} in\n{screen}"))
    }
}

/// The text of a row: a cell behind a wide character has none, any other is blank.
fn line(row: &[Option<ObservedCell>]) -> String {
    let mut text = String::new();
    let mut is_behind = false;
    for cell in row {
        match cell.as_ref().map(|cell| &cell.letter) {
            Some(GraphemePart::Begin(letter)) => {
                text.push_str(letter);
                is_behind = crate::widgets::wide(letter) > 1;
            }
            _ if is_behind => is_behind = false,
            _ => text.push(' '),
        }
    }
    text
}
