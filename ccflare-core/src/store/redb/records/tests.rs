//! The bytes of rows. If one of these tests fails, databases in the field can't be read any more: a changed row
//! needs a new version and keeps the decoder of the old one.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::domain::{
    Account, AccountId, Actor, Asker, AttemptRecord, AuditEntry, AuditId, ClientKey, ClientKeyId, Credential, Decision,
    Exchange, ExchangeId, Excluded, Fingerprint, Headroom, Intent, KeyDigest, Leaving, Limits, Mark, ModelUsage, Move,
    Named, NanoUsd, Preference, Ranked, Scope, Secret, Session, Timestamp, Timing, Tokens, Usage, Window,
};
use crate::store::redb::words::Words;

const AT: Timestamp = Timestamp::from_micros(1_800_000_000_123_456);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(byte).collect()
}

fn intent() -> Intent {
    Intent {
        id: ExchangeId::first_of(AT),
        at: AT,
        method: http::Method::POST,
        path: "/v1/messages".into(),
        model: Some("claude-opus-5-5".into()),
        request_bytes: 183_000,
        client_key: None,
        asker: None,
        preference: None,
    }
}

/// What nearly every row of the ledger looks like.
fn typical_exchange() -> Exchange {
    let attempt = AttemptRecord {
        account: Some((AccountId::from_bytes([9; 16]), "work-account".into())),
        choice: Choice::ActiveSession,
        started: Duration::from_micros(120),
        took: Duration::from_millis(912),
        status: Some(200),
        verdict: VerdictKind::Success,
        detail: None,
    };
    let tokens = Tokens {
        input: Some(12),
        output: Some(1300),
        cache_read: Some(120_000),
        cache_write_5m: Some(2300),
        cache_write_1h: Some(0),
    };
    Exchange {
        outcome: Outcome::Answered,
        status: Some(200),
        attempts: vec![attempt],
        timing: Timing {
            headers: Some(Duration::from_millis(912)),
            first_token: Some(Duration::from_millis(1200)),
            end: Some(Duration::from_secs(20)),
        },
        model: Some("claude-opus-5-5".into()),
        usage: Usage { tokens, ..Usage::default() },
        cost: Some(NanoUsd(123_456_789)),
        priced: Some("2026-11-24".into()),
        response_bytes: 45_000,
        ..Exchange::unfinished(intent(), Outcome::Answered)
    }
}

fn full_decision() -> Decision {
    let account = |byte, name: &str| Named { id: AccountId::from_bytes([byte; 16]), name: name.into() };
    let headroom =
        Headroom { size: 12, left: 0.25, window: Some("5h".into()), conversations: 3, in_flight: 2, expires: Some(AT) };
    let first = Ranked {
        account: account(9, "work"),
        priority: 0,
        choice: Choice::Conversation,
        headroom: Some(headroom),
        wait: Duration::from_millis(1500),
    };
    let second = Ranked {
        account: account(8, "home"),
        priority: 0,
        choice: Choice::FailOver,
        headroom: None,
        wait: Duration::ZERO,
    };
    let excluded = Excluded {
        account: account(7, "spent"),
        reason: ClosureReason::Quota,
        until: Some(AT),
        evidence: "7d rejected".into(),
    };
    let moved = Move {
        from: AccountId::from_bytes([7; 16]),
        from_name: Some("spent".into()),
        reason: Leaving::Refused(VerdictKind::Quota),
        cached_tokens: 150_000,
        price: Some(NanoUsd(720_000_000)),
    };
    Decision {
        strategy: "conversation".into(),
        candidates: vec![first, second],
        excluded: vec![excluded],
        unnamed: 4,
        moved: Some(moved),
    }
}

