use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::prelude::*;

use super::*;

/// 2026-11-24T08:00:00Z, in the wire's own seconds 1795507200.
const NOW: Timestamp = Timestamp::from_seconds(1_795_507_200);
const OPUS: Option<&str> = Some("claude-opus-5-5");
const HAIKU: Option<&str> = Some("claude-haiku-5-5");

fn headers(lines: &str) -> HeaderMap {
    let pairs = lines.lines().filter_map(|line| line.trim().split_once(": "));
    pairs
        .map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            (name, value.parse().expect("a value"))
        })
        .collect()
}

fn judge(status: u16, lines: &str, body: &str, model: Option<&str>) -> Verdict {
    let headers = headers(lines);
    let status = StatusCode::from_u16(status).expect("a status");
    classify(Answer { status, headers: &headers, body: body.as_bytes(), model }, NOW)
}

fn after(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn quota(scope: Scope, seconds: u64, evidence: &str) -> Verdict {
    Verdict::Quota { scope, until: after(seconds), evidence: evidence.to_owned() }
}

fn throttle(millis: u64) -> Verdict {
    Verdict::Throttle { retry_after: Duration::from_millis(millis) }
}

fn overload(seconds: Option<u64>) -> Verdict {
    Verdict::Overload { retry_after: seconds.map(Duration::from_secs) }
}

fn billing(seconds: Option<u64>, evidence: &str) -> Verdict {
    Verdict::Billing { until: seconds.map(after), evidence: evidence.to_owned() }
}

fn hold(evidence: &str) -> Verdict {
    Verdict::Hold { evidence: evidence.to_owned() }
}

fn credential(evidence: &str) -> Verdict {
    Verdict::Credential { evidence: evidence.to_owned() }
}

fn entitlement(evidence: &str) -> Verdict {
    Verdict::Entitlement { evidence: evidence.to_owned() }
}

/// An error in the API's shape.
fn error(kind: &str, message: &str) -> String {
    serde_json::json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}).to_string()
}

/// An error with a machine-readable code.
fn coded(kind: &str, code: &str) -> String {
    let error = serde_json::json!({"type": kind, "message": "No.", "details": {"error_code": code}});
    serde_json::json!({"type": "error", "error": error}).to_string()
}

#[test]
fn good_answers_are_good_whatever_their_headers_say_of_limits() {
    let rejected = "anthropic-ratelimit-unified-status: rejected\nanthropic-ratelimit-unified-5h-status: rejected";
    for status in [200, 201, 204, 304, 307] {
        assert_eq!(judge(status, rejected, "", OPUS), Verdict::Success, "{status}");
    }
}

#[test]
fn what_the_request_is_to_blame_for_closes_nothing() {
    for (status, body) in [
        (400, error("invalid_request_error", "messages: at least one message is required")),
        (400, error("invalid_request_error", "thinking block is bound to a different conversation")),
        (400, coded("invalid_request_error", "request_body_encoding_unsupported")),
        (400, String::new()),
        (404, error("not_found_error", "Not Found")),
        (404, coded("not_found_error", "thread_not_found")),
        (404, error("not_found_error", "message batch msgbatch_01 not found")),
        (404, "<html>not here</html>".to_owned()),
        (405, String::new()),
        (408, error("timeout_error", "Timed out")),
        (409, error("conflict_error", "Conflict")),
        (413, "<html>413 Request Entity Too Large</html>".to_owned()),
        (422, error("invalid_request_error", "No.")),
        (499, String::new()),
        (501, error("not_supported", "No.")),
        (505, String::new()),
        (403, "<html>Attention Required!</html>".to_owned()),
        (403, error("forbidden", "Request not allowed")),
        (
            401,
            error(
                "authentication_error",
                "CORS requests are not allowed for this Organization because of its settings.",
            ),
        ),
    ] {
        assert_eq!(judge(status, "", &body, OPUS), Verdict::Request, "{status} {body}");
    }
}

