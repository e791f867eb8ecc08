//! Puts it together: a window that draws the model, forms over it, and what is done about what the model wants.

use std::{
    fmt,
    future::Future,
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    sync::{Arc, Mutex},
    thread,
};

use anyhow::{Context, Result, anyhow};
use ccflare_core::{clock::Clock, control::Control};
use cursive::{
    Cursive, Printer, Vec2, View,
    direction::Direction,
    event::{Event, EventResult, MouseButton, MouseEvent},
    view::{CannotFocus, Nameable},
    views::TextView,
};
use tokio::{runtime::Handle, sync::oneshot};

use crate::{
    bridge::{self, Bridge},
    model::{Click, Effect, Message, Model},
    screens,
    terminal::{self, Terminal},
    theme::Colours,
    widgets::{COMPLAINT, Canvas, dialog},
};

/// The face to be shown.
pub struct Face {
    /// What the terminal can show.
    pub colours: Colours,
    /// What the face works on, as people call it, until it is connected.
    pub place: String,
    /// Finds what to work on; the screen is there before that is done. If it fails the face ends.
    pub connect: Pin<Box<dyn Future<Output = Result<Connected>> + Send>>,
    /// Opens an address in a browser, if there is one.
    pub browse: Option<fn(&str)>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Face").field("colours", &self.colours).field("place", &self.place).finish_non_exhaustive()
    }
}

/// What the face works on.
#[derive(Debug)]
pub struct Connected {
    /// What the operator can do there.
    pub control: Arc<dyn Control>,
    /// What it is called: an address.
    pub place: String,
    /// What is to be said about it at first.
    pub note: Option<String>,
}

/// Shows the face on this process's terminal until somebody leaves, or the terminal is gone. Blocks; what it asks for is
/// done on `runtime`.
///
/// # Errors
/// If there is no terminal, connecting fails, or the face breaks; the terminal is as it was before in any case.
pub fn run(face: Face, runtime: &Handle) -> Result<()> {
    // Only the face holds its end: however that thread ends, this one is told.
    let (end, ended) = oneshot::channel();
    let handle = runtime.clone();
    // On a thread of its own, which is left behind if the terminal hangs up: reading keys from it never comes back then.
    thread::Builder::new().name("face".to_owned()).spawn(move || end.send(show(face, &handle)))?;
    bridge::wait(runtime, ended)
}

fn show(face: Face, runtime: &Handle) -> Result<()> {
    let terminal = Terminal::take().context("can't use the terminal")?;
    let mut cursive = Cursive::new();
    let broke = Panics::catch(&cursive);
    let shown = panic::catch_unwind(AssertUnwindSafe(move || {
        open(&mut cursive, face, runtime);
        let mut runner = cursive.runner(Box::new(terminal));
        runner.run();
        drop(runner);
        cursive.take_user_data::<Bridge>().and_then(|bridge| bridge.failure())
    }));
    let broke = broke.release();
    match shown {
        Ok(None) => Ok(()),
        Ok(Some(failure)) => Err(failure),
        Err(_) => Err(anyhow!("the terminal face broke, which is a bug in it: {}", broke.unwrap_or_default())),
    }
}

/// Puts the window in, and begins to ask for what it shows.
pub(crate) fn open(cursive: &mut Cursive, face: Face, runtime: &Handle) {
    cursive.set_theme(face.colours.theme());
    let model = Model::new(face.clock.now(), face.place.clone());
    cursive.add_fullscreen_layer(Window { model, colours: face.colours }.with_name(WINDOW));
    cursive.set_window_title("ccflare");
    let bridge = Bridge::start(runtime, cursive.cb_sink().clone(), face);
    cursive.set_user_data(bridge);
}

const WINDOW: &str = "window";

/// The whole screen.
pub(crate) struct Window {
    pub(crate) model: Model,
    colours: Colours,
}

impl View for Window {
    fn draw(&self, printer: &Printer<'_, '_>) {
        let canvas = Canvas::new(printer, self.colours);
        canvas.wipe();
        screens::draw(&self.model, &canvas);
    }

