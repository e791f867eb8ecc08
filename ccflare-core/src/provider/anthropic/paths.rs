//! Which paths may be asked for, and which requests may be sent twice.

use http::Method;

/// What the API calls its resources: the first segment after `/v1/` (anthropic-wire §2).
///
/// Absent on purpose: `organizations` (the Admin API: keys, members, spend limits) and `oauth` (token grants).
const RESOURCES: &[&str] = &[
    // inference
    "messages",
    "complete",
    "models",
    // state of the account's workspace
    "files",
    "skills",
    "containers",
    "agents",
    "sessions",
    "environments",
    "vaults",
    "memory_stores",
    "deployments",
    "dreams",
    "tunnels",
    "user_profiles",
];

const METHODS: &[Method] = &[Method::GET, Method::HEAD, Method::POST, Method::DELETE, Method::PATCH, Method::PUT];

/// The POSTs that leave nothing behind but their price. A batch, a file or a session would exist twice.
const REPEATABLE_POSTS: &[&str] = &["/v1/messages", "/v1/messages/count_tokens"];

/// Whether `path` is a resource of the API, written so that everybody on the way reads it alike.
pub(super) fn permits(method: &Method, path: &str) -> bool {
    // Nearly all requests.
    if path == "/v1/messages" {
        return METHODS.contains(method);
    }
    let Some(rest) = path.strip_prefix("/v1/") else { return false };
    let resource = rest.split('/').next().unwrap_or_default();
    METHODS.contains(method) && RESOURCES.contains(&resource) && rest.split('/').all(is_plain_segment)
}

/// Whether a second try could do nothing but cost again.
pub(super) fn repeatable(method: &Method, path: &str) -> bool {
    match *method {
        Method::GET | Method::HEAD => true,
        Method::POST => REPEATABLE_POSTS.contains(&path),
        _ => false,
    }
}

/// No server may take the segment for anything but one literal name: not empty, no dot segment, nothing that is
/// decoded, split, cut or folded somewhere.
fn is_plain_segment(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..") && is_plain_text(segment.as_bytes())
}

fn is_plain_text(mut text: &[u8]) -> bool {
    loop {
        text = match text {
            [] => return true,
            [b'%', high, low, rest @ ..] if is_harmless_escape(*high, *low) => rest,
            [byte, rest @ ..] if is_plain(*byte) => rest,
            _ => return false,
        }
    }
}

/// The characters of a path segment (RFC 3986 `pchar`) less `;`, behind which some servers drop the rest.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b'='
                | b':'
                | b'@'
        )
}

