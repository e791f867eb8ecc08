//! When tokens are renewed. Pure.

use std::time::Duration;

use crate::domain::{AccountId, Timestamp, TokenSet};

/// With less left than this, tokens are renewed in the background.
const SOON: Duration = Duration::from_secs(120);

/// With less left than this, a request waits for new ones: they could end under way.
const NOW: Duration = Duration::from_secs(30);

/// Accounts that were added together shall not renew in the same second.
const SPREAD: u8 = 30;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What a request with these tokens has to do first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing.
    Nothing,
    /// Have them renewed, and go on.
    Soon,
    /// Wait until they are renewed.
    Now,
}

/// `refused` is the generation that the API has just refused, if it has. Tokens that can't be renewed serve to their end.
pub(super) fn need(account: AccountId, tokens: &TokenSet, refused: Option<u64>, now: Timestamp) -> Need {
    if refused == Some(tokens.generation) {
        return Need::Now;
    }
    let Some(expires) = tokens.expires else { return Need::Nothing };
    let left = expires.since(now);
    if tokens.refresh.is_none() {
        return if left.is_zero() { Need::Now } else { Need::Nothing };
    }
    let spread = Duration::from_secs(u64::from(account.as_bytes()[15] % SPREAD));
    match left {
        left if left <= NOW => Need::Now,
        left if left <= SOON + spread => Need::Soon,
        _ => Need::Nothing,
    }
}

/// Whether these tokens may be sent if no newer ones are to be had.
pub(super) fn is_good(tokens: &TokenSet, refused: Option<u64>, now: Timestamp) -> bool {
    refused != Some(tokens.generation) && tokens.expires.is_none_or(|expires| expires > now)
}

/// How long a server that gave no tokens is left alone after so many failures in a row.
pub(super) fn pause(failures: u32) -> Duration {
    (FIRST_PAUSE * 2u32.saturating_pow(failures.saturating_sub(1).min(10))).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Secret;

    fn in_seconds(now: Timestamp, seconds: u64) -> Timestamp {
        now + Duration::from_secs(seconds)
    }

    fn tokens(expires: Option<Timestamp>) -> TokenSet {
        let (access, refresh) = (Secret::new("a"), Some(Secret::new("r")));
        TokenSet { server: "s".into(), access, refresh, expires, generation: 3 }
    }

    #[test]
    fn tokens_are_renewed_ahead_of_their_end_and_when_they_are_refused() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let account = AccountId::from_bytes([0; 16]);
        let need = |left: Option<u64>, refused| {
            super::need(account, &tokens(left.map(|left| in_seconds(now, left))), refused, now)
        };
        for (left, refused, expected) in [
            (Some(3600), None, Need::Nothing),
            (None, None, Need::Nothing),
            (Some(121), None, Need::Nothing),
            (Some(120), None, Need::Soon),
            (Some(31), None, Need::Soon),
            (Some(30), None, Need::Now),
            (Some(0), None, Need::Now),
            (Some(3600), Some(3), Need::Now),
            (None, Some(3), Need::Now),
            // Somebody has renewed them since.
            (Some(3600), Some(2), Need::Nothing),
        ] {
            assert_eq!(need(left, refused), expected, "{left:?} {refused:?}");
        }
    }

    #[test]
    fn tokens_that_cannot_be_renewed_serve_to_their_end() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let account = AccountId::from_bytes([0; 16]);
        for (left, refused, expected) in
            [(120, None, Need::Nothing), (1, None, Need::Nothing), (0, None, Need::Now), (120, Some(3), Need::Now)]
        {
            let tokens = TokenSet { refresh: None, ..tokens(Some(in_seconds(now, left))) };
            assert_eq!(super::need(account, &tokens, refused, now), expected, "{left} {refused:?}");
        }
    }

    #[test]
    fn without_newer_ones_tokens_are_good_until_they_end_or_are_refused() {
        let now = Timestamp::from_seconds(1_800_000_000);
        for (left, refused, expected) in [
            (Some(1), None, true),
            (Some(0), None, false),
            (None, None, true),
            (Some(1), Some(3), false),
            (Some(1), Some(2), true),
        ] {
            assert_eq!(
                is_good(&tokens(left.map(|left| in_seconds(now, left))), refused, now),
                expected,
                "{left:?} {refused:?}"
            );
        }
    }

    #[test]
    fn pauses_grow_and_end_growing() {
        let pauses: Vec<_> = [1, 2, 3, 7, 100].map(|failures| pause(failures).as_secs()).into();
        assert_eq!(pauses, [1, 2, 4, 60, 60]);
    }
}
