//! Writes lines to files, behind a queue and in a thread of its own: a slow disk makes nobody wait.

use std::{
    io,
    path::Path,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::{Duration, SystemTime},
};

use ccflare_core::{
    domain::Timestamp,
    logs::{LogBounds, LogLevel, LogLine, LogWriter},
};

/// So many lines may wait; more are left out and counted.
const QUEUE: usize = 8192;

/// About so much is written at once.
const BATCH: usize = 256 * 1024;

/// How often it is looked what has become old.
const TIDY: Duration = Duration::from_secs(3600);

/// The near end of the queue.
pub(super) struct Files {
    queue: SyncSender<Order>,
    lost: AtomicU64,
}

enum Order {
    Write(String),
    /// Say when everything before this is written.
    Flush(SyncSender<()>),
}

impl Files {
    /// Starts the thread, which goes on in the newest file.
    pub(super) fn start(folder: &Path, bounds: LogBounds) -> io::Result<Self> {
        let writer = LogWriter::open(folder, bounds)?;
        let (queue, orders) = sync_channel(QUEUE);
        std::thread::Builder::new().name("log files".to_owned()).spawn(move || write(writer, &orders))?;
        Ok(Self { queue, lost: AtomicU64::new(0) })
    }

    pub(super) fn write(&self, line: &LogLine) {
        match self.lost.swap(0, Ordering::Relaxed) {
            0 => {}
            lost => self.queue(text(&left_out(lost, line.ts)), lost),
        }
        self.queue(text(line), 1);
    }

    fn queue(&self, text: String, worth: u64) {
        if self.queue.try_send(Order::Write(text)).is_err() {
            self.lost.fetch_add(worth, Ordering::Relaxed);
        }
    }

    pub(super) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.queue.send(Order::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(Duration::from_secs(5));
        }
    }
}

fn text(line: &LogLine) -> String {
    serde_json::to_string(line).unwrap_or_default() + "\n"
}

fn left_out(lost: u64, ts: i64) -> LogLine {
    LogLine {
        ts,
        level: LogLevel::Warn,
        target: module_path!().to_owned(),
        msg: "lines were left out of this file: they came faster than they could be written".to_owned(),
        request: None,
        data: [("lines".to_owned(), lost.into())].into_iter().collect(),
    }
}

fn write(mut writer: LogWriter, orders: &Receiver<Order>) {
    let now = || Timestamp::from(SystemTime::now());
    let mut failed = false;
    loop {
        let first = match orders.recv_timeout(TIDY) {
            Ok(order) => order,
            Err(RecvTimeoutError::Timeout) => {
                let _ = writer.tidy(now());
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let (mut batch, mut waiting) = (String::new(), Vec::new());
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                Order::Write(line) => batch.push_str(&line),
                Order::Flush(done) => waiting.push(done),
            }
            next = if batch.len() < BATCH { orders.try_recv().ok() } else { None };
        }
        // Said once, and not through the log: that would come back here.
        if let Err(error) = writer.write(batch.as_bytes(), now())
            && !std::mem::replace(&mut failed, true)
        {
            let _ = io::Write::write_all(&mut io::stderr(), format!("the log can't be written: {error}\n").as_bytes());
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
}
