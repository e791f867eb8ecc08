use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::{Account, Asker, Credential, Secret, Tokens};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const OPUS: &str = "claude-opus-5-5";
const HAIKU: &str = "claude-haiku-5-5";

fn id(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

fn after(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn facts(session: u128, model: &str) -> RequestFacts {
    RequestFacts { session: Some(SessionKey(session)), model: Some(model.into()), ..RequestFacts::default() }
}

fn begin(session: u128, prefix: u128) -> RequestFacts {
    RequestFacts { prefix: Some(Fingerprint(prefix)), ..facts(session, OPUS) }
}

fn by_subagent(facts: RequestFacts) -> RequestFacts {
    let asker = Asker {
        session: "s".into(),
        conversation: Fingerprint(1),
        subagent: None,
        is_subagent: true,
        parent: None,
        agent: None,
        workspace: None,
    };
    RequestFacts { asker: Some(asker.into()), ..facts }
}

fn usage(read: u64, written: u64) -> Usage {
    let tokens = Tokens { cache_read: Some(read), cache_write_5m: Some(written), ..Tokens::default() };
    Usage { tokens, ..Usage::default() }
}

fn standings() -> Vec<Standing> {
    let account = |number| {
        let mut account = Account::new("a", "anthropic", Credential::ApiKey(Secret::new("k")), NOW);
        account.id = id(number);
        Standing { account: Arc::new(account), in_flight: 0 }
    };
    (1..4).map(account).collect()
}

fn turn(bindings: &Bindings, account: u8, facts: &RequestFacts, cached: u64, at: Timestamp) {
    bindings.begins(id(account), facts, at);
    bindings.answered(id(account), facts, at);
    bindings.ended(id(account), facts, &usage(cached, 0), at);
}

fn recall(bindings: &Bindings, facts: &RequestFacts, at: Timestamp) -> Option<Bound> {
    bindings.recall(&standings(), facts, at).bound
}

#[test]
fn a_session_is_known_from_its_first_attempt_on_and_its_cache_from_its_first_answer_on() {
    let bindings = Bindings::default();
    let facts = begin(1, 7);
    assert_eq!(recall(&bindings, &facts, NOW), None);
    bindings.begins(id(2), &facts, NOW);
    let known = recall(&bindings, &facts, NOW).expect("bound");
    assert_eq!((known.lane.account, known.lane.cached, known.is_fork), (id(2), None, false));
    bindings.answered(id(2), &facts, after(1));
    bindings.ended(id(2), &facts, &usage(100, 20), after(1));
    let known = recall(&bindings, &facts, NOW).expect("bound");
    assert_eq!((known.lane.account, known.lane.cached), (id(2), Some(120)));
}

#[test]
fn who_answers_is_where_the_conversation_lives_and_a_straggler_changes_nothing() {
    let bindings = Bindings::default();
    let facts = facts(1, OPUS);
    turn(&bindings, 1, &facts, 100, NOW);
    bindings.begins(id(2), &facts, after(1));
    assert_eq!(recall(&bindings, &facts, NOW).expect("bound").lane.account, id(1), "asking alone moves nothing");
    bindings.answered(id(2), &facts, after(1));
    bindings.ended(id(1), &facts, &usage(999, 0), after(2));
    let lane = recall(&bindings, &facts, NOW).expect("bound").lane;
    assert_eq!((lane.account, lane.cached), (id(2), None));
}

#[test]
fn each_family_has_a_lane_and_a_new_one_begins_at_home() {
    let bindings = Bindings::default();
    turn(&bindings, 1, &facts(1, OPUS), 100, NOW);
    let lane = recall(&bindings, &facts(1, HAIKU), NOW).expect("bound").lane;
    assert_eq!((lane.account, lane.cached), (id(1), Some(0)));
    turn(&bindings, 3, &facts(1, HAIKU), 50, after(1));
    assert_eq!(recall(&bindings, &facts(1, OPUS), NOW).expect("bound").lane.account, id(1));
    assert_eq!(recall(&bindings, &facts(1, HAIKU), NOW).expect("bound").lane.account, id(3));
}

#[test]
fn a_sub_agent_is_where_its_cache_is_and_without_one_where_its_session_is() {
    let bindings = Bindings::default();
    let (main, sub) = (facts(1, OPUS), by_subagent(facts(1, HAIKU)));
    turn(&bindings, 1, &main, 100, NOW);
    turn(&bindings, 3, &sub, 50, after(1));
    let known = recall(&bindings, &sub, after(2)).expect("bound");
    assert_eq!((known.lane.account, known.lane.cached, known.home, known.is_tied), (id(3), Some(50), id(1), true));
    turn(&bindings, 2, &main, 100, after(200));
    let known = recall(&bindings, &sub, after(302)).expect("bound");
    assert_eq!((known.lane.account, known.lane.cached, known.is_tied), (id(2), Some(0), true));
    assert!(recall(&bindings, &sub, after(3000)).expect("bound").is_tied, "however long nothing was asked");
}

#[test]
fn what_asks_beside_the_main_thread_makes_nothing_less_of_its_cache() {
    let main = RequestFacts { hour_cache: true, ..facts(1, OPUS) };
    let aside = RequestFacts { aside: true, ..facts(1, OPUS) };
    for other in [by_subagent(facts(1, OPUS)), aside.clone()] {
        let bindings = Bindings::default();
        turn(&bindings, 1, &main, 150_000, NOW);
        turn(&bindings, 1, &other, 0, after(60));
        let known = recall(&bindings, &main, after(60 + 6 * 60)).expect("bound");
        assert_eq!((known.lane.cached, known.lane.hour), (Some(150_000), true));
        assert!(known.lane.is_alive(after(60 + 6 * 60)));
    }
    let bindings = Bindings::default();
    turn(&bindings, 1, &main, 150_000, NOW);
    turn(&bindings, 2, &RequestFacts { model: Some(HAIKU.into()), ..aside }, 0, after(1));
    assert_eq!(recall(&bindings, &by_subagent(facts(1, "other")), after(2)).map(|bound| bound.home), Some(id(1)));
}

#[test]
fn a_session_is_tied_to_its_account_while_a_sub_agents_cache_lives() {
    let bindings = Bindings::default();
    let (main, sub) = (facts(1, OPUS), by_subagent(facts(1, HAIKU)));
    turn(&bindings, 1, &main, 100, NOW);
    assert!(!recall(&bindings, &main, after(1)).expect("bound").is_tied);
    turn(&bindings, 1, &sub, 50, after(200));
    assert!(recall(&bindings, &main, after(400)).expect("bound").is_tied);
    assert!(!recall(&bindings, &main, after(501)).expect("bound").is_tied);
    assert_eq!(recall(&bindings, &main, after(501)).expect("bound").home, id(1));
}

#[test]
fn what_a_session_would_lose_is_its_longest_prompt() {
    let bindings = Bindings::default();
    let main = facts(1, OPUS);
    turn(&bindings, 1, &main, 100_000, NOW);
    turn(&bindings, 1, &by_subagent(main.clone()), 5_000, after(1));
    assert_eq!(recall(&bindings, &main, NOW).expect("bound").lane.cached, Some(100_000));
    turn(&bindings, 1, &main, 8_000, after(2));
    assert_eq!(recall(&bindings, &main, NOW).expect("bound").lane.cached, Some(8_000));
}

#[test]
fn a_fork_finds_its_parent_by_how_it_begins_until_the_parent_begins_anew() {
    let bindings = Bindings::default();
    turn(&bindings, 3, &begin(1, 7), 100, NOW);
    let fork = recall(&bindings, &begin(2, 7), NOW).expect("a parent");
    assert_eq!((fork.lane.account, fork.lane.cached, fork.is_fork), (id(3), Some(100), true));
    bindings.begins(id(3), &begin(2, 7), after(1));
    let known = recall(&bindings, &begin(2, 7), after(1)).expect("bound");
    assert_eq!((known.lane.cached, known.is_fork), (Some(100), false), "it has inherited the cache");

    let compacted = RequestFacts { compacted: true, ..begin(2, 9) };
    turn(&bindings, 3, &compacted, 40, after(2));
    assert!(recall(&bindings, &begin(5, 9), after(2)).is_some_and(|bound| bound.is_fork));
    assert_eq!(recall(&bindings, &begin(5, 7), after(2)), None);
}

#[test]
fn others_are_counted_and_oneself_is_not() {
    let bindings = Bindings::default();
    for (session, account) in [(1, 1), (2, 1), (3, 2)] {
        turn(&bindings, account, &facts(session, OPUS), 1, NOW);
    }
    let counts = |session, seconds| bindings.recall(&standings(), &facts(session, OPUS), after(seconds)).conversations;
    assert_eq!(counts(9, 0), [2, 1, 0]);
    assert_eq!(counts(1, 0), [1, 1, 0]);
    turn(&bindings, 3, &facts(1, OPUS), 1, after(1));
    assert_eq!(counts(9, 1), [1, 1, 1]);
    assert_eq!(counts(9, 302), [0, 0, 0], "their caches have died");
}

#[test]
fn what_is_old_or_too_much_is_forgotten() {
    let most = NonZeroUsize::new(2).expect("not 0");
    let bindings = Bindings::new(BindingsOptions { most, ..BindingsOptions::default() });
    bindings.journal();
    for session in 1..=3 {
        turn(&bindings, 1, &begin(session, session), 1, after(u64::try_from(session).expect("small")));
    }
    assert_eq!(recall(&bindings, &begin(1, 1), after(3)), None);
    assert_eq!(bindings.len(), 2);
    assert_eq!(recall(&bindings, &begin(2, 2), after(5 * 3600 + 3)), None, "it is too old");
    let (kept, gone) = bindings.take_changes(after(5 * 3600 + 3));
    assert_eq!((kept.len(), gone.len(), bindings.len()), (1, 2, 1));
}

#[test]
fn what_has_changed_is_written_once_and_comes_back() {
    let bindings = Bindings::default();
    bindings.journal();
    turn(&bindings, 2, &begin(1, 7), 100, NOW);
    turn(&bindings, 2, &begin(1, 7), 200, after(1));
    let (kept, gone) = bindings.take_changes(after(1));
    assert_eq!((kept.len(), gone.len()), (1, 0));
    assert_eq!(bindings.take_changes(after(1)).0, []);
    bindings.give_back(&kept, &gone);
    assert_eq!(bindings.take_changes(after(1)).0, kept);

    let again = Bindings::remembering(BindingsOptions::default(), kept.clone(), after(2));
    assert_eq!(recall(&again, &begin(1, 7), after(2)), recall(&bindings, &begin(1, 7), after(2)));
    assert!(recall(&again, &begin(2, 7), after(2)).is_some_and(|bound| bound.is_fork));
    let too_late = Bindings::remembering(BindingsOptions::default(), kept, after(6 * 3600));
    assert!(too_late.is_empty());
}

proptest! {
    /// Whatever happens in whatever order: the bounds hold, looking changes nothing, and the counts are those of a
    /// recount.
    #[test]
    fn the_bounds_hold(steps in prop::collection::vec((0_u128..6, 1_u8..4, 0_u8..4, 0_u64..400), 0..80)) {
        let most = NonZeroUsize::new(4).expect("not 0");
        let options = BindingsOptions { most, life: Duration::from_secs(1000) };
        let bindings = Bindings::new(options);
        bindings.journal();
        let mut now = NOW;
        for (session, account, step, passes) in steps {
            let facts = begin(session, session / 2);
            match step {
                0 => bindings.begins(id(account), &facts, now),
                1 => bindings.answered(id(account), &facts, now),
                2 => bindings.ended(id(account), &facts, &usage(5, 5), now),
                _ => now = now + Duration::from_secs(passes),
            }
            let once = bindings.recall(&standings(), &facts, now);
            let again = bindings.recall(&standings(), &facts, now);
            prop_assert_eq!(format!("{once:?}"), format!("{again:?}"));
            let state = bindings.state.lock();
            prop_assert!(state.sessions.len() <= most.get());
            prop_assert!(state.prefixes.len() <= most.get());
            prop_assert!(state.changed.iter().all(|session| state.sessions.contains(session)));
            prop_assert!(state.gone.iter().all(|session| !state.sessions.contains(session)));
        }
    }
}