/// A row with something in every field.
fn full_exchange() -> Exchange {
    let mut exchange = typical_exchange();
    exchange.decision = Some(Box::new(full_decision()));
    let intent = Arc::make_mut(&mut exchange.intent);
    intent.method = http::Method::from_bytes(b"PURGE").expect("a method");
    intent.asker = Some(Arc::new(Asker {
        session: "s".into(),
        conversation: Fingerprint(5),
        subagent: Some("a".into()),
        is_subagent: true,
        parent: None,
        agent: Some("reviewer".into()),
        workspace: Some("/w".into()),
    }));
    intent.preference = Some(Preference { model: "p".into(), refused: Some("why".into()) });
    exchange.error = Some("error".into());
    exchange.model = Some("other".into());
    exchange.attempts[0].detail = Some("detail".into());
    exchange.usage = Usage {
        tokens: exchange.usage.tokens,
        iterations: vec![ModelUsage { model: Some("pass".to_owned()), tokens: Tokens::default() }],
        fast: true,
        batch: true,
        us_only: true,
        web_searches: 3,
    };
    exchange
}

fn full_account() -> Account {
    let window = Window {
        name: "5h".into(),
        status: Some("allowed".into()),
        utilization: Some(0.5),
        limit: Some(100),
        remaining: Some(50),
        resets: Some(AT),
        family: Some(ModelFamily::Haiku),
        observed: AT,
    };
    let mark = |reason, scope, until| Mark { reason, scope, since: AT, until, evidence: "said".into() };
    Account {
        id: AccountId::from_bytes([9; 16]),
        base_url: Some(Arc::new("https://api.example.com/".parse().expect("a URL"))),
        priority: 3,
        tier: Some(Tier::Five),
        paused: true,
        marks: vec![
            mark(ClosureReason::Quota, Scope::Family(ModelFamily::Opus), Some(AT)),
            mark(ClosureReason::NotEntitled, Scope::Model("m".into()), None),
            mark(ClosureReason::OnHold, Scope::Account, None),
        ],
        limits: Limits { windows: vec![window], observed: Some(AT), tier_hint: Some(Tier::Twenty) }.into(),
        organization: Some("org".into()),
        session: Some(Session { started: AT, requests: 2 }),
        requests: 300,
        last_used: Some(AT),
        ..Account::new("work", "anthropic", Credential::ApiKey(Secret::new("k")), AT)
    }
}

#[test]
fn an_intent_has_these_bytes() {
    let mut bytes = Vec::new();
    encode_intent(&intent(), &mut bytes).expect("a row");
    assert_eq!(hex(&bytes), INTENT_V2);
    assert_eq!(decode_intent(intent().id, &bytes).expect("an intent"), intent());
}

#[test]
fn an_exchange_has_these_bytes() {
    let words = Words::default();
    for (exchange, golden) in [(typical_exchange(), TYPICAL_EXCHANGE_V4), (full_exchange(), FULL_EXCHANGE_V4)] {
        let mut bytes = Vec::new();
        encode_exchange(&exchange, &words, &mut bytes).expect("a row");
        assert_eq!(hex(&bytes), golden);
        assert_eq!(decode_exchange(exchange.intent.id, &bytes, &words).expect("an exchange"), exchange);
    }
}

#[test]
fn a_row_that_says_who_gave_the_order_is_one_of_the_version_before_with_that_behind_it() {
    let ordered = |intent: Intent| {
        let asker = Asker { parent: Some("p".into()), ..Arc::unwrap_or_clone(intent.asker.expect("an asker")) };
        Intent { asker: Some(Arc::new(asker)), ..intent }
    };
    let words = Words::default();
    // Words have the numbers that they have among the bytes above.
    encode_exchange(&typical_exchange(), &words, &mut Vec::new()).expect("a row");
    let mut bytes = Vec::new();
    let exchange = Exchange { intent: ordered(Arc::unwrap_or_clone(full_exchange().intent)).into(), ..full_exchange() };
    encode_exchange(&exchange, &words, &mut bytes).expect("a row");
    assert_eq!(hex(&bytes), format!("05{}0170", &FULL_EXCHANGE_V4[2..]));
    assert_eq!(decode_exchange(exchange.intent.id, &bytes, &words).expect("an exchange"), exchange);

    let (mut bytes, mut without) = (Vec::new(), Vec::new());
    encode_intent(&full_exchange().intent, &mut without).expect("a row");
    encode_intent(&exchange.intent, &mut bytes).expect("a row");
    assert_eq!(hex(&bytes), format!("03{}0170", &hex(&without)[2..]));
    assert_eq!(decode_intent(exchange.intent.id, &bytes).expect("an intent"), *exchange.intent);
}

