//! Accounts that log in at an authorization server (OAuth 2, authorization code with PKCE).
//!
//! Which servers there are is configuration: this library ships no client id and imitates no client.
//!
//! A login changes its type as it goes on: [`Login`] is what is wanted, [`PendingLogin`](crate::domain::PendingLogin)
//! waits for the code, [`Granted`] is what the server gave.
//!
//! ```
//! use ccflare_core::domain::{AccountId, LoginPurpose, Timestamp};
//! use ccflare_core::oauth::{AuthorizationServer, Code, Login};
//!
//! let server = AuthorizationServer::new(
//!     "example",
//!     "https://login.example/authorize".parse().unwrap(),
//!     "https://login.example/token".parse().unwrap(),
//!     "the-client-id-that-the-operator-was-given",
//!     "https://login.example/shows-the-code".parse().unwrap(),
//! );
//! let now = Timestamp::from_seconds(1_800_000_000);
//! let login = Login { server: &server, purpose: LoginPurpose::Renew(AccountId::new(now)), redirect_port: None };
//! let (address, pending) = login.begin(now);
//! assert!(address.as_str().starts_with("https://login.example/authorize?"));
//!
//! // The page shows what is to be pasted.
//! let pasted = format!("the-code#{}", pending.state.expose());
//! assert!(Code::of_paste(&pasted).unwrap().belongs_to(&pending));
//! assert!(!Code::of_paste("the-code#of-another-login").unwrap().belongs_to(&pending));
//! ```

mod endpoint;
mod error;
mod login;
mod server;

pub(crate) use endpoint::PATIENCE;
pub use endpoint::{Granted, TokenEndpoint};
pub use error::{PasteError, TokenError};
pub use login::{Code, Login};
pub use server::{AuthorizationServer, AuthorizationServers, TokenFormat, is_here, may_carry_secrets};