#[test]
fn a_used_up_window_closes_what_it_is_for_until_its_reset() {
    let opus = || Scope::Family(ModelFamily::Opus);
    for (name, lines, model, expected) in [
        (
            "the five-hour window",
            "anthropic-ratelimit-unified-status: rejected
             anthropic-ratelimit-unified-reset: 1795510800
             anthropic-ratelimit-unified-representative-claim: five_hour
             anthropic-ratelimit-unified-5h-status: rejected
             anthropic-ratelimit-unified-5h-reset: 1795510800
             anthropic-ratelimit-unified-5h-utilization: 1.0
             anthropic-ratelimit-unified-7d-status: allowed
             anthropic-ratelimit-unified-7d-reset: 1795900000
             retry-after: 3600",
            OPUS,
            quota(Scope::Account, 3600, "5h rejected"),
        ),
        (
            "five hours and seven days: the latest reset, uncapped",
            "anthropic-ratelimit-unified-5h-status: rejected
             anthropic-ratelimit-unified-5h-reset: 1795510800
             anthropic-ratelimit-unified-7d-status: rejected
             anthropic-ratelimit-unified-7d-reset: 1796112000
             retry-after: 3600",
            OPUS,
            quota(Scope::Account, 604_800, "5h rejected, 7d rejected"),
        ),
        (
            "a model window alone, with a retry-after of 27 hours (CLIProxyAPI 5920)",
            "anthropic-ratelimit-unified-status: rejected
             anthropic-ratelimit-unified-reset: 1795604400
             anthropic-ratelimit-unified-representative-claim: seven_day_overage_included
             anthropic-ratelimit-unified-5h-status: allowed
             anthropic-ratelimit-unified-7d-status: allowed
             anthropic-ratelimit-unified-7d_oi-status: rejected
             anthropic-ratelimit-unified-7d_oi-reset: 1795604400
             anthropic-ratelimit-unified-7d_oi-utilization: 1.04
             retry-after: 97200",
            Some("claude-fable-5-2"),
            quota(Scope::Family(ModelFamily::Fable), 97_200, "7d_oi rejected"),
        ),
        (
            "a model window named after its family",
            "anthropic-ratelimit-unified-7d_opus-status: rejected
             anthropic-ratelimit-unified-7d_opus-reset: 1795510800",
            None,
            quota(opus(), 3600, "7d_opus rejected"),
        ),
        (
            "an account window beside a longer model window",
            "anthropic-ratelimit-unified-7d_opus-status: rejected
             anthropic-ratelimit-unified-7d_opus-reset: 1796112000
             anthropic-ratelimit-unified-5h-status: rejected
             anthropic-ratelimit-unified-5h-reset: 1795510800",
            OPUS,
            quota(Scope::Account, 3600, "5h rejected"),
        ),
        (
            "a window of another family is not what refused this",
            "anthropic-ratelimit-unified-status: allowed
             anthropic-ratelimit-unified-7d_opus-status: rejected
             anthropic-ratelimit-unified-7d_opus-reset: 1796112000
             retry-after: 5",
            HAIKU,
            throttle(5000),
        ),
        (
            "only the overall statement, for the account",
            "anthropic-ratelimit-unified-status: rejected
             anthropic-ratelimit-unified-reset: 1795510800
             anthropic-ratelimit-unified-representative-claim: seven_day",
            OPUS,
            quota(Scope::Account, 3600, "7d rejected"),
        ),
        (
            "only the overall statement, for a model",
            "anthropic-ratelimit-unified-status: rejected
             anthropic-ratelimit-unified-reset: 1795510800
             anthropic-ratelimit-unified-representative-claim: seven_day_opus
             anthropic-ratelimit-unified-5h-status: allowed
             anthropic-ratelimit-unified-7d-status: allowed_warning",
            OPUS,
            quota(opus(), 3600, "7d_opus rejected"),
        ),
        (
            "only the overall statement, about nothing in particular",
            "anthropic-ratelimit-unified-status: rejected\nanthropic-ratelimit-unified-reset: 1795510800",
            OPUS,
            quota(Scope::Account, 3600, "unified rejected"),
        ),
        (
            "a paid extra that is used up",
            "anthropic-ratelimit-unified-status: rejected
             anthropic-ratelimit-unified-reset: 1795510800
             anthropic-ratelimit-unified-representative-claim: overage
             anthropic-ratelimit-unified-overage-status: rejected",
            OPUS,
            quota(Scope::Account, 3600, "overage rejected"),
        ),
        (
            "a window without a reset borrows the overall one",
            "anthropic-ratelimit-unified-reset: 1795510800
             anthropic-ratelimit-unified-5h-status: rejected
             anthropic-ratelimit-unified-5h-reset: soon
             retry-after: 7",
            OPUS,
            quota(Scope::Account, 3600, "5h rejected"),
        ),
        (
            "resets in the past count for nothing: retry-after does",
            "anthropic-ratelimit-unified-reset: 1795507200
             anthropic-ratelimit-unified-5h-status: rejected
             anthropic-ratelimit-unified-5h-reset: 1795507199
             retry-after: 7",
            OPUS,
            quota(Scope::Account, 7, "5h rejected"),
        ),
        (
            "no reset at all",
            "anthropic-ratelimit-unified-7d_sonnet-status: rejected",
            Some("claude-sonnet-5-5"),
            quota(Scope::Family(ModelFamily::Sonnet), 60, "7d_sonnet rejected"),
        ),
        (
            "an empty bucket of an API key",
            "anthropic-ratelimit-requests-limit: 4000
             anthropic-ratelimit-requests-remaining: 3999
             anthropic-ratelimit-requests-reset: 2026-11-24T08:00:01Z
             anthropic-ratelimit-input-tokens-limit: 2000000
             anthropic-ratelimit-input-tokens-remaining: 0
             anthropic-ratelimit-input-tokens-reset: 2026-11-24T08:00:40Z
             anthropic-ratelimit-tokens-remaining: 0
             anthropic-ratelimit-tokens-reset: 2026-11-24T08:00:20Z
             retry-after: 12",
            OPUS,
            quota(opus(), 40, "input-tokens used up, tokens used up"),
        ),
        (
            "an empty bucket when no model is known",
            "anthropic-ratelimit-requests-remaining: 0\nanthropic-ratelimit-requests-reset: 2026-11-24T08:00:40Z",
            None,
            quota(Scope::Account, 40, "requests used up"),
        ),
    ] {
        assert_eq!(judge(429, lines, &error("rate_limit_error", "No."), model), expected, "{name}");
    }
}

