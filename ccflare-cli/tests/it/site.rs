//! A user's machine: a home, settings, a database, perhaps a server; and an upstream and a place to log in at.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use ccflare_mock::{KeyConfig, MockConfig, MockOAuth, MockUpstream};
use serde_json::Value;

const REVIEWER: &str = "---\nname: reviewer\ndescription: Reviews\nmodel: opus\ntools: Read\n---\n\nYou review.\n";

pub(crate) struct Site {
    pub(crate) folder: PathBuf,
    pub(crate) mock: MockUpstream,
    pub(crate) address: Option<SocketAddr>,
    server: Option<Server>,
    _oauth: MockOAuth,
    _kept: tempfile::TempDir,
}

/// Killed even if the test fails.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a command went.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// What it printed, as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Site {
    /// A machine on which nothing has run yet.
    pub(crate) async fn new() -> Self {
        let kept = tempfile::tempdir().expect("a folder");
        let folder = fs::canonicalize(kept.path()).expect("it is there");
        let own = |config: MockConfig, name: &str| config.key(name, KeyConfig::organization(format!("org-{name}")));
        let mock = MockConfig { other_keys: KeyConfig::organization(""), ..MockConfig::default() };
        let mock = MockUpstream::start(["work", "home"].into_iter().fold(mock, own)).await;
        let oauth = MockOAuth::start(28_800).await.expect("a free port");
        let site = Self { folder, mock, address: None, server: None, _oauth: oauth, _kept: kept };
        site.write("agents/reviewer.md", REVIEWER);
        site.write("repo/.claude/agents/tester.md", &REVIEWER.replace("reviewer", "tester"));
        let (folder, oauth) = (site.folder.display(), &site._oauth);
        site.write(
            "ccflare.toml",
            &format!(
                "upstream_base_url = \"{}\"\nagent_dirs = [\"{folder}/agents\"]\nworkspace_roots = [\"{folder}\"]\n\
                 capture_payloads = true\npayload_days = 9\n\n\
                 [oauth.mock]\nauthorize_url = \"{}\"\ntoken_url = \"{}\"\nclient_id = \"our-own\"\n\
                 redirect_uri = \"https://login.example/shows-the-code\"\n",
                site.mock.url(),
                oauth.authorize_url(),
                oauth.token_url()
            ),
        );
        site
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let file = self.folder.join(file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, text).expect("written");
    }

    /// The URL of a path on the server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address.expect("it serves"))
    }

    /// The command, in an environment that holds next to nothing.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccflare"));
        command.env_clear().env("HOME", self.folder.join("home")).env("LOG_FORMAT", "json").current_dir(&self.folder);
        command.arg("--data-dir").arg(self.folder.join("data")).arg("--config").arg(self.folder.join("ccflare.toml"));
        let listen = self.address.map_or_else(|| "127.0.0.1:0".to_owned(), |address| address.to_string());
        command.args(["--listen", &listen]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end; this is what it can read.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Ran {
        self.talk(arguments, |_| input.to_owned())
    }

    /// The same; what it can read follows from the first address that it shows.
    pub(crate) fn talk(&self, arguments: &[&str], answer: impl FnOnce(&mut dyn BufRead) -> String) -> Ran {
        let mut child = self.command(arguments).spawn().expect("it starts");
        let mut said = BufReader::new(child.stderr.take().expect("piped"));
        let input = answer(&mut said);
        // It may not want to know, and have closed it.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        let rest = std::thread::spawn(move || std::io::read_to_string(said).expect("text"));
        let ended = child.wait_with_output().expect("it ends");
        let err = rest.join().expect("read");
        Ran { code: ended.status.code(), out: String::from_utf8(ended.stdout).expect("text"), err }
    }

    /// Starts a server on this machine's database; commands find it by themselves.
    pub(crate) fn serve(&mut self) {
        let mut child = self.command(&["serve"]).spawn().expect("it starts");
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        self.server = Some(Server(child));
        let mut lines = lines.map_while(Result::ok);
        let mut seen = Vec::new();
        for line in lines.by_ref() {
            let told: Value = serde_json::from_str(&line).unwrap_or_default();
            if told["msg"] == "listening" {
                let address = told["data"]["address"].as_str().or(told["address"].as_str());
                self.address = address.and_then(|address| address.parse().ok());
                break;
            }
            seen.push(line);
        }
        assert!(self.address.is_some(), "it does not serve: {seen:?}");
        // A server whose lines nobody reads would wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// Ends the server as an operator does, and waits until it has.
    pub(crate) fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let pid = server.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("it runs").success());
        assert!(server.0.wait().expect("it ends").success());
    }
}
