//! What is refused before anybody looks at the path: requests for another host (DNS rebinding), from another site's
//! page, or framed so that two readers could disagree about them.

use std::net::{IpAddr, SocketAddr};

use http::{
    HeaderMap, HeaderValue, Request, StatusCode, Uri,
    header::{CONTENT_LENGTH, HOST, ORIGIN, TRANSFER_ENCODING},
};

/// The hosts that this server answers for.
#[derive(Clone, Debug)]
pub struct Edge {
    listen: IpAddr,
    allowed: Vec<String>,
}

/// Why a request does not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) message: &'static str,
}

impl Edge {
    /// Answers for this machine's loopback names, for the address it listens on, and for the hosts `allowed`, at any
    /// port.
    #[must_use]
    pub fn new(listen: SocketAddr, allowed: Vec<String>) -> Self {
        Self { listen: listen.ip(), allowed }
    }

    pub(crate) fn check<B>(&self, request: &Request<B>) -> Result<(), Refused> {
        let headers = request.headers();
        if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
            return Err(refused(StatusCode::BAD_REQUEST, "a request has either content-length or transfer-encoding"));
        }
        self.check_host(request.uri(), headers)?;
        self.check_origin(request.uri(), headers)
    }

    /// HTTP/1.1 names the host in a header, HTTP/2 and absolute URLs in the target; where both do, both must hold.
    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
        let mut named = false;
        let header = headers.get_all(HOST).iter().map(|value| value.to_str().unwrap_or_default());
        for host in header.chain(uri.authority().map(|authority| authority.as_str())) {
            named = true;
            if !self.answers_for(host) && !self.is_any_address(host) {
                let message = "this server does not answer for that host; add it to allowed_hosts if it should";
                return Err(refused(StatusCode::MISDIRECTED_REQUEST, message));
            }
        }
        if named { Ok(()) } else { Err(refused(StatusCode::BAD_REQUEST, "a request names its host")) }
    }

    /// Programs send no `Origin`, pages do: only pages of this server may ask. The host has been checked by now, so an
    /// origin that is the same is this server's, whatever address it has.
    fn check_origin(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
        let header = headers.get(HOST).and_then(|value| value.to_str().ok());
        let asked = uri.authority().map(|authority| authority.as_str()).or(header);
        let same = |origin: &HeaderValue| {
            let origin = origin.to_str().unwrap_or_default();
            origin.split_once("://").is_some_and(|(_, host)| Some(host) == asked || self.answers_for(host))
        };
        if headers.get_all(ORIGIN).iter().all(same) {
            return Ok(());
        }
        Err(refused(StatusCode::FORBIDDEN, "pages of other sites may not send requests here"))
    }

    /// A server on all addresses does not know them all. An address can't be rebound as a name can, so any will do; but
    /// not as an origin, where it may be anybody's.
    fn is_any_address(&self, host: &str) -> bool {
        self.listen.is_unspecified() && address(without_port(host)).is_some()
    }

    fn answers_for(&self, host: &str) -> bool {
        let name = without_port(host);
        let is_local = match address(name) {
            Some(address) => address.is_loopback() || address == self.listen,
            None => name.eq_ignore_ascii_case("localhost"),
        };
        is_local
            || self.allowed.iter().any(|allowed| without_brackets(allowed).eq_ignore_ascii_case(without_brackets(name)))
    }
}

fn address(name: &str) -> Option<IpAddr> {
    without_brackets(name).parse().ok()
}

fn without_brackets(name: &str) -> &str {
    name.trim_start_matches('[').trim_end_matches(']')
}

const fn refused(status: StatusCode, message: &'static str) -> Refused {
    Refused { status, message }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => {
            if name.contains(':') && !name.ends_with(']') { host } else { name }
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &'static str)], uri: &'static str) -> Option<u16> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let edge = Edge::new("192.0.2.1:8080".parse().expect("an address"), vec!["box.example".into()]);
        edge.check(&request.body(()).expect("valid")).err().map(|refused| refused.status.as_u16())
    }

    #[test]
    fn only_this_servers_own_hosts_are_answered_for() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:1",
            "127.1.2.3",
            "[::1]:8080",
            "[::1]",
            "192.0.2.1:8080",
            "box.example:443",
        ] {
            assert_eq!(check(&[("host", host)], "/"), None, "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "evil.example:8080", "192.0.2.2", "", "localhost:x"] {
            assert_eq!(check(&[("host", host)], "/"), Some(421), "{host:?}");
        }
        assert_eq!(check(&[], "/"), Some(400));
    }

    #[test]
    fn a_target_that_names_another_host_than_the_header_is_refused() {
        assert_eq!(check(&[("host", "localhost")], "http://evil.example/v1/messages"), Some(421));
        assert_eq!(check(&[], "http://localhost:8080/v1/messages"), None);
    }

    #[test]
    fn pages_of_other_sites_are_kept_out_and_programs_are_not() {
        let origin = |origin| check(&[("host", "localhost"), ("origin", origin)], "/");
        assert_eq!(origin("http://localhost:8080"), None);
        for foreign in ["https://evil.example", "null", "http://localhost.evil.example", "http://evil.example:80"] {
            assert_eq!(origin(foreign), Some(403), "{foreign}");
        }
    }

    #[test]
    fn a_server_on_all_addresses_answers_for_any_address_but_not_for_any_page() {
        let edge = Edge::new("0.0.0.0:8080".parse().expect("an address"), vec![]);
        let check = |host: &str, origin: &str| {
            let request = Request::builder().uri("/").header("host", host).header("origin", origin);
            edge.check(&request.body(()).expect("valid")).err().map(|refused| refused.status.as_u16())
        };
        assert_eq!(check("192.0.2.7:8080", "http://192.0.2.7:8080"), None);
        assert_eq!(check("192.0.2.7:8080", "http://192.0.2.8:8080"), Some(403));
        assert_eq!(check("evil.example:8080", "http://evil.example:8080"), Some(421));
    }

    #[test]
    fn two_statements_of_the_length_are_refused() {
        let headers = [("host", "localhost"), ("content-length", "3"), ("transfer-encoding", "chunked")];
        assert_eq!(check(&headers, "/"), Some(400));
    }
}