/// An escape is harmless if the character it stands for means nothing in a path and nobody needs an escape to hide it:
/// `%20` or `%3A` are, `%2F %2E %5C %25 %3B %3F %23`, letters, controls and bytes beyond ASCII are not.
fn is_harmless_escape(high: u8, low: u8) -> bool {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (Some(high), Some(low)) = (digit(high), digit(low)) else { return false };
    let byte = (high * 16 + low) as u8;
    byte == b' ' || (is_plain(byte) && byte != b'.' && !byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_apis_own_paths_are_permitted() {
        for path in [
            "/v1/messages",
            "/v1/messages/count_tokens",
            "/v1/messages/batches",
            "/v1/messages/batches/msgbatch_01/results",
            "/v1/models/claude-haiku-5-5",
            "/v1/models/vendor:model@2026%20a",
            "/v1/files/file_01/content",
            "/v1/sessions/sess_01/events/stream",
            "/v1/skills/..skill",
        ] {
            assert!(permits(&Method::GET, path) && permits(&Method::POST, path), "{path}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for path in [
            "",
            "*",
            "/",
            "/v1",
            "/v1/",
            "/v2/messages",
            "/api/oauth/usage",
            "/v1/organizations",
            "/v1/organizations/api_keys",
            "/v1/oauth/token",
            "/v1/Messages",
            "/v1/messagesx",
            "/V1/messages",
            "//v1/messages",
            "/x/../v1/messages",
            "https://elsewhere.example/v1/messages",
        ] {
            assert!(!permits(&Method::GET, path), "{path}");
        }
    }

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_refused() {
        for path in [
            "/v1/messages/",
            "/v1//messages",
            "/v1/messages//batches",
            "/v1/messages/../organizations",
            "/v1/messages/./batches",
            "/v1/messages/..",
            "/v1/messages/..;/organizations",
            "/v1/messages;a=b",
            "/v1/messages/%2e%2e/organizations",
            "/v1/messages/.%2E/organizations",
            "/v1/messages%2F..%2Forganizations",
            "/v1/messages/..%2forganizations",
            "/v1/messages/..\\organizations",
            "/v1/messages/..%5corganizations",
            "/v1/messages/%252e%252e/organizations",
            "/v1/messages/%c0%af",
            "/v1/messages/%00",
            "/v1/messages/%0d%0aHost:x",
            "/v1/messages/%3fa",
            "/v1/messages/%23a",
            "/v1/messages/%3bx",
            "/v1/messages/%6frganizations",
            "/v1/%6dessages",
            "/v1/messages/%",
            "/v1/messages/%2",
            "/v1/messages/%zz",
            "/v1/messages/%+1",
            "/v1/messages/a b",
            "/v1/messages/a\tb",
            "/v1/messages?x",
            "/v1/messages#x",
            "/v1/messages/ä",
            "/v1/messages/\u{ff0f}x",
        ] {
            assert!(!permits(&Method::GET, path), "{path}");
        }
    }

    #[test]
    fn only_the_methods_of_the_api_are_permitted() {
        for method in ["CONNECT", "TRACE", "OPTIONS", "PROPFIND", "get"] {
            let method = Method::from_bytes(method.as_bytes()).expect("a token");
            assert!(!permits(&method, "/v1/messages"), "{method}");
        }
        for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE, Method::PATCH, Method::PUT] {
            assert!(permits(&method, "/v1/files/file_01"), "{method}");
        }
    }

    #[test]
    fn only_what_leaves_nothing_behind_is_repeatable() {
        for (method, path, expected) in [
            (Method::POST, "/v1/messages", true),
            (Method::POST, "/v1/messages/count_tokens", true),
            (Method::POST, "/v1/messages/batches", false),
            (Method::POST, "/v1/files", false),
            (Method::GET, "/v1/files", true),
            (Method::HEAD, "/v1/models", true),
            (Method::DELETE, "/v1/files/file_01", false),
            (Method::PUT, "/v1/messages", false),
        ] {
            assert_eq!(repeatable(&method, path), expected, "{method} {path}");
        }
    }

    /// Paths made of tricks and honest parts, so that many of them come close to being permitted.
    fn path() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("messages".to_owned()),
            Just("organizations".to_owned()),
            "[a-z0-9_.-]{0,4}",
            "%[0-9a-fA-F]{2}",
            "[/;\\\\.%]",
            any::<char>().prop_map(String::from),
        ];
        proptest::collection::vec(part, 0..8).prop_map(|parts| format!("/v1/messages/{}", parts.concat()))
    }

    /// Decodes escapes as an eager server does.
    fn decode(path: &str) -> String {
        let mut decoded = Vec::new();
        let mut rest = path.as_bytes();
        while let [first, tail @ ..] = rest {
            let escaped = (*first == b'%').then(|| std::str::from_utf8(tail.get(..2)?).ok()).flatten();
            let byte = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            decoded.push(byte.unwrap_or(*first));
            rest = if byte.is_some() { &tail[2..] } else { tail };
        }
        String::from_utf8_lossy(&decoded).into_owned()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn no_permitted_path_leads_elsewhere_however_it_is_read(path in path()) {
            if !permits(&Method::GET, &path) {
                return Ok(());
            }
            let decoded = decode(&path);
            prop_assert_eq!(&decode(&decoded), &decoded);
            for reading in [&path, &decoded] {
                prop_assert!(reading.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{}", reading);
                prop_assert!(!reading.contains([';', '\\', '?', '#']), "{}", reading);
                let odd = |segment: &str| matches!(segment, "" | "." | "..");
                prop_assert!(!reading[1..].split('/').any(odd), "{}", reading);
            }
            prop_assert_eq!(decoded.split('/').count(), path.split('/').count());
        }

        #[test]
        fn any_text_can_be_asked_about(path in any::<String>()) {
            let permitted = permits(&Method::GET, &path);
            prop_assert!(!permitted || RESOURCES.iter().any(|resource| path[4..].starts_with(resource)));
        }
    }
}