#[test]
fn rows_of_version_3_spell_out_everything_and_are_read() {
    for (exchange, bytes) in [(typical_exchange(), TYPICAL_EXCHANGE_V3), (full_exchange(), FULL_EXCHANGE_V3)] {
        let read = decode_exchange(exchange.intent.id, &unhex(bytes), &Words::default()).expect("an exchange");
        assert_eq!(read, exchange);
    }
}

#[test]
fn what_has_no_room_among_the_words_is_spelt_out() {
    let full = Words::default();
    for number in 0..70_000_u32 {
        full.number(&number.to_be_bytes());
    }
    for exchange in [typical_exchange(), full_exchange()] {
        let mut bytes = Vec::new();
        encode_exchange(&exchange, &full, &mut bytes).expect("a row");
        assert_eq!(decode_exchange(exchange.intent.id, &bytes, &Words::default()).expect("an exchange"), exchange);
    }
}

#[test]
fn sessions_come_back_letter_by_letter() {
    let ids = [
        "b45df50c-d2fb-48a7-9a44-2f0d4f6a9c11",
        "B45DF50C-D2FB-48A7-9A44-2F0D4F6A9C11",
        "b45df50cd2fb48a79a442f0d4f6a9c11",
        "x",
        "",
    ];
    for id in ids {
        let mut exchange = full_exchange();
        let intent = Arc::make_mut(&mut exchange.intent);
        intent.asker = intent.asker.take().map(|asker| Arc::new(Asker { session: id.into(), ..(*asker).clone() }));
        let (words, mut bytes) = (Words::default(), Vec::new());
        encode_exchange(&exchange, &words, &mut bytes).expect("a row");
        assert_eq!(decode_exchange(exchange.intent.id, &bytes, &words).expect("an exchange"), exchange);
    }
}

/// However many accounts there are: where nothing is measured, their order is a word.
#[test]
fn an_order_without_measurements_is_written_once() {
    let ranked = |number: u8| Ranked {
        account: Named { id: AccountId::from_bytes([number; 16]), name: format!("account {number}").into() },
        priority: 3,
        choice: Choice::FailOver,
        headroom: None,
        wait: Duration::ZERO,
    };
    let mut exchange = typical_exchange();
    let (words, mut plain, mut decided) = (Words::default(), Vec::new(), Vec::new());
    encode_exchange(&exchange, &words, &mut plain).expect("a row");
    let decision =
        Decision { candidates: (0..100).map(ranked).collect(), excluded: vec![], moved: None, ..full_decision() };
    exchange.decision = Some(Box::new(decision));
    encode_exchange(&exchange, &words, &mut decided).expect("a row");
    assert!(decided.len() <= plain.len() + 4, "{} and {} bytes", plain.len(), decided.len());
    assert_eq!(decode_exchange(exchange.intent.id, &decided, &words).expect("an exchange"), exchange);
}

#[test]
fn rows_of_version_2_tell_nothing_of_the_decision_and_are_read() {
    for (mut exchange, bytes) in [(typical_exchange(), TYPICAL_EXCHANGE_V2), (full_exchange(), FULL_EXCHANGE_V2)] {
        exchange.decision = None;
        assert_eq!(
            decode_exchange(exchange.intent.id, &unhex(bytes), &Words::default()).expect("an exchange"),
            exchange
        );
    }
}

#[test]
fn rows_of_version_1_tell_nothing_of_who_asks_and_are_read() {
    let anonymous = |mut exchange: Exchange| {
        exchange.decision = None;
        let intent = Arc::make_mut(&mut exchange.intent);
        (intent.asker, intent.preference) = (None, None);
        exchange
    };
    for (exchange, bytes) in [(typical_exchange(), TYPICAL_EXCHANGE_V1), (full_exchange(), FULL_EXCHANGE_V1)] {
        let read = decode_exchange(exchange.intent.id, &unhex(bytes), &Words::default()).expect("an exchange");
        assert_eq!(read, anonymous(exchange));
    }
    assert_eq!(decode_intent(intent().id, &unhex(INTENT_V1)).expect("an intent"), intent());
}

