//! A supervisor learns whether requests should come here, and whether the process must be started anew.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ccflare_core::{
    clock::SystemClock,
    gateway::GatewayOptions,
    store::{RedbStore, StoreError, StoreWatch, Watched},
};
use ccflare_mock::MockConfig;
use ccflare_server::ServeOptions;

use crate::harness::{SOON, Stage, TOKEN};

/// A disk that can be taken away.
#[derive(Debug, Default)]
struct Disk {
    reads_fail: AtomicBool,
    writes_fail: AtomicBool,
}

impl StoreWatch for Disk {
    fn begins(&self, op: &'static str) -> Result<(), StoreError> {
        let fails = if op == "append" { &self.writes_fail } else { &self.reads_fail };
        if fails.load(Ordering::Acquire) {
            return Err(StoreError::backend("/secret/disk is gone"));
        }
        Ok(())
    }
}

async fn stage(disk: &Arc<Disk>) -> Stage {
    let store = Watched::new(Arc::new(RedbStore::in_memory()), Arc::clone(disk) as _, Arc::new(SystemClock::new()));
    let (config, options) = (MockConfig::default(), GatewayOptions::default());
    Stage::over(Arc::new(store), &["a"], config, options, |builder| builder, ServeOptions::default()).await
}

async fn get(stage: &Stage, path: &str) -> (u16, String) {
    let answer = stage.client.get(stage.url(path)).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

/// What the store said counts for a second.
async fn readiness(stage: &Stage) -> (u16, String) {
    stage.clock.advance(Duration::from_secs(2));
    get(stage, "/readyz?verbose").await
}

#[tokio::test]
async fn without_its_store_a_server_is_alive_and_not_ready() {
    let disk = Arc::new(Disk::default());
    let stage = stage(&disk).await;
    let well = "[+] accepting ok\n[+] store ok\n[+] ledger ok\nready\n";
    assert_eq!(readiness(&stage).await, (200, well.to_owned()));
    assert_eq!(get(&stage, "/readyz").await, (200, "ready\n".to_owned()));

    disk.reads_fail.store(true, Ordering::Release);
    let ill = "[+] accepting ok\n[-] store failed\n[+] ledger ok\nstore failed\n";
    assert_eq!(readiness(&stage).await, (503, ill.to_owned()), "and no path is told to strangers");
    assert_eq!(get(&stage, "/readyz").await, (503, "store failed\n".to_owned()));
    assert_eq!(get(&stage, "/livez").await, (200, "ok\n".to_owned()), "a restart would not bring the disk back");

    disk.reads_fail.store(false, Ordering::Release);
    assert_eq!(readiness(&stage).await.0, 200, "it is back");
    stage.finish().await;
}

#[tokio::test]
async fn a_ledger_that_cannot_be_written_is_seen_and_everything_is_written_when_it_can_again() {
    let disk = Arc::new(Disk::default());
    let stage = stage(&disk).await;
    disk.writes_fail.store(true, Ordering::Release);
    assert_eq!(stage.ask().await.status, 200, "a request does not wait for the disk");
    let wait_for = async |status: u16| {
        let waiting = async {
            loop {
                let (now, text) = readiness(&stage).await;
                if now == status {
                    return text;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, waiting).await.expect("it is seen")
    };
    assert!(wait_for(503).await.contains("[-] ledger failed"));
    disk.writes_fail.store(false, Ordering::Release);
    assert!(wait_for(200).await.contains("[+] ledger ok"));
    let metrics = stage.client.get(stage.url("/metrics")).bearer_auth(TOKEN).send().await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    assert!(metrics.contains("ccflare_ledger_dropped_total 0"), "{metrics}");
    assert_eq!(stage.finish().await.len(), 1);
}

#[tokio::test]
async fn accounts_that_are_used_up_are_no_reason_to_go_elsewhere() {
    let stage = stage(&Arc::default()).await;
    stage.mock.script("a", [ccflare_mock::Step::billing()]);
    assert!(stage.ask().await.status >= 429, "nobody can serve");
    assert_eq!(readiness(&stage).await.0, 200);
    stage.finish().await;
}
