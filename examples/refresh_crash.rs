//! Kills a gateway at every step of a token renewal, and looks whether the account lives.
//!
//! A child process (this program once more) serves one account whose tokens are always about to end, so that every
//! request renews them. The parent is upstream, authorization server and client in one, and kills the child with SIGKILL
//! when the renewal has come to a certain step. Then it starts the child again and asks once more. The account has to
//! work, unless the rotated answer never reached the disk: then it has to say that it needs a login.
//!
//! ```text
//! cargo run -p ccflare-examples --example refresh_crash [ROUNDS]
//! ```

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use ccflare_core::{
    clock::SystemClock,
    control::{AccountControl, Local, LoginControl, views::NewLogin},
    gateway::Gateway,
    oauth::{AuthorizationServer, AuthorizationServers},
    store::{RedbStore, SealKey},
};
use ccflare_mock::{Fault, MockConfig, MockOAuth, MockUpstream};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

const DATABASE: &str = "REFRESH_CRASH_DATABASE";
const OAUTH: &str = "REFRESH_CRASH_OAUTH";

/// So short that every request renews them first.
const LIFE: u64 = 20;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    match (std::env::var(DATABASE), std::env::var(OAUTH)) {
        (Ok(database), Ok(oauth)) => runtime.block_on(serve(Path::new(&database), &oauth)),
        _ => runtime.block_on(torment(std::env::args().nth(1).map_or(Ok(5), |rounds| rounds.parse())?)),
    }
}

fn servers(base: &str) -> Result<AuthorizationServers> {
    let url = |path: &str| format!("{base}{path}").parse();
    let redirect = "http://127.0.0.1/callback".parse()?;
    let server = AuthorizationServer::new("mock", url("/authorize")?, url("/token")?, "client", redirect);
    Ok(AuthorizationServers::new([server]))
}

fn open(database: &Path) -> Result<Arc<RedbStore>> {
    let key = SealKey::load_or_create(&database.with_extension("key"))?;
    Ok(Arc::new(RedbStore::open(database, key)?))
}

/// The child: serves until it is killed.
async fn serve(database: &Path, oauth: &str) -> Result<()> {
    let gateway = Gateway::builder(open(database)?).authorization_servers(servers(oauth)?).build().await?;
    let app = axum::Router::new().fallback_service(gateway.line());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// Where a renewal is when the child is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The server has the request and has done nothing.
    Asked,
    /// The server has rotated the tokens, and its answer never leaves.
    Rotated,
    /// The answer is under way, or is being stored.
    Answered,
    /// The new token has been sent to the API.
    Used,
}

const STEPS: [Step; 4] = [Step::Asked, Step::Rotated, Step::Answered, Step::Used];

async fn torment(rounds: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let stage = Stage {
        database: folder.path().join("ccflare.redb"),
        oauth: MockOAuth::start(LIFE).await?,
        mock: MockUpstream::start(MockConfig::default()).await,
    };
    stage.log_in(NewLogin { name: "me".to_owned(), base_url: Some(stage.mock.url()), ..NewLogin::default() }).await?;
    println!("{:>6} {:<10} {:<12}", "round", "killed at", "afterwards");
    for round in 1..=rounds {
        for step in STEPS {
            let works = stage.kill_at(step, round).await?;
            println!("{round:>6} {:<10} {}", format!("{step:?}"), if works { "works" } else { "needs a login" });
            match step {
                Step::Asked | Step::Used => ensure!(works, "the tokens were not lost at {step:?}"),
                Step::Rotated => ensure!(!works, "spent tokens can't work"),
                Step::Answered => {}
            }
            if !works {
                stage.log_in(NewLogin { account: Some("me".to_owned()), ..NewLogin::default() }).await?;
            }
        }
    }
    println!("no token was lost but where its answer never reached the disk, and that was seen each time");
    stage.mock.shutdown().await;
    Ok(())
}

struct Stage {
    database: std::path::PathBuf,
    oauth: MockOAuth,
    mock: MockUpstream,
}

impl Stage {
    fn oauth_base(&self) -> String {
        self.oauth.token_url().trim_end_matches("/token").to_owned()
    }

    /// What an operator does while nothing is running.
    async fn control(&self) -> Result<Local> {
        let servers = servers(&self.oauth_base())?;
        Ok(Local::offline(open(&self.database)?, servers, Arc::new(SystemClock::new())).await?)
    }

    async fn log_in(&self, login: NewLogin) -> Result<()> {
        let control = self.control().await?;
        let login = control.begin_login(login).await?;
        let page = client().get(login.auth_url.parse()?).await?;
        let ended_at = page.headers().get(header::LOCATION).context("the page redirects")?.to_str()?;
        control.complete_login(&login.session_id, ended_at).await?;
        Ok(())
    }

    /// Kills the child in the middle of a renewal, and says whether the account works after a restart.
    async fn kill_at(&self, step: Step, round: u32) -> Result<bool> {
        let (mut child, base) = self.start()?;
        let (requests, served) = (self.oauth.requests().len(), self.mock.requests().len());
        match step {
            Step::Asked => self.oauth.faults([Fault::HangBefore]),
            Step::Rotated => self.oauth.faults([Fault::HangAfter]),
            Step::Answered | Step::Used => {}
        }
        let asking = tokio::spawn(ask(base));
        if step == Step::Used {
            let used = self.mock.wait_for(|mock| mock.requests().len() > served, Duration::from_secs(10)).await;
            ensure!(used, "the API is asked with the new token");
        } else {
            tokio::time::timeout(Duration::from_secs(10), self.oauth.requested(requests + 1)).await?;
            // Somewhere between the answer's leaving and its being on disk.
            tokio::time::sleep(Duration::from_micros(u64::from(round % 8) * 700)).await;
        }
        child.kill()?;
        child.wait()?;
        asking.abort();
        let used = self.mock.requests().len() > served;

        let (mut child, base) = self.start()?;
        let works = ask(base).await? == StatusCode::OK;
        child.kill()?;
        child.wait()?;
        ensure!(works || !used, "a token was used before it was durable");
        if !works {
            let accounts = self.control().await?.accounts().await?;
            ensure!(accounts[0].state == "needs_login", "it does not say so: {}", accounts[0].state);
        }
        Ok(works)
    }

    fn start(&self) -> Result<(Child, String)> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(DATABASE, &self.database)
            .env(OAUTH, self.oauth_base())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut base = String::new();
        let stdout = child.stdout.take().context("the child has a standard output")?;
        BufReader::new(stdout).read_line(&mut base)?;
        ensure!(base.starts_with("http://"), "the child did not start");
        Ok((child, base.trim().to_owned()))
    }
}

/// One request, and its status. A pause in which the server is left alone after a failure is waited out.
async fn ask(base: String) -> Result<StatusCode> {
    let body = Bytes::from_static(br#"{"model":"claude-opus-5-5","max_tokens":9,"messages":[]}"#);
    let request = Request::post(format!("{base}/v1/messages")).body(Full::new(body))?;
    let answer = client().request(request).await?;
    let status = answer.status();
    answer.into_body().collect().await?;
    // The ledger's queue has the mark that a refusal makes; it is written within its gathering and a commit.
    tokio::time::sleep(Duration::from_millis(150)).await;
    Ok(status)
}

fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}
