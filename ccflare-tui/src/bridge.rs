//! Between the runtime that asks and the loop that draws; the only file that knows both.
//!
//! The loop never waits: a wish goes to a task, and what comes of it comes back as a message through cursive's sink.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use anyhow::{Error, Result, anyhow};
use ccflare_core::{
    clock::Clock,
    control::{
        Control, ControlError, EventStream,
        views::{AccountEdit as Edit, AuditQuery, AuditView, ClientKeyView, EventQuery, EventView, LogQuery},
    },
};
use cursive::CbSink;
use futures_util::StreamExt;
use tokio::{runtime::Handle, sync::oneshot, task::AbortHandle};

use crate::{
    app::{Face, deliver},
    model::{Act, Message, Reply, Wish},
};

/// Between two ticks.
const SECOND: Duration = Duration::from_secs(1);

/// Events within this time come to the screen together.
const BATCH: Duration = Duration::from_millis(80);

/// And no more than these.
const MOST_AT_ONCE: usize = 5000;

/// Between two tries to hear events again.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// The way from the screen to the runtime, and back.
#[derive(Debug)]
pub(crate) struct Bridge {
    runtime: Handle,
    screen: Screen,
    control: Arc<OnceLock<Arc<dyn Control>>>,
    browse: Option<fn(&str)>,
    failure: Arc<Mutex<Option<Error>>>,
    tasks: Vec<AbortHandle>,
}

/// Where messages go.
#[derive(Clone)]
struct Screen(CbSink);

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Screen")
    }
}

impl Screen {
    /// Whether the screen is still there.
    fn tell(&self, message: Message) -> bool {
        self.0.send(Box::new(move |cursive| deliver(cursive, message))).is_ok()
    }

    fn quit(&self) {
        // It may be gone already.
        let _ = self.0.send(Box::new(|cursive| cursive.quit()));
    }
}

impl Bridge {
    /// Connects, and tells the screen the time every second.
    pub(crate) fn start(runtime: &Handle, sink: CbSink, face: Face) -> Self {
        let Face { connect, browse, clock, .. } = face;
        let (screen, control, failure) = (Screen(sink), Arc::new(OnceLock::new()), Arc::new(Mutex::new(None)));
        let (keep, failed, to) = (Arc::clone(&control), Arc::clone(&failure), screen.clone());
        let connecting = runtime.spawn(async move {
            match connect.await {
                Ok(connected) => {
                    let control = connected.control;
                    let _ = keep.set(Arc::clone(&control));
                    to.tell(Message::Connected { place: connected.place, note: connected.note });
                    listen(&to, &*control).await;
                }
                Err(error) => {
                    if let Ok(mut failed) = failed.lock() {
                        *failed = Some(error);
                    }
                    to.quit();
                }
            }
        });
        let ticking = runtime.spawn(tick(screen.clone(), clock));
        let stopping = runtime.spawn(stop(screen.clone()));
        let tasks = [connecting, ticking, stopping].map(|task| task.abort_handle()).to_vec();
        Self { runtime: runtime.clone(), screen, control, browse, failure, tasks }
    }

    /// Has a wish fulfilled, some time.
    pub(crate) fn ask(&self, wish: Wish) {
        let Some(control) = self.control.get().cloned() else { return };
        let screen = self.screen.clone();
        self.runtime.spawn(async move { screen.tell(Message::Reply(Box::new(fulfil(&*control, wish).await))) });
    }

    /// Opens an address in a browser, which may take its time.
    pub(crate) fn browse(&self, address: String) {
        if let Some(browse) = self.browse {
            self.runtime.spawn_blocking(move || browse(&address));
        }
    }

