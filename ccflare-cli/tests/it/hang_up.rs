//! The terminal goes away under the face.

use std::{
    fs::File,
    io::Read,
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use crate::site::Site;

const SOON: Duration = Duration::from_secs(30);

/// Reads what is shown until `text` is.
fn read_until(shown: &mut File, text: &str) {
    let (mut all, mut piece, begun) = (String::new(), [0; 4096], Instant::now());
    while !all.contains(text) {
        assert!(begun.elapsed() < SOON, "{text:?} is not shown: {all}");
        let read = shown.read(&mut piece).expect("it shows something");
        all.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
}

/// Ends a process if the test fails: without its terminal it might go on for ever.
struct EndedOnFailure(Pid);

impl Drop for EndedOnFailure {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = kill_process(self.0, Signal::KILL);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_face_whose_terminal_hangs_up_ends_and_so_does_its_server() {
    let site = Site::new().await;
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&terminal).expect("granted");
    unlockpt(&terminal).expect("unlocked");
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).expect("as large as most are");
    let name = ptsname(&terminal, Vec::new()).expect("a name");
    let inside = File::options().read(true).write(true).open(name.to_str().expect("text")).expect("opened");
    let end = || inside.try_clone().expect("one more");
    let face = site.command(&[]);
    // The terminal has to be the one that controls the process, or its end is told to nobody.
    let mut command = Command::new("setsid");
    command.arg("--ctty").arg(face.get_program()).args(face.get_args()).env("TERM", "xterm-256color");
    command.env("HOME", site.folder.join("home")).current_dir(&site.folder);
    let mut child = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("it starts");
    let _guard = EndedOnFailure(Pid::from_child(&child));
    drop((command, inside));
    let mut terminal = File::from(terminal);
    // Said once it serves; by then it listens for signals, too.
    read_until(&mut terminal, "no server was running");
    drop(terminal);
    let (ended, told) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait()));
    told.recv_timeout(SOON).expect("it ends without a terminal").expect("waited for");
}