#[test]
fn the_older_words_for_a_closed_window_count_and_the_soft_ones_do_not() {
    for (status, closes) in [
        ("rejected", true),
        ("rate_limited", true),
        ("blocked", true),
        ("payment_required", true),
        ("queueing_hard", true),
        ("allowed", false),
        ("allowed_warning", false),
        ("queueing_soft", false),
    ] {
        let lines =
            format!("anthropic-ratelimit-unified-status: {status}\nanthropic-ratelimit-unified-reset: 1795510800");
        let expected =
            if closes { quota(Scope::Account, 3600, &format!("unified {status}")) } else { Verdict::UnexplainedLimit };
        assert_eq!(judge(429, &lines, "", OPUS), expected, "{status}");
    }
}

#[test]
fn a_limit_without_a_used_up_window_throttles_as_long_as_it_says_or_explains_nothing() {
    for (name, lines, expected) in [
        ("seconds", "retry-after: 30", throttle(30_000)),
        ("a part of a second", "retry-after: 0.5", throttle(500)),
        ("milliseconds first", "retry-after: 30\nretry-after-ms: 250", throttle(250)),
        ("a date", "retry-after: Tue, 24 Nov 2026 08:00:10 GMT", throttle(10_000)),
        (
            "all windows open",
            "anthropic-ratelimit-unified-status: allowed
             anthropic-ratelimit-unified-reset: 1795510800
             anthropic-ratelimit-unified-5h-status: allowed
             anthropic-ratelimit-unified-7d-status: allowed_warning
             retry-after: 2",
            throttle(2000),
        ),
        (
            "buckets that are not empty",
            "anthropic-ratelimit-input-tokens-remaining: 2000
             anthropic-ratelimit-input-tokens-reset: 2026-11-24T08:00:40Z
             retry-after: 12",
            throttle(12_000),
        ),
        (
            "a bucket that is full again by now",
            "anthropic-ratelimit-requests-remaining: 0
             anthropic-ratelimit-requests-reset: 2026-11-24T07:59:59Z
             retry-after: 1",
            throttle(1000),
        ),
        (
            "an extra that can't be bought",
            "anthropic-ratelimit-unified-status: allowed
             anthropic-ratelimit-unified-overage-status: rejected
             anthropic-ratelimit-unified-overage-disabled-reason: out_of_credits",
            Verdict::UnexplainedLimit,
        ),
        ("nothing", "", Verdict::UnexplainedLimit),
        ("a wait that is over", "retry-after: 0", Verdict::UnexplainedLimit),
        ("a date that is past", "retry-after: Tue, 24 Nov 2026 07:00:00 GMT", Verdict::UnexplainedLimit),
    ] {
        assert_eq!(judge(429, lines, &error("rate_limit_error", "No."), OPUS), expected, "{name}");
    }
}

