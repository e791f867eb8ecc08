//! How a server is bound: who can reach it, where the operator's routes are, and over TLS.

use std::{path::Path, sync::Arc};

use ccflare_core::{
    clock::SystemClock,
    control::{self, Control, Place, views::NewClientKey},
};
use ccflare_server::{Config, config::Places};

use crate::harness::{TOKEN, http_client, raw};

fn config(folder: &Path, settings: &[(&'static str, &str)]) -> Config {
    let places = Places { config_dir: folder.to_owned(), data_dir: folder.join("data"), home: None };
    let data = folder.join("data").display().to_string();
    let given = [("data_dir", data.as_str()), ("admin_token", TOKEN)];
    let given = given.iter().chain(settings).map(|(key, value)| (*key, (*value).to_owned()));
    Config::resolve(given, |_| None, None, &places).expect("settings that make sense")
}

async fn offline(config: &Config) -> Arc<dyn Control> {
    let place = Place {
        server: None,
        address: "http://127.0.0.1:1".parse().expect("a URL"),
        database: config.database(),
        master: config.master().expect("a key"),
        servers: config.servers.clone(),
        settings: None,
        live: ccflare_core::live::Live::new((&config.gateway).into()),
        logs: "/nowhere/logs".into(),
        token: None,
        clock: Arc::new(SystemClock::new()),
    };
    control::connect(place).await.expect("a database that nobody uses")
}

#[tokio::test]
async fn a_server_that_others_can_reach_does_not_start_without_a_key_and_says_how_to_make_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path(), &[("listen", "0.0.0.0:0")]);
    let error = ccflare_server::start(config.clone()).await.expect_err("an open door").to_string();
    assert!(error.contains("`ccflare key create NAME --data-dir "), "{error}");

    let new = NewClientKey { name: "first".to_owned(), ..NewClientKey::default() };
    let key = offline(&config).await.create_client_key(new).await.expect("a key").key;
    let running = ccflare_server::start(config).await.expect("a server");
    let url = format!("http://127.0.0.1:{}/v1/nothing", running.address.port());
    let client = http_client();
    let stranger = client.post(&url).send().await.expect("an answer");
    assert_eq!(stranger.status(), 401);
    let friend = client.post(&url).header("x-api-key", key.expose()).send().await.expect("an answer");
    assert_eq!(friend.status(), 404, "in, and told that there is no such path");
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn with_a_listener_of_their_own_the_operators_routes_answer_nowhere_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [("listen", "127.0.0.1:0"), ("admin_listen", "127.0.0.1:0")];
    let running = ccflare_server::start(config(folder.path(), &settings)).await.expect("a server");
    let (line, admin) = (running.address, running.admin_address.expect("another address"));
    let client = http_client();
    for (path, at_line, at_admin) in [
        ("/api/status", 404, 200),
        ("/login", 404, 200),
        ("/", 404, 200),
        ("/v1/nothing", 404, 404),
        ("/livez", 200, 200),
        ("/readyz", 200, 200),
        ("/health", 200, 200),
    ] {
        for (address, expected) in [(line, at_line), (admin, at_admin)] {
            let request = client.get(format!("http://{address}{path}")).bearer_auth(TOKEN);
            assert_eq!(request.send().await.expect("an answer").status(), expected, "{address} {path}");
        }
    }
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn tls_is_spoken_by_configuration_and_nothing_else_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tls");
    let (certificate, key) = (files.join("server.pem"), files.join("server.key"));
    let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
    let settings = [("listen", "127.0.0.1:0"), ("tls_cert", certificate.as_str()), ("tls_key", &key)];
    let running = ccflare_server::start(config(folder.path(), &settings)).await.expect("a server");
    let url = format!("https://{}", running.address);
    let client = trusting(&["http/1.1"]);
    let answer = client.get(format!("{url}/livez")).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_11));
    drop(client);
    let client = trusting(&["h2", "http/1.1"]);
    let answer = client.get(format!("{url}/livez")).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_2));

    let form = format!("token={TOKEN}");
    let login = client.post(format!("{url}/login")).header("origin", &url);
    let login = login.header("content-type", "application/x-www-form-urlencoded").body(form);
    let cookie = login.send().await.expect("an answer").headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.starts_with("__Host-ccflare=") && cookie.ends_with("; Secure"), "{cookie}");

    let plain = raw(running.address, b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(!plain.contains("200"), "{plain}");
    drop(client);
    running.stop().await;

    let settings = [("listen", "127.0.0.1:0"), ("tls_cert", key.as_str()), ("tls_key", &key)];
    let error = ccflare_server::start(config(folder.path(), &settings)).await.expect_err("no certificate");
    assert!(error.to_string().contains("tls_cert"), "{error}");
}

/// A client that trusts the tests' authority alone, speaks these protocols, and follows nobody.
fn trusting(protocols: &[&str]) -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.tls_backend_preconfigured(tls_client(protocols)).build().expect("a client")
}

/// How such a client speaks TLS.
pub fn tls_client(protocols: &[&str]) -> rustls::ClientConfig {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let authority = Path::new(env!("CARGO_MANIFEST_DIR")).join("tls/ca.pem");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).expect("a certificate")).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut tls = tls.expect("ring speaks TLS").with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    tls
}
