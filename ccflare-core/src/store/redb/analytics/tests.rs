//! Whatever is asked, sums and indexes answer as reading the whole ledger would.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::analytics::Dimensions;
use crate::{
    analytics::{Filter, Group, sketch::RELATIVE_ERROR},
    domain::{
        Asker, AttemptRecord, Choice, ClientKeyId, Exchange, ExchangeId, Intent, NanoUsd, Outcome, Timing, Tokens,
        Usage, VerdictKind,
    },
    pricing::PriceTable,
    store::{LedgerEntry, LedgerStore},
};

/// A day's beginning.
const START: Timestamp = Timestamp::from_seconds(20_833 * 86_400);
const DAY: u32 = 24 * 60;
const DAYS: u32 = 4;

const MODELS: [&str; 3] = ["claude-opus-5-5", "claude-haiku-5-5", "unheard-of"];
const OUTCOMES: [Outcome; 5] =
    [Outcome::Answered, Outcome::Failed, Outcome::Cut, Outcome::Cancelled, Outcome::Interrupted];

fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number + 1; 16])
}

fn key(number: u8) -> ClientKeyId {
    ClientKeyId::from_bytes([number + 1; 16])
}

fn agent(number: u8) -> Arc<str> {
    format!("agent {number}").into()
}

/// Account, model, agent, client key and session, by number.
type Who = (Option<u8>, Option<u8>, Option<u8>, Option<u8>, Option<u8>);

/// What is drawn by lot of an exchange: small numbers, so that they meet.
#[derive(Clone, Debug)]
struct Lot {
    second: u32,
    who: Who,
    how: (u8, Option<u16>, bool),
    took: (Option<u32>, Option<u32>),
    tokens: [Option<u32>; 5],
}

fn lot() -> impl Strategy<Value = Lot> {
    let maybe = |most: u8| prop::option::of(0..most);
    let who = (maybe(3), maybe(2), maybe(3), maybe(2), maybe(4));
    let how = (0..5_u8, prop::option::of(prop::sample::select(vec![200_u16, 201, 400, 429, 529])), any::<bool>());
    let took = (prop::option::of(0..600_000_000_u32), prop::option::of(0..9_000_000_u32));
    let tokens = prop::array::uniform5(prop::option::of(0..200_000_u32));
    // Half of all in one hour, so that pieces have several.
    let second = prop_oneof![0..DAYS * 86_400, 90_000..93_600_u32];
    (second, who, how, took, tokens).prop_map(|(second, who, how, took, tokens)| Lot { second, who, how, took, tokens })
}

fn exchange(lot: &Lot) -> Exchange {
    let at = START + Duration::from_secs(lot.second.into());
    let (by, with, model, agent_number, session) = lot.who;
    let (outcome, status, retried) = lot.how;
    let attempt = |number: u8, choice| AttemptRecord {
        account: Some((account(number), format!("account {number}").into())),
        choice,
        started: Duration::ZERO,
        took: Duration::from_millis(5),
        status,
        verdict: VerdictKind::Success,
        detail: None,
    };
    let first = by.filter(|_| retried).map(|by| attempt((by + 1) % 3, Choice::ActiveSession));
    let last = by.map(|by| attempt(by, Choice::FailOver));
    let [input, output, cache_read, cache_write_5m, cache_write_1h] = lot.tokens.map(|count| count.map(u64::from));
    let tokens = Tokens { input, output, cache_read, cache_write_5m, cache_write_1h };
    let model: Option<Arc<str>> = model.map(|model| MODELS[usize::from(model)].into());
    let usage = Usage { tokens, ..Usage::default() };
    Exchange {
        intent: Arc::new(Intent {
            id: ExchangeId::new(at),
            at,
            method: http::Method::POST,
            path: "/v1/messages".into(),
            model: None,
            request_bytes: 10,
            client_key: with.map(|with| (key(with), "key".into())),
            asker: session.map(|session| {
                let agent = agent_number.map(agent);
                let session = format!("session {session}").into();
                Arc::new(Asker {
                    session,
                    conversation: crate::domain::Fingerprint(0),
                    subagent: None,
                    is_subagent: false,
                    parent: None,
                    agent,
                    workspace: None,
                })
            }),
            preference: None,
        }),
        outcome: OUTCOMES[usize::from(outcome)],
        status,
        error: None,
        attempts: first.into_iter().chain(last).collect(),
        timing: Timing {
            headers: None,
            first_token: lot.took.1.map(|micros| Duration::from_micros(micros.into())),
            end: lot.took.0.map(|micros| Duration::from_micros(micros.into())),
        },
        cost: model.as_deref().and_then(|model| PriceTable::bundled().price(model, &usage)),
        model,
        decision: None,
        usage,
        priced: None,
        response_bytes: 20,
    }
}

