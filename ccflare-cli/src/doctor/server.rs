//! The server: whether it runs, whether it could, and how its accounts are.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use ccflare_core::control::views::AccountView;
use ccflare_server::config::{Config, Flags};
use url::Url;

use super::Finding;
use crate::connect;

/// What is at the port.
#[derive(Debug, PartialEq, Eq)]
enum AtPort {
    Nobody,
    Ccflare,
    Stranger,
    /// It can't be listened on, for this reason.
    Closed(String),
}

/// What was found, and whether a server runs.
pub(super) async fn look(config: &Config, flags: &Flags, url: Option<&Url>) -> (Vec<Finding>, bool) {
    let (listen, is_tls) = (config.listen, config.tls.is_some());
    let at_port = tokio::task::spawn_blocking(move || at_port(listen, is_tls)).await.unwrap_or(AtPort::Nobody);
    let running = url.is_some() || at_port == AtPort::Ccflare;
    let mut findings = if url.is_none() { vec![port(listen, &at_port)] } else { Vec::new() };
    let control = match connect::existing(flags, url.cloned()).await {
        Ok(Some(control)) => control,
        Ok(None) => return (findings, running),
        Err(error) => {
            findings.push(Finding::problem("accounts", format!("they can't be looked at: {error:#}")));
            return (findings, running);
        }
    };
    match control.accounts().await {
        Ok(found) => findings.extend(accounts(&found)),
        Err(error) => findings.push(Finding::problem("accounts", format!("they can't be looked at: {error}"))),
    }
    (findings, running)
}

fn port(listen: SocketAddr, at_port: &AtPort) -> Finding {
    match at_port {
        AtPort::Nobody => Finding::note("server", format!("none runs; {listen} is free for it")).next("ccflare serve"),
        AtPort::Ccflare => Finding::good("server", format!("it answers on {listen}")),
        AtPort::Stranger => Finding::problem("server", format!("another program listens on {listen}"))
            .next("stop it, or choose another port: `ccflare config set port 8081`"),
        AtPort::Closed(why) => Finding::problem("server", format!("nobody can listen on {listen}: {why}")).next(
            "choose an address of this machine and a port above 1023: `ccflare config set listen 127.0.0.1:8081`",
        ),
    }
}

fn at_port(listen: SocketAddr, is_tls: bool) -> AtPort {
    let mut address = listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_secs(2)) else {
        return match TcpListener::bind(listen) {
            Ok(_) => AtPort::Nobody,
            Err(error) => AtPort::Closed(error.to_string()),
        };
    };
    // Behind TLS nobody can be asked without knowing the certificate; that somebody listens has to do.
    if is_tls || is_ccflare(stream, address).unwrap_or(false) { AtPort::Ccflare } else { AtPort::Stranger }
}

fn is_ccflare(mut stream: TcpStream, address: SocketAddr) -> std::io::Result<bool> {
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(stream, "GET /health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(16 * 1024).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.contains("\"accounts\":") && answer.contains("\"strategy\":"))
}

fn accounts(accounts: &[AccountView]) -> Vec<Finding> {
    if accounts.is_empty() {
        let what = "there are none: requests go on with the client's own credentials";
        return vec![Finding::note("accounts", what).next("ccflare account add NAME")];
    }
    let mut findings: Vec<_> = accounts.iter().filter_map(account).collect();
    let able = accounts.iter().filter(|account| account.state == "active").count();
    let summary = format!("{able} of {} can serve", accounts.len());
    findings
        .insert(0, if able == 0 { Finding::problem("accounts", summary) } else { Finding::good("accounts", summary) });
    findings
}

fn account(account: &AccountView) -> Option<Finding> {
    let name = &account.name;
    if account.paused {
        let next = format!("ccflare account resume '{name}'");
        return Some(Finding::note("accounts", format!("{name:?} is paused")).next(next));
    }
    let closure = account.closures.first()?;
    let until =
        closure.until.as_ref().map_or_else(|| "until it is resumed".to_owned(), |until| format!("until {until}"));
    let what = format!("{name:?} is closed ({}) {until}: {}", closure.reason, closure.evidence);
    let next = match (account.state.as_str(), &closure.until) {
        ("needs_login", _) => format!("ccflare account login '{name}'"),
        (_, None) => format!("look into it at the provider, then `ccflare account resume '{name}'`"),
        (_, Some(_)) => return Some(Finding::note("accounts", what)),
    };
    Some(Finding::warning("accounts", what).next(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_tells_who_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let stranger = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a knock");
            let mut head = [0; 512];
            let _ = stream.read(&mut head).expect("a request");
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello").expect("answered");
        });
        assert_eq!(at_port(address, false), AtPort::Stranger);
        stranger.join().expect("it ends");
        assert_eq!(at_port(address, false), AtPort::Nobody);
        assert!(matches!(at_port("192.0.2.1:80".parse().expect("an address"), false), AtPort::Closed(_)));
    }
}
