//! What can go wrong on the way to tokens, one variant for each thing to do about it.

/// Why an authorization server gave no tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It does not accept the code or the refresh token, now or ever: somebody has to log in again.
    #[error("the authorization server refuses: {0}")]
    Refused(String),
    /// It could not be asked, or did not answer as it should. The tokens may still be good.
    #[error("no tokens from the authorization server: {0}")]
    Unavailable(String),
}

/// Why what was pasted is no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasteError {
    /// There is no code in it.
    #[error("there is no code in that; paste what the page shows (CODE#STATE), or the whole address it ended at")]
    NoCode,
    /// The part that proves that the code is an answer to this login is missing.
    #[error("that is only half of it: paste everything the page shows, with the # and what comes after it")]
    NoState,
    /// The server says that the login was refused.
    #[error("the authorization server refused the login: {0}")]
    Refused(String),
}