/// Ids and the clock have another order than settling.
fn ledger() -> impl Strategy<Value = Vec<Exchange>> {
    prop::collection::vec(lot(), 0..80).prop_map(|lots| lots.iter().map(exchange).collect())
}

fn filter() -> impl Strategy<Value = Filter> {
    let some = |most: u8| prop::option::weighted(0.4, prop::collection::vec(prop::option::of(0..most), 0..3));
    (
        some(3),
        some(2),
        some(3),
        some(2),
        prop::option::weighted(0.2, 0..5_usize),
        prop::option::weighted(0.2, any::<bool>()),
    )
        .prop_map(|(accounts, keys, models, agents, outcome, success)| Filter {
            accounts: accounts.map(|list| list.into_iter().map(|one| one.map(account)).collect()),
            client_keys: keys.map(|list| list.into_iter().map(|one| one.map(key)).collect()),
            models: models
                .map(|list| list.into_iter().map(|one| one.map(|one| MODELS[usize::from(one)].into())).collect()),
            agents: agents.map(|list| list.into_iter().map(|one| one.map(agent)).collect()),
            outcome: outcome.map(|outcome| OUTCOMES[outcome]),
            success,
        })
}

fn question() -> impl Strategy<Value = Question> {
    let first = Minute::of(START).0;
    let bucket = prop::sample::select(vec![1, 5, 60, DAY, u32::MAX]);
    // What is asked most often is everything.
    let filter = prop_oneof![Just(Filter::default()), filter()];
    let asked = (0..DAYS * DAY, 0..DAYS * DAY, bucket, filter, prop::bool::weighted(0.8));
    asked.prop_map(move |(from, length, bucket, filter, distributions)| {
        if bucket == u32::MAX {
            return Question { distributions, ..Question::ever(filter) };
        }
        Question { from: Minute(first + from), to: Minute(first + from + length), bucket, filter, distributions }
    })
}

async fn settle(store: &RedbStore, exchanges: &[Exchange]) {
    // Several commits, one of which says again what another has said.
    for batch in exchanges.chunks(17) {
        let entries: Vec<_> = batch.iter().cloned().map(|exchange| LedgerEntry::Settled(Box::new(exchange))).collect();
        store.append(&entries).await.expect("settled");
    }
    let again = exchanges.iter().take(5).cloned().map(|mut exchange| {
        exchange.cost = Some(NanoUsd(1));
        LedgerEntry::Settled(Box::new(exchange))
    });
    store.append(&again.collect::<Vec<_>>()).await.expect("settled again");
}

/// Checks one group against the exchanges that are meant.
fn check_group(group: &Group, meant: &[&Exchange], distributions: bool) {
    let counts = &group.counts;
    let sum = |read: &dyn Fn(&Exchange) -> Option<u64>| meant.iter().filter_map(|exchange| read(exchange)).sum::<u64>();
    assert_eq!(counts.requests, meant.len() as u64);
    assert_eq!(counts.succeeded, sum(&|exchange| Some(exchange.is_success().into())));
    assert_eq!(counts.failovers, sum(&|exchange| Some(u64::from(exchange.attempts.len() > 1))));
    assert_eq!(counts.input, sum(&|exchange| exchange.usage.billed().input));
    assert_eq!(counts.output, sum(&|exchange| exchange.usage.billed().output));
    assert_eq!(counts.cache_read, sum(&|exchange| exchange.usage.billed().cache_read));
    assert_eq!(counts.cache_write_5m, sum(&|exchange| exchange.usage.billed().cache_write_5m));
    assert_eq!(counts.cache_write_1h, sum(&|exchange| exchange.usage.billed().cache_write_1h));
    assert_eq!(counts.cost.0, sum(&|exchange| exchange.cost.map(|cost| cost.0)));
    assert_eq!(counts.priced, sum(&|exchange| Some((!exchange.is_cost_unknown()).into())));
    assert_eq!((counts.request_bytes, counts.response_bytes), (10 * counts.requests, 20 * counts.requests));
    let took = |exchange: &Exchange| exchange.timing.end.map(|end| end.as_micros() as u64);
    assert_eq!((counts.duration, counts.timed), (sum(&took), sum(&|exchange| took(exchange).map(|_| 1))));
    if !distributions {
        assert_eq!(group.durations.count(), 0);
        return;
    }
    let mut durations: Vec<_> = meant.iter().filter_map(|exchange| took(exchange)).collect();
    durations.sort_unstable();
    for q in [0.0, 0.5, 0.95, 0.99, 1.0] {
        let rank = ((q * durations.len() as f64).ceil() as usize).max(1);
        match (group.durations.quantile(q), durations.get(rank - 1)) {
            (None, None) => {}
            (Some(found), Some(exact)) => {
                let off = found.abs_diff(*exact) as f64;
                assert!(off <= *exact as f64 * RELATIVE_ERROR, "{found} for {exact} at {q}");
            }
            (found, exact) => panic!("{found:?} for {exact:?}"),
        }
    }
}

