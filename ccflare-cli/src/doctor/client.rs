//! The environment of clients on this machine: what they need to find the server, and what keeps them from it.

use ccflare_server::config::Config;
use url::Url;

use super::Finding;
use crate::connect;

type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What Claude Code and the SDKs want to have set, for the server that was named or else for the one of these settings.
pub(super) fn exports(config: &Config, server: Option<&Url>) -> Vec<(String, String)> {
    let address = server.cloned().map_or_else(|| connect::line_address(config), Ok);
    let Ok(address) = address else { return Vec::new() };
    let url = address.as_str().trim_end_matches('/').to_owned();
    let key = if config.gateway.require_client_keys { "a key of `ccflare key create NAME`" } else { "unused" };
    vec![("ANTHROPIC_BASE_URL".to_owned(), url), ("ANTHROPIC_API_KEY".to_owned(), key.to_owned())]
}

pub(super) fn look(exports: &[(String, String)], running: bool, variable: Variables<'_>) -> Vec<Finding> {
    let Some((_, url)) = exports.first() else { return Vec::new() };
    let mut findings = vec![base_url(url, running, variable)];
    let elsewhere = ["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"];
    findings.extend(elsewhere.iter().filter(|name| variable(name).is_some()).map(|name| {
        let what = format!("{name} is set: Claude Code goes to another provider, whatever ANTHROPIC_BASE_URL says");
        Finding::warning("client", what).next(format!("unset {name}"))
    }));
    if variable("ANTHROPIC_API_KEY").is_some() && variable("ANTHROPIC_AUTH_TOKEN").is_some() {
        let what =
            "ANTHROPIC_API_KEY and ANTHROPIC_AUTH_TOKEN are both set; clients choose one of them, not all the same";
        findings.push(Finding::warning("client", what).next("unset one of them"));
    }
    findings.extend(proxy(url, variable));
    findings
}

fn base_url(url: &str, running: bool, variable: Variables<'_>) -> Finding {
    let next = format!("export ANTHROPIC_BASE_URL={url}");
    match variable("ANTHROPIC_BASE_URL") {
        None => {
            Finding::note("client", "ANTHROPIC_BASE_URL is not set here: clients go straight to the API").next(next)
        }
        Some(set) if same(&set, url) && running => Finding::good("client", "clients started here find the server"),
        Some(set) if same(&set, url) => {
            Finding::warning("client", "clients started here look for the server, and none runs").next("ccflare serve")
        }
        Some(set) => Finding::warning("client", format!("ANTHROPIC_BASE_URL leads to {set}, not to {url}")).next(next),
    }
}

fn same(set: &str, url: &str) -> bool {
    set.trim_end_matches('/').replace("//localhost:", "//127.0.0.1:") == url
}

/// A proxy for plain HTTP would be asked for 127.0.0.1, which is itself there.
fn proxy(url: &str, variable: Variables<'_>) -> Option<Finding> {
    let names = if url.starts_with("https") { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let name = names.into_iter().find(|name| variable(name).is_some())?;
    let exempt = ["NO_PROXY", "no_proxy"]
        .into_iter()
        .filter_map(variable)
        .any(|list| list.split(',').any(|host| matches!(host.trim(), "*" | "127.0.0.1" | "localhost" | "127.0.0.0/8")));
    (!exempt).then(|| {
        Finding::warning("client", format!("{name} is set: clients may send requests for this machine to that proxy"))
            .next("export NO_PROXY=127.0.0.1,localhost")
    })
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    fn found(set: &[(&str, &str)], running: bool) -> Vec<Finding> {
        let exports = [("ANTHROPIC_BASE_URL".to_owned(), "http://127.0.0.1:8080".to_owned())];
        let variable = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        look(&exports, running, &variable)
    }

    #[test]
    fn what_keeps_clients_from_the_server_is_told() {
        let url = ("ANTHROPIC_BASE_URL", "http://localhost:8080/");
        assert_eq!(found(&[url], true).iter().map(|it| it.level).collect::<Vec<_>>(), [Level::Good]);
        for (set, running, told) in [
            (vec![], true, "is not set here"),
            (vec![url], false, "none runs"),
            (vec![("ANTHROPIC_BASE_URL", "https://api.anthropic.com")], true, "not to http://127.0.0.1:8080"),
            (vec![url, ("CLAUDE_CODE_USE_BEDROCK", "1")], true, "another provider"),
            (vec![url, ("ANTHROPIC_API_KEY", "a"), ("ANTHROPIC_AUTH_TOKEN", "b")], true, "both set"),
            (vec![url, ("HTTP_PROXY", "http://proxy:3128")], true, "to that proxy"),
        ] {
            let findings = found(&set, running);
            let finding = findings.iter().find(|it| it.what.contains(told)).unwrap_or_else(|| panic!("{findings:?}"));
            assert!(finding.next.is_some() && finding.level > Level::Good);
        }
        assert_eq!(found(&[url, ("HTTP_PROXY", "x"), ("NO_PROXY", "localhost,127.0.0.1")], true).len(), 1);
    }
}
