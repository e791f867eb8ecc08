//! Finds out who asks: once for each conversation, at its first request.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use memchr::memmem;
use xxhash_rust::xxh3::xxh3_128;

use super::{
    AgentDirectory, CompatibleModels, Conversations,
    body::{Opening, Sight, Until, look},
    conversations::{Known, MainThread, Preferred, Role, Seen, Session},
    hints::{Hints, valid},
    overhear::Orders,
    rewrite,
    session::{self, Named},
    text::Raw,
};
use crate::{
    domain::{Asker, ClientKey, Facts, Fingerprint, Preference, RequestFacts},
    live::Live,
    record::{Events, Listening, Phase},
};

/// What the type of an agent is called that has a definition of its own.
const CUSTOM: &str = "custom";

/// In the line for billing of a sub-agent.
const SUBAGENT: &str = "cc_is_subagent=true";

/// What all services of a layer share.
#[derive(Debug, Default)]
pub(super) struct Interceptor {
    pub(super) conversations: Conversations,
    pub(super) directory: Option<Arc<dyn AgentDirectory>>,
    pub(super) compatible: CompatibleModels,
    /// Where that is set instead, if it may change.
    pub(super) live: Option<Live>,
}

impl Interceptor {
    /// Puts the facts of a request beside it, and the preferred model in its place. If nothing can take its place, the facts
    /// are not read before somebody looks at them.
    pub(super) fn intercept(self: &Arc<Self>, request: &mut Request<Bytes>, events: &Events) {
        let key = request.extensions().get::<Arc<ClientKey>>().cloned();
        let hints = Hints::of(request.headers(), key.as_ref().map(|key| key.id));
        let listening = Listening::default();
        request.extensions_mut().insert(listening.clone());
        let facts = if self.may_prefer() || key.as_ref().is_some_and(|key| !key.permits_any_model()) {
            events.timed(Phase::Parse, || self.rewrite(&hints, request, key.as_deref(), &listening)).into()
        } else {
            let (shared, body, events) = (Arc::clone(self), request.body().clone(), events.clone());
            Facts::later(move || {
                events.timed(Phase::Parse, || {
                    let (facts, known) = shared.read(&hints, &body, |_, _| Preferred::Nothing);
                    listen(&listening, known);
                    facts
                })
            })
        };
        request.extensions_mut().insert(facts);
    }

    /// Whether a model may be preferred, by somebody's wish of now or of when a conversation began.
    fn may_prefer(&self) -> bool {
        self.conversations.any_preferred() || self.directory.as_ref().is_some_and(|directory| directory.prefers())
    }

    /// The facts, with the preferred model in the place of the one asked for.
    fn rewrite(
        &self,
        hints: &Hints,
        request: &mut Request<Bytes>,
        key: Option<&ClientKey>,
        listening: &Listening,
    ) -> RequestFacts {
        let preferred = |asker: &Asker, answered| self.preferred(asker, answered);
        let (mut facts, known) = self.read(hints, request.body(), preferred);
        // A key that may not ask for every model is worth reading the whole body for.
        if key.is_some_and(|key| !key.permits_any_model()) {
            let strictly = (!hints.is_encoded).then(|| rewrite::only_model(request.body()));
            facts.model = strictly.flatten().map(|model| model.into());
        }
        if let Some((_, known)) = &known {
            self.prefer(&known.preferred, request, key, &mut facts);
        }
        listen(listening, known);
        facts
    }

