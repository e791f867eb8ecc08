//! Which addresses may be connected to.
//!
//! An address that an operator sets decides where keys are sent and what this machine is made to ask. Link-local
//! addresses are out of bounds: that is where clouds answer any process of a machine with its credentials. A name is
//! looked at when it is resolved, each time, so that it can't change its mind after it was accepted.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::Service;
use url::{Host, Url};

/// Metadata services that are not link-local: one at a shared address, one at a private one.
const METADATA: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254))];

/// Whether nothing is sent to an address unless the operator says so: link-local ones, those of metadata services, and
/// those that are nobody's.
#[must_use]
pub fn is_out_of_bounds(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let by_kind = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(),
    };
    by_kind || METADATA.contains(&address)
}

/// The same of an address as it is written, as far as that tells. Names are looked at when they are resolved.
#[must_use]
pub fn names_out_of_bounds(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_out_of_bounds(address.into()),
        Some(Host::Ipv6(address)) => is_out_of_bounds(address.into()),
        Some(Host::Domain(_)) | None => false,
    }
}

/// Resolves names as the machine does, and leaves out what is out of bounds.
#[derive(Clone, Debug)]
pub(crate) struct BoundedResolver {
    inner: GaiResolver,
    unbounded: bool,
}

impl BoundedResolver {
    /// Leaves nothing out if `unbounded`.
    pub(crate) fn new(unbounded: bool) -> Self {
        Self { inner: GaiResolver::new(), unbounded }
    }
}

impl Service<Name> for BoundedResolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (resolving, unbounded) = (self.inner.call(name.clone()), self.unbounded);
        Box::pin(async move {
            let found: Vec<_> = resolving.await?.collect();
            within_bounds(found, unbounded).map_err(|()| refused(name.as_str()))
        })
    }
}

/// What is left of the addresses of a name; an error if bounds are why there is nothing.
fn within_bounds(found: Vec<SocketAddr>, unbounded: bool) -> Result<vec::IntoIter<SocketAddr>, ()> {
    let had_some = !found.is_empty();
    let kept: Vec<_> = found.into_iter().filter(|address| unbounded || !is_out_of_bounds(address.ip())).collect();
    if had_some && kept.is_empty() { Err(()) } else { Ok(kept.into_iter()) }
}

/// Says what was refused, and how to allow it.
pub(crate) fn refused(host: &str) -> io::Error {
    let why = format!("{host} is a link-local or metadata address; set allow_link_local if it really is an API");
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_and_metadata_addresses_are_out_of_bounds_however_they_are_written() {
        for address in [
            "169.254.169.254",
            "169.254.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "100.100.100.200",
            "::",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
        ] {
            assert!(is_out_of_bounds(address.parse().expect("an address")), "{address}");
        }
        for address in
            ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "100.64.0.1", "203.0.113.1", "fd00::1", "2001:db8::1"]
        {
            assert!(!is_out_of_bounds(address.parse().expect("an address")), "{address}");
        }
        for url in [
            "https://169.254.169.254/latest",
            "https://0xa9fea9fe/",
            "https://2852039166/",
            "https://[fe80::1]/",
            "https://[::ffff:a9fe:a9fe]/",
        ] {
            assert!(names_out_of_bounds(&url.parse().expect("a URL")), "{url}");
        }
        assert!(!names_out_of_bounds(&"https://api.anthropic.com".parse().expect("a URL")));
    }

    #[test]
    fn a_name_that_leads_out_of_bounds_leads_nowhere() {
        let at = |text: &str| SocketAddr::new(text.parse().expect("an address"), 443);
        let (inside, outside) = (at("203.0.113.1"), at("169.254.169.254"));
        let kept = within_bounds(vec![outside, inside], false).expect("one is left");
        assert_eq!(kept.collect::<Vec<_>>(), [inside]);
        assert!(within_bounds(vec![outside], false).is_err());
        assert!(within_bounds(vec![outside], true).is_ok());
        assert!(within_bounds(vec![], false).is_ok(), "that it has none is another error");
    }
}