    fn layout(&mut self, size: Vec2) {
        self.model.size = (size.x, size.y);
    }

    fn required_size(&mut self, constraint: Vec2) -> Vec2 {
        constraint
    }

    fn take_focus(&mut self, _: Direction) -> Result<EventResult, CannotFocus> {
        Ok(EventResult::consumed())
    }

    fn on_event(&mut self, event: Event) -> EventResult {
        let message = match event {
            Event::Mouse { offset, position, event } => {
                match (click(event, position.saturating_sub(offset)), self.model.asking) {
                    (Some(click), false) => Message::Click(click),
                    _ => return EventResult::Ignored,
                }
            }
            Event::Refresh | Event::WindowResize | Event::FocusLost => return EventResult::Ignored,
            key => Message::Key(key),
        };
        let effects = Mutex::new(self.model.update(message));
        EventResult::with_cb_once(move |cursive| carry_out(cursive, effects.into_inner().unwrap_or_default()))
    }
}

fn click(event: MouseEvent, at: Vec2) -> Option<Click> {
    match event {
        MouseEvent::Press(MouseButton::Left) => Some(Click::Press(at.x, at.y)),
        MouseEvent::WheelUp => Some(Click::WheelUp),
        MouseEvent::WheelDown => Some(Click::WheelDown),
        _ => None,
    }
}

/// Tells the model something, and does what it wants.
pub(crate) fn deliver(cursive: &mut Cursive, message: Message) {
    let effects = cursive.call_on_name(WINDOW, |window: &mut Window| window.model.update(message));
    carry_out(cursive, effects.unwrap_or_default());
}

pub(crate) fn carry_out(cursive: &mut Cursive, effects: Vec<Effect>) {
    for effect in effects {
        match effect {
            Effect::Wish(wish) => {
                cursive.with_user_data(|bridge: &mut Bridge| bridge.ask(wish));
            }
            Effect::Ask(form) => {
                close(cursive);
                cursive.add_layer(dialog(form));
            }
            Effect::Close => close(cursive),
            Effect::Complain(why) => {
                cursive.call_on_name(COMPLAINT, |line: &mut TextView| line.set_content(why));
            }
            Effect::Copy(text) => {
                let done = terminal::copy(&text).is_ok();
                let says = if done { "copied, if the terminal allows it" } else { "can't reach the clipboard" };
                cursive.call_on_name(COMPLAINT, |line: &mut TextView| line.set_content(says));
            }
            Effect::Browse(address) => {
                cursive.with_user_data(|bridge: &mut Bridge| bridge.browse(address));
            }
            Effect::Quit => cursive.quit(),
        }
    }
}

/// Takes everything away that lies over the window.
fn close(cursive: &mut Cursive) {
    while cursive.screen().len() > 1 {
        cursive.pop_layer();
    }
}

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync + 'static>;

/// Keeps panics off the screen: the face's own is told when the terminal is back, others are shown in the face.
struct Panics {
    told: Arc<Mutex<Option<String>>>,
    before: Hook,
}

impl Panics {
    fn catch(cursive: &Cursive) -> Self {
        let told = Arc::new(Mutex::new(None));
        let before = panic::take_hook();
        let (face, sink, keep) = (std::thread::current().id(), cursive.cb_sink().clone(), Arc::clone(&told));
        panic::set_hook(Box::new(move |broke| {
            let text = broke.to_string();
            if std::thread::current().id() == face {
                if let Ok(mut told) = keep.lock() {
                    told.get_or_insert(text);
                }
            } else {
                // The face may have ended; then nobody is there to be told.
                let _ = sink.send(Box::new(move |cursive| deliver(cursive, Message::Broke(text))));
            }
        }));
        Self { told, before }
    }

    fn release(self) -> Option<String> {
        panic::set_hook(self.before);
        self.told.lock().ok()?.take()
    }
}
