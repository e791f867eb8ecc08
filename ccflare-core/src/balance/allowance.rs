//! What a client key may ask for. Judged here, where model and accounts are known, and so written down like any answer.

use crate::{
    domain::{ClientKey, Facts},
    error::Refusal,
};

/// Whether the key may ask for this model. A body whose model can't be told for sure (compressed, ambiguous, a batch of
/// requests) might ask for any; a request without a body asks for none.
pub(super) fn model(key: &ClientKey, facts: &Facts, is_empty: bool) -> Result<(), Refusal> {
    if key.permits_any_model() {
        return Ok(());
    }
    let model = facts.model.as_deref();
    if model.map_or(is_empty, |model| key.permits_model(model)) {
        return Ok(());
    }
    let asked = match model {
        Some(model) => format!("may not ask for the model {model:?}"),
        None => "may ask for some models only, and this request does not clearly name one at its top level".to_owned(),
    };
    let models = key.models.join(", ");
    Err(not_allowed(key, &format!("{asked}; it may ask for {models}")))
}

/// Whether the key may be used where no account is there for it: only if it is bound to none.
pub(super) fn some_account(key: &ClientKey) -> Result<(), Refusal> {
    if key.accounts.is_empty() {
        return Ok(());
    }
    Err(not_allowed(key, "is bound to accounts that are not there any more; make another with `ccflare key create`"))
}

fn not_allowed(key: &ClientKey, what: &str) -> Refusal {
    Refusal::NotAllowed { message: format!("the ccflare key {:?} {what}", key.name) }
}
