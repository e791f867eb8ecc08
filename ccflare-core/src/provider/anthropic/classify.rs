//! How an answer is judged (DESIGN §4; what the API says: anthropic-wire §5 and §6).
//!
//! A word from the upstream can take an account out of service, and error messages quote the request. So only what a
//! client cannot write counts: status, headers, `error_code`, and messages that begin as the API's own sentences do.

use std::time::Duration;

use super::{
    error_body::{ErrorBody, one_line},
    limits::{family, named_family, used_up},
    retry_after::retry_after,
};
use crate::{
    domain::{ModelFamily, Scope, Timestamp, Window},
    provider::{Answer, Verdict},
};

/// How long a limit is taken to last that is stated to hold, but not until when.
const UNSTATED_WAIT: Duration = Duration::from_secs(60);

/// Judges an answer; see [`Provider::classify`](crate::provider::Provider::classify).
pub(super) fn classify(answer: Answer<'_>, now: Timestamp) -> Verdict {
    match answer.status.as_u16() {
        ..400 => Verdict::Success,
        400..500 => Refusal { answer, error: ErrorBody::read(answer.body), now }.judge(),
        // 520 to 530 are the edge's words for an origin that can't be reached; 529 is the API's own for overload.
        500 | 502 | 503 | 504 | 520..=530 => Verdict::Overload { retry_after: retry_after(answer.headers, now) },
        _ => Verdict::Request,
    }
}

/// An answer with a status of the 400s.
struct Refusal<'a> {
    answer: Answer<'a>,
    error: ErrorBody,
    now: Timestamp,
}