#[test]
fn a_refused_credential_is_told_from_a_missing_right_and_a_closed_account() {
    let disabled = "Your account has been disabled after an automatic review of your recent activities.";
    for (status, kind, message, expected) in [
        (401, "authentication_error", "invalid x-api-key", credential("authentication_error: invalid x-api-key")),
        (401, "", "", credential("401 Unauthorized")),
        (
            403,
            "permission_error",
            "OAuth token has been revoked.",
            credential("permission_error: OAuth token has been revoked."),
        ),
        (
            403,
            "permission_error",
            "OAuth authentication is currently not allowed for this organization.",
            credential("permission_error: OAuth authentication is currently not allowed for this organization."),
        ),
        (
            403,
            "permission_error",
            "OAuth token does not meet scope requirement user:inference",
            entitlement("permission_error: OAuth token does not meet scope requirement user:inference"),
        ),
        (
            403,
            "permission_error",
            "Your API key does not have permission to use the specified resource.",
            entitlement("permission_error: Your API key does not have permission to use the specified resource."),
        ),
        (
            403,
            "permission_error",
            "OAuth clients may not use claude-opus-5-5",
            entitlement("permission_error: OAuth clients may not use claude-opus-5-5"),
        ),
        (
            403,
            "permission_error",
            "No access to the beta oauth-token-disabled",
            entitlement("permission_error: No access to the beta oauth-token-disabled"),
        ),
        (403, "permission_error", disabled, hold(&format!("permission_error: {disabled}"))),
        (404, "not_found_error", "model: claude-opus-5-5", entitlement("not_found_error: model: claude-opus-5-5")),
        (
            404,
            "not_found_error",
            "The model 'claude-opus-5-5' does not exist",
            entitlement("not_found_error: The model 'claude-opus-5-5' does not exist"),
        ),
    ] {
        let body = if kind.is_empty() { String::new() } else { error(kind, message) };
        assert_eq!(judge(status, "", &body, OPUS), expected, "{status} {message}");
    }
}

#[test]
fn a_missing_right_without_a_model_has_nothing_to_be_remembered_for() {
    for (status, kind, message) in
        [(403, "permission_error", "No access to batches"), (404, "not_found_error", "model: claude-opus-9")]
    {
        assert_eq!(judge(status, "", &error(kind, message), None), Verdict::Request, "{status}");
    }
}

#[test]
fn payment_and_spend_limits_are_billing_and_say_when_they_end_if_it_is_known() {
    let low = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade.";
    let spent = "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.";
    let workspace = "You have reached your specified workspace API usage limits.";
    for (status, lines, body, expected) in [
        (402, "", error("billing_error", "Pay."), billing(None, "billing_error: Pay.")),
        (402, "retry-after: 90", String::new(), billing(Some(90), "402 Payment Required")),
        (400, "", error("invalid_request_error", low), billing(None, &format!("invalid_request_error: {low}"))),
        (
            400,
            "",
            error("invalid_request_error", spent),
            billing(Some(576_000), &format!("invalid_request_error: {spent}")),
        ),
        (
            400,
            "retry-after: 60",
            error("invalid_request_error", workspace),
            billing(Some(60), &format!("invalid_request_error: {workspace}")),
        ),
        (
            400,
            "",
            coded("invalid_request_error", "enforced_spend_limit_reached"),
            billing(None, "enforced_spend_limit_reached: No."),
        ),
        (
            400,
            "retry-after: 3600",
            coded("invalid_request_error", "contract_spend_limit_reached"),
            billing(Some(3600), "contract_spend_limit_reached: No."),
        ),
        (
            429,
            "",
            coded("rate_limit_error", "workspace_spend_limit_reached"),
            billing(None, "workspace_spend_limit_reached: No."),
        ),
        (
            400,
            "retry-after: 30",
            coded("invalid_request_error", "ramp_limit_exceeded"),
            billing(Some(30), "ramp_limit_exceeded: No."),
        ),
        (400, "", coded("invalid_request_error", "ramp_limit_exceeded"), billing(Some(60), "ramp_limit_exceeded: No.")),
    ] {
        assert_eq!(judge(status, lines, &body, OPUS), expected, "{status} {body}");
    }
}