#[test]
fn an_account_has_these_bytes() {
    let placed = PlacedAccount { place: 5, account: full_account() };
    let bytes = encode_account(&placed).expect("a row");
    assert_eq!(hex(&bytes), ACCOUNT_V2);
    let credential = Credential::ApiKey(Secret::new("k"));
    let decoded = decode_account(placed.account.id, credential, &bytes).expect("an account");
    assert_eq!(format!("{decoded:#?}"), format!("{placed:#?}"));
}

#[test]
fn an_account_of_version_1_tells_nothing_of_what_its_windows_are_for_and_is_read() {
    let mut placed = PlacedAccount { place: 5, account: full_account() };
    let window = &mut Arc::make_mut(&mut placed.account.limits).windows[0];
    (window.family, window.observed) = (None, Timestamp::default());
    let credential = Credential::ApiKey(Secret::new("k"));
    let decoded = decode_account(placed.account.id, credential, &unhex(ACCOUNT_V1)).expect("an account");
    assert_eq!(format!("{decoded:#?}"), format!("{placed:#?}"));
}

#[test]
fn a_client_key_has_these_bytes() {
    let key = ClientKey {
        id: ClientKeyId::from_bytes([3; 16]),
        name: "laptop".into(),
        digest: KeyDigest::from_bytes([0xab; 32]),
        created: AT,
        expires: Some(AT),
        revoked: None,
        models: vec!["m*".into()],
        accounts: vec![AccountId::from_bytes([9; 16])],
        last_used: Some(AT),
    };
    let bytes = encode_client_key(&key).expect("a row");
    assert_eq!(hex(&bytes), CLIENT_KEY_V1);
    assert_eq!(decode_client_key(key.id, Some(AT.as_micros()), &bytes).expect("a key"), key);
}

#[test]
fn an_audit_entry_has_these_bytes() {
    let entry = AuditEntry {
        id: AuditId::from_bytes([3; 16]),
        at: AT,
        actor: Actor::Token("::1".into()),
        action: "key.create".into(),
        subject: "laptop".into(),
        refused: Some("no".into()),
    };
    let bytes = encode_audit(&entry).expect("a row");
    assert_eq!(hex(&bytes), AUDIT_V1);
    assert_eq!(decode_audit(entry.id, &bytes).expect("an entry"), entry);
}

#[test]
fn a_credential_has_these_bytes() {
    let bytes = encode_credential(&Credential::ApiKey(Secret::new("sk-key"))).expect("a row");
    assert_eq!(hex(&bytes), "010006736b2d6b6579");
    let Credential::ApiKey(key) = decode_credential(&bytes).expect("a credential") else { panic!("it is a key") };
    assert_eq!(key.expose(), "sk-key");
}

#[test]
fn a_typical_exchange_takes_few_bytes() {
    let mut bytes = Vec::new();
    encode_exchange(&typical_exchange(), &Words::default(), &mut bytes).expect("a row");
    assert!(bytes.len() <= 110, "{} bytes", bytes.len());
}

#[test]
fn unknown_versions_and_codes_are_refused() {
    let id = intent().id;
    assert!(matches!(decode_exchange(id, &[99], &Words::default()), Err(RecordError::Codec(CodecError::Version(99)))));
    assert!(matches!(decode_intent(id, &[9]), Err(RecordError::Codec(CodecError::Version(9)))));
    assert!(matches!(Outcome::of_code(5), Err(RecordError::Field { field: "Outcome", .. })));
    assert!(matches!(Tier::of_code(2), Err(RecordError::Field { field: "Tier", .. })));
}