    /// `prefer` says what is preferred for whoever begins a conversation.
    fn read(
        &self,
        hints: &Hints,
        body: &Bytes,
        prefer: impl FnOnce(&Asker, bool) -> Preferred,
    ) -> (RequestFacts, Option<(Arc<Session>, Known)>) {
        let named = hints.session.clone();
        if body.is_empty() || hints.is_encoded {
            let session = named.map(|named| named.key);
            return (RequestFacts { session, ..RequestFacts::default() }, None);
        }
        // A conversation that is known is known by its beginning.
        if let Some(named) = &named
            && let Some(session) = self.conversations.get(named.key)
        {
            let sight = look(body, Until::Opening);
            // What goes on has been answered; an errand has not. Of what does not go on all was read.
            let tools = sight.goes_on || sight.tools.is_some();
            let fits = |known: &Known| known.seen.is_some() && known.may_have(tools);
            let known = sight.opening.and_then(|opening| session.conversation(opening.beginning(hints), fits));
            if let Some(known) = known {
                return (known.facts(&sight, named), Some((session, known)));
            }
        }
        let sight = look(body, Until::End);
        let Some(named) = named.or_else(|| session::in_body(&sight, hints)) else {
            return (only_of(&sight), None);
        };
        let Some(opening) = sight.opening else {
            return (RequestFacts { session: Some(named.key), ..only_of(&sight) }, None);
        };
        let session = self.conversations.open(named.key);
        let fits = |known: &Known| known.may_have(sight.tools.is_some());
        let (known, compacted) = match session.conversation(opening.beginning(hints), fits) {
            Some(known) if known.seen.is_some() => (known, false),
            Some(known) => (self.see(&session, &named, &sight, opening, known).0, false),
            None => {
                let known = self.begin(&session, &named, &sight, opening, hints, prefer);
                self.see(&session, &named, &sight, opening, known)
            }
        };
        let facts = RequestFacts { compacted, ..known.facts(&sight, &named) };
        (facts, Some((session, known)))
    }

    /// A conversation begins, as far as is known here.
    fn begin(
        &self,
        session: &Session,
        named: &Named,
        sight: &Sight<'_>,
        opening: Opening<'_>,
        hints: &Hints,
        prefer: impl FnOnce(&Asker, bool) -> Preferred,
    ) -> Known {
        let ordered = opening.last.and_then(Raw::of).and_then(|last| session.ordered(|| last.meaning()));
        let (subagent, parent) = (hints.subagent(), hints.parent());
        let (ordered, by) = ordered.map(|order| (order.agent, order.by)).unzip();
        let parent = parent.or(by.flatten());
        let billing = sight.system.first.map_or("", Raw::as_str);
        let is_subagent = subagent.is_some() || parent.is_some() || ordered.is_some() || billing.contains(SUBAGENT);
        let workspace = session.workspace(|| sight.workspace.map(Raw::unescaped).and_then(|path| valid(&path)));
        let agent = ordered.and_then(|agent| valid(&agent)).or_else(|| self.defined(sight, workspace.as_deref()));
        let agent = agent.or_else(|| hints.agent_type().filter(|kind| **kind != *CUSTOM));
        let asker = Arc::new(Asker {
            session: named.name.clone().unwrap_or_else(|| named.key.to_string().into()),
            conversation: opening.beginning(hints),
            subagent,
            is_subagent,
            parent,
            agent,
            workspace,
        });
        if let Some(directory) = self.directory.as_ref().filter(|_| !self.conversations.is_blind()) {
            directory.seen(&asker);
        }
        Known { preferred: prefer(&asker, sight.answered), asker, seen: None }
    }

    /// Remembers what is seen of a conversation. Says whether its session begins anew with it.
    fn see(
        &self,
        session: &Session,
        named: &Named,
        sight: &Sight<'_>,
        opening: Opening<'_>,
        known: Known,
    ) -> (Known, bool) {
        // Without tools it is an errand of the client's own: a title, a summary.
        let may_lead = sight.tools.is_some() && !known.asker.is_subagent;
        let thread = MainThread { system: sight.system.hash, opening: opening.hash };
        let role = may_lead.then(|| session.begins(thread));
        let is_main = matches!(role, Some(Role::Main | Role::Anew));
        let seen = Seen {
            hour_cache: sight.system.hour_cache,
            has_tools: sight.tools.is_some(),
            gives_orders: sight.tools.is_some_and(gives_orders),
            prefix: is_main.then(|| prefix(sight, opening)),
            // A session without a name is one conversation.
            aside: !is_main && !known.asker.is_subagent && named.name.is_some(),
        };
        let known = Known { seen: Some(seen), ..known };
        self.conversations.remember(session, known.clone());
        (known, role == Some(Role::Anew))
    }

    /// The agent by its definition, whose prompt is the last block of the system prompt.
    fn defined(&self, sight: &Sight<'_>, workspace: Option<&str>) -> Option<Arc<str>> {
        let directory = self.directory.as_ref()?;
        directory.named_by(&sight.system.last?.unescaped(), workspace)
    }

