//! From the wish to log in to the code.

use oauth2::{CsrfToken, PkceCodeChallenge, Scope};
use subtle::ConstantTimeEq;
use url::Url;

use super::{AuthorizationServer, PasteError, endpoint};
use crate::domain::{LoginId, LoginPurpose, PendingLogin, Secret, Timestamp};

/// A login that has not begun.
#[derive(Clone, Debug)]
pub struct Login<'a> {
    /// Where.
    pub server: &'a AuthorizationServer,
    /// What for.
    pub purpose: LoginPurpose,
    /// Where on this machine somebody listens for the code, if the server sends it here.
    pub redirect_port: Option<u16>,
}

impl Login<'_> {
    /// Begins it: the address that a person has to visit, and what has to be remembered until the code comes.
    ///
    /// State and verifier are random and know nothing of each other: the state travels through browsers and logs, the
    /// verifier never leaves before the code is exchanged.
    #[must_use]
    pub fn begin(self, now: Timestamp) -> (Url, PendingLogin) {
        let Self { server, purpose, redirect_port } = self;
        let redirect_uri = server.redirect(redirect_port);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = endpoint::client(server, redirect_uri.clone());
        let mut request = client.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge);
        for scope in &server.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        for (name, value) in &server.extra_params {
            request = request.add_extra_param(name.clone(), value.clone());
        }
        let (address, state) = request.url();
        let pending = PendingLogin {
            id: LoginId::new(now),
            server: server.name.clone(),
            redirect_uri: redirect_uri.into(),
            state: Secret::new(state.secret()),
            verifier: Secret::new(verifier.secret()),
            purpose,
            created: now,
        };
        (address, pending)
    }
}

/// A code and the state it came with.
#[derive(Clone, Debug)]
pub struct Code {
    /// What buys the tokens, once.
    pub code: Secret,
    state: Secret,
}

impl Code {
    /// Reads what somebody pasted: `CODE#STATE`, or the whole address that the browser ended at.
    ///
    /// # Errors
    /// [`PasteError`]: what is missing, or what the server said instead.
    pub fn of_paste(pasted: &str) -> Result<Self, PasteError> {
        let pasted = pasted.trim();
        if let Ok(address) = Url::parse(pasted)
            && address.has_host()
        {
            return Self::of_redirect(&address);
        }
        let (code, state) = pasted.split_once('#').unwrap_or((pasted, ""));
        Self::of_parts(code, state)
    }

    /// Reads the address that the server redirected to.
    ///
    /// # Errors
    /// [`PasteError`]: what is missing, or what the server said instead.
    pub fn of_redirect(address: &Url) -> Result<Self, PasteError> {
        let param =
            |name: &str| address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        if let Some(error) = param("error") {
            let why = param("error_description").map_or(error.clone(), |description| format!("{error}: {description}"));
            return Err(PasteError::Refused(why.chars().filter(|c| !c.is_control()).take(200).collect()));
        }
        // The page that shows the code may have put both into the fragment.
        let code = param("code").unwrap_or_default();
        let (code, shown) = code.split_once('#').unwrap_or((&code, ""));
        Self::of_parts(code, &param("state").unwrap_or_else(|| shown.to_owned()))
    }

    fn of_parts(code: &str, state: &str) -> Result<Self, PasteError> {
        let sound = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        match (sound(code.trim()), sound(state.trim())) {
            (false, _) => Err(PasteError::NoCode),
            (true, false) => Err(PasteError::NoState),
            (true, true) => Ok(Self { code: Secret::new(code), state: Secret::new(state) }),
        }
    }

    /// Whether it is the answer to this login; takes as long for a near miss as for a far one.
    #[must_use]
    pub fn belongs_to(&self, login: &PendingLogin) -> bool {
        self.state.expose().as_bytes().ct_eq(login.state.expose().as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AccountId;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn server() -> AuthorizationServer {
        let url = |text: &str| text.parse().expect("a URL");
        let mut server = AuthorizationServer::new(
            "example",
            url("https://login.example/authorize"),
            url("https://login.example/token"),
            "client",
            url("http://localhost/callback"),
        );
        server.scopes = vec!["a:b".to_owned(), "c".to_owned()];
        server.extra_params = vec![("code".to_owned(), "true".to_owned())];
        server
    }

    fn begin(port: Option<u16>) -> (Url, PendingLogin) {
        let server = server();
        Login { server: &server, purpose: LoginPurpose::Renew(AccountId::new(NOW)), redirect_port: port }.begin(NOW)
    }

    #[test]
    fn the_address_says_everything_but_the_verifier() {
        let (address, pending) = begin(Some(4711));
        let params: std::collections::HashMap<_, _> = address.query_pairs().into_owned().collect();
        assert_eq!(params["redirect_uri"], "http://localhost:4711/callback");
        assert_eq!((&*params["scope"], &*params["code"], &*params["client_id"]), ("a:b c", "true", "client"));
        assert_eq!((&*params["code_challenge_method"], &*params["response_type"]), ("S256", "code"));
        assert_eq!(params["state"], pending.state.expose());
        assert!(!address.as_str().contains(pending.verifier.expose()));
        assert_ne!(pending.state.expose(), pending.verifier.expose());
        let (_, other) = begin(None);
        assert_ne!(
            (other.state.expose(), other.verifier.expose()),
            (pending.state.expose(), pending.verifier.expose())
        );
    }

    #[test]
    fn a_paste_is_read_in_each_form_it_comes_in() {
        for paste in [
            "the-code#the-state",
            "  the-code#the-state\n",
            "https://login.example/done?code=the-code&state=the-state",
            "http://localhost:1/callback?state=the-state&code=the-code#",
        ] {
            let code = Code::of_paste(paste).expect(paste);
            assert_eq!((code.code.expose(), code.state.expose()), ("the-code", "the-state"), "{paste}");
        }
        for (paste, error) in [
            ("", PasteError::NoCode),
            ("#the-state", PasteError::NoCode),
            ("two words#x", PasteError::NoCode),
            ("the-code", PasteError::NoState),
            ("the-code#", PasteError::NoState),
            ("https://login.example/done?code=the-code", PasteError::NoState),
            ("https://login.example/done?error=access_denied", PasteError::Refused("access_denied".to_owned())),
        ] {
            assert_eq!(Code::of_paste(paste).expect_err(paste), error, "{paste}");
        }
    }

    #[test]
    fn a_code_of_another_login_does_not_belong() {
        let (_, pending) = begin(None);
        let paste = |state: &str| Code::of_paste(&format!("c#{state}")).expect("a code");
        assert!(paste(pending.state.expose()).belongs_to(&pending));
        assert!(!paste(begin(None).1.state.expose()).belongs_to(&pending));
    }
}