/// Every reason for leaving, each with a code of its own.
#[test]
fn every_reason_for_leaving_comes_back() {
    let reasons = [
        Leaving::Closed(ClosureReason::Throttled),
        Leaving::Gone,
        Leaving::Refused(VerdictKind::Network),
        Leaving::Compacted,
        Leaving::Idle,
        Leaving::Uncached,
    ];
    for reason in reasons {
        let mut exchange = full_exchange();
        exchange.decision.as_mut().and_then(|decision| decision.moved.as_mut()).expect("a move").reason = reason;
        let (words, mut bytes) = (Words::default(), Vec::new());
        encode_exchange(&exchange, &words, &mut bytes).expect("a row");
        assert_eq!(decode_exchange(exchange.intent.id, &bytes, &words).expect("an exchange"), exchange);
    }
}

proptest! {
    #[test]
    fn damaged_rows_are_errors_or_values_but_never_panics(position in 0..160_usize, byte in any::<u8>()) {
        let mut bytes = Vec::new();
        encode_exchange(&typical_exchange(), &Words::default(), &mut bytes).expect("a row");
        let position = position % bytes.len();
        bytes[position] = byte;
        let _ = decode_exchange(intent().id, &bytes, &Words::default());

        let mut bytes = encode_account(&PlacedAccount { place: 5, account: full_account() }).expect("a row");
        bytes[position] = byte;
        let _ = decode_account(AccountId::from_bytes([9; 16]), Credential::ApiKey(Secret::new("k")), &bytes);
    }
}

const INTENT_V2: &str =
    "02fd80c434512eca0c00010c2f76312f6d65737361676573010f636c617564652d6f7075732d352d35fcd8ca0200000000";
const TYPICAL_EXCHANGE_V4: &str = "04fb9003010000010001fcd8ca02000000000001c800010100020078fc80ea0d0001c8000001fc80ea0d0001fc804f120001\
    fc002d310101010c01fb140501fcc0d4010001fbfc080100000000000001fc15cd5b07010003fbc8af0000";
const FULL_EXCHANGE_V4: &str = "04fb9003070550555247450000010001fcd8ca02000001010173050101610101000401000501000601037768790001c80105\
    6572726f72010100020078fc80ea0d0001c800010664657461696c01fc80ea0d0001fc804f120001fc002d310102056f7468\
    6572010c01fb140501fcc0d4010001fbfc0801000101047061737300000000000101010301fc15cd5b07010003fbc8af0101\
    00070200080006010cfbc409010009030202fd80c434512eca0c00fc60e31600000a0002000001000b0401fd80c434512eca\
    0c00000c0401fe0707070707070707070707070707070701057370656e740204fcf049020001fc0054ea2a";
const TYPICAL_EXCHANGE_V3: &str = "03fd80c434512eca0c00010c2f76312f6d65737361676573010f636c617564652d6f7075732d352d35fcd8ca020000000000\
    01c8000101fe090909090909090909090909090909090c776f726b2d6163636f756e740078fc80ea0d0001c8000001fc80ea\
    0d0001fc804f120001fc002d310101010c01fb140501fcc0d4010001fbfc080100000000000001fc15cd5b07010a32303236\
    2d31312d3234fbc8af00";
const FULL_EXCHANGE_V3: &str = "03fd80c434512eca0c00070550555247450c2f76312f6d65737361676573010f636c617564652d6f7075732d352d35fcd8ca\
    02000001017305010161010108726576696577657201022f7701017001037768790001c801056572726f720101fe09090909\
    0909090909090909090909090c776f726b2d6163636f756e740078fc80ea0d0001c800010664657461696c01fc80ea0d0001\
    fc804f120001fc002d310102056f74686572010c01fb140501fcc0d4010001fbfc0801000101047061737300000000000101\
    010301fc15cd5b07010a323032362d31312d3234fbc8af010c636f6e766572736174696f6e02fe0909090909090909090909\
    090909090904776f726b06010000803e0102356803020000003f01fd80c434512eca0c00fc60e31600fe0808080808080808\
    080808080808080804686f6d6502000001fe07070707070707070707070707070707057370656e740401fd80c434512eca0c\
    000b37642072656a65637465640401fe0707070707070707070707070707070701057370656e740204fcf049020001fc0054\
    ea2a";