    fn preferred(&self, asker: &Asker, answered: bool) -> Preferred {
        let model = self
            .directory
            .as_ref()
            .zip(asker.agent.as_deref())
            .and_then(|(directory, agent)| directory.preferred_model(agent, asker.workspace.as_deref()));
        match model {
            None => Preferred::Nothing,
            // Its cache and its thinking belong to the model that it began with.
            Some(model) if answered => Preferred::TooLate(model),
            Some(model) => Preferred::Model(model, Some(self.compatible())),
        }
    }

    /// Puts the preferred model in the place of the one asked for, or says why not.
    fn prefer(
        &self,
        preferred: &Preferred,
        request: &mut Request<Bytes>,
        key: Option<&ClientKey>,
        facts: &mut RequestFacts,
    ) {
        let (model, refused) = match preferred {
            Preferred::Nothing => return,
            Preferred::TooLate(model) => (model, Some("the conversation had begun with another model".into())),
            Preferred::Model(model, within) => {
                let within = within.clone().unwrap_or_else(|| self.compatible());
                (model, replace(model, &within, request, key, facts).err())
            }
        };
        facts.preference = Some(Preference { model: Arc::clone(model), refused: refused.map(Into::into) });
    }

    /// As it is set now.
    fn compatible(&self) -> CompatibleModels {
        let live = self.live.as_ref().map(|live| live.now().compatible_models.clone());
        live.unwrap_or_else(|| self.compatible.clone())
    }
}

/// Puts a model in the place of the one asked for.
///
/// # Errors
/// Why not, for people.
fn replace(
    model: &Arc<str>,
    within: &CompatibleModels,
    request: &mut Request<Bytes>,
    key: Option<&ClientKey>,
    facts: &mut RequestFacts,
) -> Result<(), String> {
    let unclear = || "the body does not say for certain which model it asks for".to_owned();
    let asked = facts.model.as_ref().ok_or_else(unclear)?;
    if asked == model {
        return Ok(());
    }
    if key.is_some_and(|key| !key.permits_model(model)) {
        return Err(format!("the client key may not ask for {model}"));
    }
    within.check(asked, model)?;
    *request.body_mut() = rewrite::splice(request.body(), model).ok_or_else(unclear)?;
    facts.model_asked = facts.model.replace(Arc::clone(model));
    Ok(())
}

impl Opening<'_> {
    /// Two sub-agents may be given the same order; their ids tell them apart.
    fn beginning(&self, hints: &Hints) -> Fingerprint {
        match &hints.agent_id {
            None => Fingerprint(self.hash),
            Some(id) => Fingerprint(xxh3_128(&[&self.hash.to_le_bytes(), id.as_bytes()].concat())),
        }
    }
}

impl Known {
    fn facts(&self, sight: &Sight<'_>, named: &Named) -> RequestFacts {
        RequestFacts {
            session: Some(named.key),
            prefix: self.seen.and_then(|seen| seen.prefix),
            hour_cache: self.seen.is_some_and(|seen| seen.hour_cache),
            aside: self.seen.is_some_and(|seen| seen.aside),
            asker: Some(Arc::clone(&self.asker)),
            ..only_of(sight)
        }
    }
}

/// Hears the orders that whoever asks may give.
fn listen(listening: &Listening, known: Option<(Arc<Session>, Known)>) {
    if let Some((session, known)) = known.filter(|(_, known)| known.seen.is_some_and(|seen| seen.gives_orders)) {
        listening.begin(Orders::new(session, known.asker.subagent.clone()));
    }
}

/// What is known of a request alone.
fn only_of(sight: &Sight<'_>) -> RequestFacts {
    RequestFacts { model: sight.model.as_deref().map(Into::into), stream: sight.stream, ..RequestFacts::default() }
}

/// Whether one of the tools is that by which orders are given: `Agent` since 2.1, `Task` before.
fn gives_orders(tools: &[u8]) -> bool {
    [&b"\"Agent\""[..], b"\"Task\""].iter().any(|name| memmem::find(tools, name).is_some())
}

/// A fork has the system prompt and the first message of what it was forked from.
fn prefix(sight: &Sight<'_>, opening: Opening<'_>) -> Fingerprint {
    let both = [sight.system.hash.to_le_bytes(), opening.hash.to_le_bytes()].concat();
    Fingerprint(xxh3_128(&both))
}