    /// Why the face had to end, if it had to.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.failure.lock().ok()?.take()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Tells the screen what happens, as long as there is one; subscribes again whenever that ends.
async fn listen(screen: &Screen, control: &dyn Control) {
    let (mut after, mut pause) = (None, SECOND);
    loop {
        if let Ok(mut events) = control.events(EventQuery { topics: None, after }).await {
            pause = SECOND;
            if !screen.tell(Message::Feed(true)) {
                return;
            }
            while let Some(first) = events.next().await {
                let batch = gather(first, &mut events).await;
                after = batch.last().map(|event| event.id);
                if !screen.tell(Message::Events(batch)) {
                    return;
                }
            }
            if !screen.tell(Message::Feed(false)) {
                return;
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// An event with those that come right behind it: a screen drawn for each of a thousand a second would do nothing else.
async fn gather(first: Arc<EventView>, events: &mut EventStream) -> Vec<Arc<EventView>> {
    let mut batch = vec![first];
    let end = tokio::time::sleep(BATCH);
    tokio::pin!(end);
    while batch.len() < MOST_AT_ONCE {
        tokio::select! {
            () = &mut end => break,
            next = events.next() => match next {
                Some(event) => batch.push(event),
                None => break,
            },
        }
    }
    batch
}

async fn tick(screen: Screen, clock: Arc<dyn Clock>) {
    let mut ticks = tokio::time::interval(SECOND);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        if !screen.tell(Message::Tick(clock.now())) {
            return;
        }
    }
}

/// Ends the face when the process is told to end, so that the terminal is given back.
async fn stop(screen: Screen) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut hang_up)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        else {
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
        screen.quit();
    }
    #[cfg(not(unix))]
    drop(screen);
}

/// Waits until the face has told how it ended, or can't tell any more; or until the terminal has hung up (its window was
/// closed, or the connection to it broke) and the face has had time to leave by itself.
pub(crate) fn wait(runtime: &Handle, ended: oneshot::Receiver<Result<()>>) -> Result<()> {
    runtime.block_on(async {
        tokio::select! {
            told = ended => told.unwrap_or_else(|_| Err(anyhow!("the terminal face ended without saying why"))),
            () = hung_up() => Ok(()),
        }
    })
}

async fn hung_up() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut hang_up) = signal(SignalKind::hangup()) {
            hang_up.recv().await;
            return tokio::time::sleep(SECOND).await;
        }
    }
    std::future::pending().await
}

/// What comes of a wish.
async fn fulfil(control: &dyn Control, wish: Wish) -> Reply {
    match wish {
        Wish::Status => Reply::Status(control.status().await.map_err(Into::into)),
        Wish::Accounts => Reply::Accounts(control.accounts().await.map_err(Into::into)),
        Wish::Requests(query) => {
            let before = query.before.clone();
            Reply::Requests { before, page: control.requests(query).await.map_err(Into::into) }
        }
        Wish::Session(id) => {
            let session = control.session(&id).await.map_err(Into::into);
            Reply::Session(id, session)
        }
        Wish::Overview(query) => Reply::Overview(query.clone(), control.analytics(query).await.map_err(Into::into)),
        Wish::Analytics(query) => Reply::Analytics(query.clone(), control.analytics(query).await.map_err(Into::into)),
        Wish::Stats => Reply::Stats(control.stats().await.map_err(Into::into)),
        Wish::Logs => {
            let page = control.logs(LogQuery::default()).await.map_err(Into::into);
            Reply::Logs(page, control.log_level().await.map_err(Into::into))
        }
        Wish::Strategy => Reply::Strategy(control.strategy().await.map_err(Into::into)),
        Wish::Keys => Reply::Keys(keys(control).await.map_err(Into::into)),
        Wish::Act(Act::MakeKey(new)) => Reply::KeyMade(control.create_client_key(new).await.map_err(Into::into)),
        Wish::Act(Act::RotateKey(id)) => Reply::KeyMade(control.rotate_client_key(&id).await.map_err(Into::into)),
        Wish::Agents => Reply::Agents(control.agents().await.map_err(Into::into)),
        Wish::Settings => Reply::Settings(control.settings().await.map_err(Into::into)),
        Wish::Act(Act::BeginLogin(login)) => Reply::LoginBegun(control.begin_login(login).await.map_err(Into::into)),
        Wish::Act(act) => Reply::Done(change(control, act).await.map_err(Into::into)),
    }
}