fn check_groups<K: Ord + Clone + std::fmt::Debug>(
    groups: &[(K, Group)],
    meant: &[&Exchange],
    distributions: bool,
    read: impl Fn(&Dimensions) -> K,
) {
    let mut expected: BTreeMap<K, Vec<&Exchange>> = BTreeMap::new();
    meant.iter().for_each(|exchange| expected.entry(read(&Dimensions::of(exchange))).or_default().push(exchange));
    let keys: Vec<_> = groups.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys.len(), expected.len(), "{keys:?}");
    // The sketches of times are kept whole for some groups only; sums and durations for all.
    groups.iter().for_each(|(key, group)| check_group(group, &expected[key], distributions));
}

/// Checks an answer against the exchanges that are there.
fn check(runtime: &tokio::runtime::Runtime, store: &RedbStore, question: &Question, exchanges: &[Exchange]) {
    let answer = runtime.block_on(store.answer(question)).expect("an answer");
    let minute = |exchange: &&Exchange| Minute::of(exchange.intent.at);
    let meant: Vec<_> = exchanges
        .iter()
        .filter(|exchange| (question.from..question.to).contains(&minute(exchange)))
        .filter(|exchange| question.filter.admits(&Dimensions::of(exchange)))
        .collect();
    let whole = question.distributions;
    check_group(&answer.total, &meant, whole);
    check_groups(&answer.accounts, &meant, whole, |dimensions| dimensions.account);
    check_groups(&answer.client_keys, &meant, whole, |dimensions| dimensions.client_key);
    check_groups(&answer.models, &meant, whole, |dimensions| dimensions.model.clone());
    check_groups(&answer.agents, &meant, whole, |dimensions| dimensions.agent.clone());
    if question.bucket == u32::MAX {
        return;
    }
    let mut buckets: BTreeMap<_, u64> = BTreeMap::new();
    for exchange in &meant {
        let start = minute(exchange).floor(question.bucket);
        *buckets.entry((start, Dimensions::of(exchange).model)).or_default() += 1;
    }
    let found = answer.buckets.iter().map(|bucket| ((bucket.start, bucket.model.clone()), bucket.counts.requests));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), buckets);
    let costs = |start: u32| meant.iter().filter(move |exchange| minute(exchange).floor(DAY).0 == start);
    for (day, counts) in &answer.days {
        let cost: u64 = costs(day.0).filter_map(|exchange| exchange.cost).map(|cost| cost.0).sum();
        assert_eq!(counts.cost.0, cost);
    }
    assert_eq!(answer.days.iter().map(|(_, counts)| counts.requests).sum::<u64>(), meant.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_answer_is_what_reading_the_whole_ledger_gives(
        exchanges in ledger(),
        already in any::<prop::sample::Index>(),
        questions in prop::collection::vec(question(), 4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let store = RedbStore::in_memory();
        // Asked again when more is there, for what was found before may be remembered.
        let already = already.index(exchanges.len() + 1);
        runtime.block_on(settle(&store, &exchanges[..already]));
        questions.iter().for_each(|question| check(&runtime, &store, question, &exchanges[..already]));
        runtime.block_on(settle(&store, &exchanges[already..]));
        questions.iter().for_each(|question| check(&runtime, &store, question, &exchanges));
    }

    #[test]
    fn pages_of_a_selection_are_those_of_the_whole_ledger(
        exchanges in ledger(),
        filter in filter(),
        session in prop::option::weighted(0.3, 0..5_u8),
        status in prop::option::weighted(0.2, prop::sample::select(vec![200_u16, 429])),
        times in prop::option::weighted(0.3, (0..DAYS * 86_400, 0..DAYS * 86_400)),
        limit in 1..9_usize,
        swept in prop::option::weighted(0.5, 0..DAYS * 86_400),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let store = RedbStore::in_memory();
        runtime.block_on(settle(&store, &exchanges));
        let mut left = exchanges;
        if let Some(second) = swept {
            let before = START + Duration::from_secs(second.into());
            while runtime.block_on(store.sweep_exchanges(before, 7)).expect("swept") > 0 {}
            left.retain(|exchange| exchange.intent.at >= before);
        }
        left.sort_by_key(|exchange| std::cmp::Reverse(exchange.intent.id));
        let at = |second: u32| START + Duration::from_secs(second.into());
        let mut wanted = Wanted {
            before: None,
            from: times.map(|(from, _)| at(from)),
            to: times.map(|(_, to)| at(to)),
            filter,
            session: session.map(|session| format!("session {session}").into()),
            status,
            limit,
        };
        let mut found = Vec::new();
        loop {
            let page = runtime.block_on(store.find(&wanted)).expect("a page");
            prop_assert!(page.exchanges.len() <= limit);
            found.extend(page.exchanges);
            wanted.before = page.next;
            if wanted.before.is_none() { break }
        }
        left.retain(|exchange| wanted.admits(exchange));
        prop_assert_eq!(found, left);
    }

    #[test]
    fn conversations_are_those_of_the_whole_ledger(exchanges in ledger()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let store = RedbStore::in_memory();
        runtime.block_on(settle(&store, &exchanges));
        let mut expected: BTreeMap<Arc<str>, SessionSummary> = BTreeMap::new();
        for exchange in &exchanges {
            let Some(asker) = &exchange.intent.asker else { continue };
            match expected.get_mut(&asker.session) {
                Some(session) => session.add(exchange),
                None => drop(expected.insert(asker.session.clone(), SessionSummary::begin(asker.session.clone(), exchange))),
            }
        }
        let mut expected: Vec<_> = expected.into_values().collect();
        expected.sort_by_key(|session| std::cmp::Reverse(session.last));
        let mut found = Vec::new();
        let mut page = PageRequest { before: None, limit: 2 };
        loop {
            let sessions = runtime.block_on(store.sessions(page)).expect("a page");
            let Some(last) = sessions.last() else { break };
            page.before = Some(last.last);
            found.extend(sessions);
        }
        prop_assert_eq!(&found, &expected);
        for session in expected {
            prop_assert_eq!(runtime.block_on(store.session(&session.id)).expect("readable"), Some(session));
        }
    }
}

fn some_exchanges(count: u32) -> Vec<Exchange> {
    let lot = |second| Lot {
        second: second * 600,
        who: (Some((second % 3) as u8), None, Some((second % 2) as u8), None, Some((second % 4) as u8)),
        how: (0, Some(200), false),
        took: (Some(second + 1), None),
        tokens: [Some(second); 5],
    };
    (0..count).map(|second| exchange(&lot(second))).collect()
}

#[tokio::test]
async fn sums_are_made_anew_for_a_ledger_that_has_none() {
    let store = RedbStore::in_memory();
    settle(&store, &some_exchanges(300)).await;
    let before = store.answer(&Question::ever(Filter::default())).await.expect("an answer");
    let sessions = store.sessions(PageRequest { before: None, limit: 9 }).await.expect("a page");
    store
        .engine
        .run(|opened| {
            let write = opened.db.begin_write().map_err(failed)?;
            tables::clear_derived(&write)?;
            write.commit().map_err(failed)?;
            sums::rebuild(opened.db, opened.words)
        })
        .expect("made anew");
    assert_eq!(store.answer(&Question::ever(Filter::default())).await.expect("an answer"), before);
    assert_eq!(store.sessions(PageRequest { before: None, limit: 9 }).await.expect("a page"), sessions);
    let wanted = Wanted {
        filter: Filter { accounts: Some(vec![Some(account(1))]), ..Filter::default() },
        limit: 500,
        ..Wanted::default()
    };
    assert_eq!(store.find(&wanted).await.expect("a page").exchanges.len(), 100);
}

#[tokio::test]
async fn sums_stay_when_exchanges_go_and_go_from_the_finest_on() {
    let store = RedbStore::in_memory();
    let exchanges = some_exchanges(4 * 144);
    settle(&store, &exchanges).await;
    let ask = |bucket| Question {
        from: Minute::of(START),
        to: Minute::of(START) + DAYS * DAY,
        bucket,
        filter: Filter::default(),
        distributions: true,
    };
    let whole = store.answer(&ask(DAY)).await.expect("an answer");
    assert_eq!(whole.total.counts.requests, 576);
    while store.sweep_exchanges(START + Duration::from_secs(86_400), 50).await.expect("swept") > 0 {}
    assert_eq!(store.answer(&ask(DAY)).await.expect("an answer"), whole);
    let first = Minute::of(START);
    let keep = Kept { minutes: first + 2 * DAY, hours: first + DAY, days: Minute(0) };
    while store.sweep_sums(keep, 10).await.expect("swept") > 0 {}
    assert_eq!(store.kept().await.expect("kept"), keep);
    for bucket in [1, 60, DAY] {
        let answer = store.answer(&ask(bucket)).await.expect("an answer");
        assert_eq!(answer.total, whole.total, "{bucket}");
    }
    // Half a day that only days know is the whole of it, and half an hour that only hours know is a whole one.
    for (from, length, known) in [(DAY / 2, DAY / 2, 144), (DAY + 30, 30, 6)] {
        let from = first + from;
        let answer = store.answer(&Question { from, to: from + length, ..ask(1) }).await.expect("an answer");
        assert_eq!(answer.total.counts.requests, known);
    }
    let keep = Kept { days: first + DAY, ..keep };
    while store.sweep_sums(keep, 10).await.expect("swept") > 0 {}
    assert_eq!(store.answer(&ask(DAY)).await.expect("an answer").total.counts.requests, 432);
}

#[tokio::test]
async fn forgetting_leaves_nothing_behind() {
    let store = RedbStore::in_memory();
    let from = Minute::of(START);
    let day = Question { from, to: from + DAY, bucket: 60, ..Question::ever(Filter::default()) };
    for count in [50, 7] {
        settle(&store, &some_exchanges(count)).await;
        let settled = u64::from(count);
        for question in [&day, &Question::ever(Filter::default())] {
            let answer = store.answer(question).await.expect("an answer");
            assert_eq!(answer.total.counts.requests, settled);
        }
        assert_eq!(store.forget_exchanges().await.expect("forgotten"), settled);
        for question in [&day, &Question::ever(Filter::default())] {
            assert_eq!(store.answer(question).await.expect("an answer"), Answer::default());
        }
        assert_eq!(store.sessions(PageRequest { before: None, limit: 9 }).await.expect("a page"), []);
    }
}

#[tokio::test]
async fn clients_that_make_up_names_fill_no_more_than_their_room() {
    let store = RedbStore::in_memory();
    let named = |number: u64| {
        let mut exchange = some_exchanges(1).remove(0);
        exchange.model = Some(format!("model {number}").into());
        LedgerEntry::Settled(Box::new(exchange))
    };
    let most = sums::MOST_SERIES;
    let entries: Vec<_> = (0..most + 50).map(named).collect();
    store.append(&entries).await.expect("settled");
    let answer = store.answer(&Question::ever(Filter::default())).await.expect("an answer");
    assert_eq!(answer.total.counts.requests, most + 50);
    assert_eq!(answer.models[0].0.as_deref(), Some(sums::OTHERS));
    assert_eq!(answer.models[0].1.counts.requests, 50);
    let last: Arc<str> = format!("model {}", most + 49).into();
    let filter = Filter { models: Some(vec![Some(last.clone())]), ..Filter::default() };
    let found = store.find(&Wanted { filter, limit: 5, ..Wanted::default() }).await.expect("a page");
    assert_eq!(found.exchanges.iter().map(|exchange| exchange.model.clone()).collect::<Vec<_>>(), [Some(last)]);
}

#[tokio::test]
async fn numbers_that_begin_anew_stand_for_other_series() {
    let store = RedbStore::in_memory();
    let all = some_exchanges(2);
    let count = async |number: u8| {
        let filter = Filter { accounts: Some(vec![Some(account(number))]), ..Filter::default() };
        let wanted = Wanted { filter: filter.clone(), limit: 5, ..Wanted::default() };
        let answer = store.answer(&Question::ever(filter)).await.expect("an answer");
        (answer.total.counts.requests, store.find(&wanted).await.expect("a page").exchanges.len())
    };
    settle(&store, &all[..1]).await;
    assert_eq!((count(0).await, count(1).await), ((1, 1), (0, 0)));
    store.forget_exchanges().await.expect("forgotten");
    settle(&store, &all[1..]).await;
    assert_eq!((count(0).await, count(1).await), ((0, 0), (1, 1)));
}