#[test]
fn an_organisation_on_hold_is_told_by_its_code_or_by_the_apis_sentence() {
    for status in [400, 401, 403] {
        let body = coded("invalid_request_error", "organization_on_hold");
        assert_eq!(judge(status, "", &body, OPUS), hold("organization_on_hold: No."), "{status}");
    }
    let body = error("invalid_request_error", "This organization has been disabled.");
    assert_eq!(judge(400, "", &body, OPUS), hold("invalid_request_error: This organization has been disabled."));
}

/// Field names are quoted in complaints; nobody may close an account by sending a field with a clever name.
#[test]
fn a_client_cannot_write_the_sentences_that_close_an_account() {
    for field in [
        "Your credit balance is too low",
        "You have reached your specified API usage limits",
        "This organization has been disabled",
        "organization_on_hold",
    ] {
        for message in
            [format!("{field}: Extra inputs are not permitted"), format!("messages.0.{field}: Field required")]
        {
            let verdict = judge(400, "", &error("invalid_request_error", &message), OPUS);
            assert_eq!(verdict, Verdict::Request, "{message}");
        }
    }
}

#[test]
fn overload_says_how_long_and_blames_nobody() {
    for status in [500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530] {
        let body = error("overloaded_error", "Overloaded");
        assert_eq!(judge(status, "", &body, OPUS), overload(None), "{status}");
        assert_eq!(judge(status, "retry-after: 4", "", None), overload(Some(4)), "{status}");
    }
}

#[test]
fn evidence_never_carries_the_key_that_was_refused() {
    let body = error("authentication_error", "invalid x-api-key sk-ant-api03-canary");
    assert_eq!(judge(401, "", &body, OPUS), credential("authentication_error: invalid x-api-key [key]"));
}

/// Header names of the families that are read, and values as they may come.
fn header() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    let name = prop_oneof![
        "anthropic-ratelimit-(unified-)?(5h-|7d-|7d_opus-|7d_[a-z]{1,3}-|requests-|input-tokens-|[a-z-]{0,8})(status|reset|remaining|limit|utilization)",
        Just("anthropic-ratelimit-unified-representative-claim".to_owned()),
        "retry-after(-ms)?",
        "[a-z-]{1,20}",
    ];
    let value = prop_oneof![
        Just(b"rejected".to_vec()),
        Just(b"0".to_vec()),
        (1_795_500_000_i64..1_795_520_000).prop_map(|seconds| seconds.to_string().into_bytes()),
        any::<f64>().prop_map(|number| number.to_string().into_bytes()),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        "(five_hour|seven_day(_[a-z]{0,50})?)".prop_map(String::into_bytes),
        "[0-9TZ:. -]{0,30}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..60),
    ];
    (name, value).prop_filter_map("no header", |(name, value)| {
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(&value).ok()?))
    })
}

/// Bodies of any bytes, and of the API's shape with any words.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![Just("permission_error".to_owned()), Just("not_found_error".to_owned()), any::<String>()];
    let shaped = (kind, any::<String>(), any::<Option<String>>()).prop_map(|(kind, message, code)| {
        let error = serde_json::json!({"type": kind, "message": message, "details": {"error_code": code}});
        serde_json::json!({ "error": error }).to_string().into_bytes()
    });
    prop_oneof![any::<Vec<u8>>(), shaped]
}

proptest! {
    #[test]
    fn any_answer_can_be_judged_and_no_closure_ends_before_it_begins(
        status in prop_oneof![100_u16..1000, Just(429), Just(400), Just(403)],
        lines in proptest::collection::vec(header(), 0..12),
        body in body(),
        model in prop_oneof![Just(None), Just(OPUS), Just(HAIKU), Just(Some(""))],
    ) {
        let headers: HeaderMap = lines.into_iter().collect();
        let status = StatusCode::from_u16(status).expect("a status");
        let (until, evidence) = match classify(Answer { status, headers: &headers, body: &body, model }, NOW) {
            Verdict::Quota { until, evidence, .. } => (Some(until), evidence),
            Verdict::Billing { until, evidence } => (until, evidence),
            Verdict::Credential { evidence } | Verdict::Hold { evidence } | Verdict::Entitlement { evidence } => (None, evidence),
            _ => return Ok(()),
        };
        prop_assert!(until.is_none_or(|until| until >= NOW), "{:?}", until);
        prop_assert!(!evidence.is_empty() && evidence.chars().count() <= 160, "{}", evidence);
        prop_assert!(!evidence.chars().any(char::is_control), "{}", evidence);
    }
}