/// Client keys, and what operators changed.
async fn keys(control: &dyn Control) -> Result<(Vec<ClientKeyView>, Vec<AuditView>), ControlError> {
    Ok((control.client_keys().await?, control.audit(AuditQuery::default()).await?))
}

/// Makes a change, and says which.
async fn change(control: &dyn Control, act: Act) -> Result<String, ControlError> {
    Ok(match act {
        Act::AddAccount(new) => format!("account {:?} added", control.add_account(new).await?.name),
        Act::EditAccount { id, name, edit } => {
            let says = match &edit {
                Edit::Pause => "paused".to_owned(),
                Edit::Resume => "resumed".to_owned(),
                Edit::Rename(to) => format!("is called {to:?} now"),
                Edit::Priority(priority) => format!("has priority {priority} now"),
                Edit::Tier(tier) => format!("has tier {} now", u8::from(*tier)),
            };
            control.edit_account(&id, edit).await?;
            format!("account {name:?} {says}")
        }
        Act::RemoveAccount { id, confirm } => {
            control.remove_account(&id, &confirm).await?;
            format!("account {confirm:?} removed")
        }
        Act::CompleteLogin { session, pasted } => {
            format!("account {:?} is logged in", control.complete_login(&session, &pasted).await?.name)
        }
        Act::ResetStats => format!("{} requests forgotten", control.reset_stats().await?.removed_requests),
        Act::Strategy(name) => format!("{} decides now", control.set_strategy(&name).await?.strategy),
        Act::Prefer { id, name, model: Some(model) } => {
            control.prefer_model(&id, &model).await?;
            format!("{name} prefers {model}")
        }
        Act::Prefer { id, name, model: None } => {
            let was = control.clear_preference(&id).await?;
            if was { format!("nothing is preferred for {name}") } else { format!("nothing was preferred for {name}") }
        }
        Act::PreferForAll(model) => {
            let done = control.prefer_model_for_all(&model).await?;
            let refused =
                if done.refused.is_empty() { String::new() } else { format!(", refused for {}", done.refused.len()) };
            format!("{} agents prefer {}{refused}", done.updated_count, done.model)
        }
        Act::DefaultModel(model) => {
            let now = control.set_default_agent_model(model.as_deref()).await?;
            format!("other agents are sent with {}", now.as_deref().unwrap_or("the model they ask for"))
        }
        Act::LogLevel(filter) => format!("{} is logged now", control.set_log_level(&filter).await?.level),
        Act::Settings(edit) => {
            let done = |(key, value): (&String, &Option<String>)| {
                format!("{key} {}", if value.is_some() { "written" } else { "taken out of the file" })
            };
            let done: Vec<_> = edit.set.iter().map(done).collect();
            control.change_settings(edit).await?;
            done.join(", ")
        }
        Act::Reload => match control.reload_settings().await? {
            reloaded if reloaded.changed.is_empty() => "the settings are what they were".to_owned(),
            reloaded => format!("changed: {}", reloaded.changed.join(", ")),
        },
        Act::RevokeKey { id, name } => {
            control.revoke_client_key(&id).await?;
            format!("key {name:?} revoked")
        }
        Act::MakeKey(new) => format!("key {:?} made", control.create_client_key(new).await?.client_key.name),
        Act::RotateKey(id) => format!("key {:?} exchanged", control.rotate_client_key(&id).await?.client_key.name),
        Act::BeginLogin(login) => control.begin_login(login).await?.auth_url,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_that_can_say_nothing_any_more_is_not_waited_for() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let (end, ended) = oneshot::channel();
        drop(end);
        let told = wait(runtime.handle(), ended).expect_err("it broke");
        assert!(told.to_string().contains("without saying why"), "{told}");
    }
}