const TYPICAL_EXCHANGE_V2: &str = "02fd80c434512eca0c00010c2f76312f6d65737361676573010f636c617564652d6f7075732d352d35fcd8ca020000000000\
    01c8000101fe090909090909090909090909090909090c776f726b2d6163636f756e740078fc80ea0d0001c8000001fc80ea\
    0d0001fc804f120001fc002d310101010c01fb140501fcc0d4010001fbfc080100000000000001fc15cd5b07010a32303236\
    2d31312d3234fbc8af";
const FULL_EXCHANGE_V2: &str = "02fd80c434512eca0c00070550555247450c2f76312f6d65737361676573010f636c617564652d6f7075732d352d35fcd8ca\
    02000001017305010161010108726576696577657201022f7701017001037768790001c801056572726f720101fe09090909\
    0909090909090909090909090c776f726b2d6163636f756e740078fc80ea0d0001c800010664657461696c01fc80ea0d0001\
    fc804f120001fc002d310102056f74686572010c01fb140501fcc0d4010001fbfc0801000101047061737300000000000101\
    010301fc15cd5b07010a323032362d31312d3234fbc8af";
const INTENT_V1: &str =
    "01fd80c434512eca0c00010c2f76312f6d65737361676573010f636c617564652d6f7075732d352d35fcd8ca020000";
const TYPICAL_EXCHANGE_V1: &str = "01fd80c434512eca0c00010c2f76312f6d65737361676573010f636c617564652d6f7075732d352d35fcd8ca0200000001c800\
    0101fe090909090909090909090909090909090c776f726b2d6163636f756e740078fc80ea0d0001c8000001fc80ea0d0001\
    fc804f120001fc002d310101010c01fb140501fcc0d4010001fbfc080100000000000001fc15cd5b07010a323032362d3131\
    2d3234fbc8af";
const FULL_EXCHANGE_V1: &str = "01fd80c434512eca0c00070550555247450c2f76312f6d65737361676573010f636c617564652d6f7075732d352d35fcd8ca\
    0200000001c801056572726f720101fe090909090909090909090909090909090c776f726b2d6163636f756e740078fc80ea0d\
    0001c800010664657461696c01fc80ea0d0001fc804f120001fc002d310102056f74686572010c01fb140501fcc0d4010001\
    fbfc0801000101047061737300000000000101010301fc15cd5b07010a323032362d31312d3234fbc8af";
const ACCOUNT_V2: &str = "020504776f726b09616e7468726f706963011868747470733a2f2f6170692e6578616d706c652e636f6d2f030105fd80c434\
    512eca0c000103040100fd80c434512eca0c0001fd80c434512eca0c0004736169640602016dfd80c434512eca0c00000473\
    6169640300fd80c434512eca0c00000473616964010235680107616c6c6f77656401000000000000e03f0164013201fd80c4\
    34512eca0c0001fd80c434512eca0c00011401036f726701fd80c434512eca0c0002fb2c0101fd80c434512eca0c00010102\
    fd80c434512eca0c00";
const ACCOUNT_V1: &str = "010504776f726b09616e7468726f706963011868747470733a2f2f6170692e6578616d706c652e636f6d2f030105fd80c434\
    512eca0c000103040100fd80c434512eca0c0001fd80c434512eca0c0004736169640602016dfd80c434512eca0c00000473\
    6169640300fd80c434512eca0c00000473616964010235680107616c6c6f77656401000000000000e03f0164013201fd80c4\
    34512eca0c0001fd80c434512eca0c00011401036f726701fd80c434512eca0c0002fb2c0101fd80c434512eca0c00";
const CLIENT_KEY_V1: &str = "01066c6170746f70ababababababababababababababababababababababababababababababababfd80c434512eca0c0001fd80c434512eca0c000001026d2a01fe09090909090909090909090909090909";
const AUDIT_V1: &str = "01fd80c434512eca0c0001033a3a310a6b65792e637265617465066c6170746f7001026e6f";