impl Refusal<'_> {
    fn judge(&self) -> Verdict {
        if let Some(verdict) = self.by_code() {
            return verdict;
        }
        match self.answer.status.as_u16() {
            400 => self.bad_request(),
            401 => self.unauthorized(),
            402 => self.billing(self.until_retry()),
            403 => self.forbidden(),
            404 => self.not_found(),
            429 => self.limited(),
            _ => Verdict::Request,
        }
    }

    /// The machine-readable codes that concern the account, whatever the status they come with.
    fn by_code(&self) -> Option<Verdict> {
        match self.error.code.as_deref()? {
            "organization_on_hold" => Some(self.hold()),
            // A limit on how fast spending may grow: it passes by itself.
            "ramp_limit_exceeded" => Some(self.billing(self.until_retry().or(Some(self.now + UNSTATED_WAIT)))),
            code if code.contains("spend_limit") => Some(self.billing(self.until_retry())),
            _ => None,
        }
    }

    /// Complaints about a request name the field first (`messages.0: …`), and a field may be called anything.
    /// So a sentence about the account counts only if no field is named.
    fn bad_request(&self) -> Verdict {
        let message = self.error.message.trim();
        if message.contains(": ") {
            Verdict::Request
        } else if message.starts_with("Your credit balance is too low") {
            self.billing(self.until_retry())
        } else if message.starts_with("You have reached your specified") && message.contains("usage limits") {
            let regain = self.error.regain().filter(|until| *until > self.now);
            self.billing(regain.or_else(|| self.until_retry()))
        } else if tells_of_hold(message) {
            self.hold()
        } else {
            Verdict::Request
        }
    }

    fn unauthorized(&self) -> Verdict {
        // Some organisations refuse whatever carries an `origin` header. The client sent it; the key is good.
        if self.error.message.starts_with("CORS requests") {
            return Verdict::Request;
        }
        Verdict::Credential { evidence: self.evidence() }
    }

    /// The API refuses with `permission_error`; a 403 without it is the edge's, about the request or the network.
    ///
    /// | its message | verdict |
    /// | --- | --- |
    /// | names the model asked for | entitlement |
    /// | tells of an account or organisation disabled, suspended, on hold | hold |
    /// | begins with OAuth, the credential or the key, and is not about a scope | credential |
    /// | anything else | entitlement |
    ///
    /// Without a model there is nothing an entitlement could be remembered for: the request's.
    fn forbidden(&self) -> Verdict {
        let message = self.error.message.trim();
        if self.error.kind.as_deref() != Some("permission_error") {
            Verdict::Request
        } else if self.names_model() {
            self.entitlement()
        } else if tells_of_hold(message) {
            self.hold()
        } else if tells_of_credential(message) {
            Verdict::Credential { evidence: self.evidence() }
        } else {
            self.entitlement()
        }
    }

    /// An unknown model may be known to another account; any other thing not found is the client's to look for.
    fn not_found(&self) -> Verdict {
        let is_model = self.error.kind.as_deref() == Some("not_found_error") && self.names_model();
        if is_model { self.entitlement() } else { Verdict::Request }
    }

    fn limited(&self) -> Verdict {
        let retry_after = retry_after(self.answer.headers, self.now);
        let mut windows = used_up(self.answer.headers, self.now);
        // A window of another family may well be used up, but it isn't what refused this request.
        windows.retain(|window| self.concerns_model(window));
        match (self.scope(&windows), retry_after) {
            (Some(scope), _) => {
                windows.retain(|window| self.scope_of(window) == scope);
                let reset = windows.iter().filter_map(|window| window.resets).max();
                let stated = retry_after.map(|wait| self.now + wait);
                // A bucket that is empty need not be what refused it: another may take longer to fill, of which nothing is said.
                let stated = stated.filter(|_| reset.is_none() || windows.iter().all(|window| window.status.is_none()));
                let until = reset.max(stated).unwrap_or_else(|| self.now + UNSTATED_WAIT);
                Verdict::Quota { scope, until, evidence: list(&windows) }
            }
            (None, Some(retry_after)) => Verdict::Throttle { retry_after },
            (None, None) => Verdict::UnexplainedLimit,
        }
    }

    /// The widest scope among the windows decides, and only its windows say until when: while the whole account is
    /// closed a narrower window doesn't matter, and afterwards it must not hold the other models back.
    fn scope(&self, windows: &[Window]) -> Option<Scope> {
        let mut scopes = windows.iter().map(|window| self.scope_of(window));
        let first = scopes.next()?;
        Some(if scopes.any(|scope| scope == Scope::Account) { Scope::Account } else { first })
    }

    fn scope_of(&self, window: &Window) -> Scope {
        family(window, self.answer.model).map_or(Scope::Account, Scope::Family)
    }

    fn concerns_model(&self, window: &Window) -> bool {
        named_family(window).is_none_or(|named| self.family().is_none_or(|asked| asked == named))
    }

    fn names_model(&self) -> bool {
        self.answer.model.is_some_and(|model| self.error.names(model))
    }

    fn family(&self) -> Option<ModelFamily> {
        self.answer.model.map(ModelFamily::of)
    }

    fn until_retry(&self) -> Option<Timestamp> {
        retry_after(self.answer.headers, self.now).map(|wait| self.now + wait)
    }

    fn billing(&self, until: Option<Timestamp>) -> Verdict {
        Verdict::Billing { until, evidence: self.evidence() }
    }

    fn hold(&self) -> Verdict {
        Verdict::Hold { evidence: self.evidence() }
    }

    fn entitlement(&self) -> Verdict {
        match self.answer.model {
            Some(_) => Verdict::Entitlement { evidence: self.evidence() },
            None => Verdict::Request,
        }
    }

    fn evidence(&self) -> String {
        self.error.evidence(self.answer.status)
    }
}

/// "This organization has been disabled.", "Your account has been suspended …"
fn tells_of_hold(message: &str) -> bool {
    const SUBJECTS: [&str; 4] = ["This organization", "Your organization", "This account", "Your account"];
    const STATES: [&str; 3] = ["been disabled", "suspended", "on hold"];
    SUBJECTS.iter().any(|subject| message.starts_with(subject)) && STATES.iter().any(|state| message.contains(state))
}

/// "OAuth token has been revoked …", "OAuth authentication is currently not allowed for this organization."
/// A token whose scope is too narrow is good for other requests.
fn tells_of_credential(message: &str) -> bool {
    const BEGINNINGS: [&str; 5] =
        ["OAuth ", "Authentication ", "This credential ", "This API key has been ", "Your API key has been "];
    BEGINNINGS.iter().any(|beginning| message.starts_with(beginning)) && !message.contains("scope")
}

/// The windows for people: `5h rejected, 7d rejected`.
fn list(windows: &[Window]) -> String {
    let words =
        windows.iter().map(|window| format!("{} {}", window.name, window.status.as_deref().unwrap_or("used up")));
    one_line(&words.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
