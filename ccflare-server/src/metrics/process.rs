//! The process itself: processor time, memory, descriptors, the runtime's tasks. Read when somebody asks.

use std::{
    sync::{Arc, OnceLock},
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use tokio::runtime::{Handle, RuntimeMetrics};

pub(super) fn register(registry: &mut Registry, runtimes: Arc<OnceLock<Vec<Handle>>>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    registry.register_collector(Box::new(Process { started: now.as_secs_f64(), runtimes }));
}

#[derive(Debug)]
struct Process {
    started: f64,
    runtimes: Arc<OnceLock<Vec<Handle>>>,
}

impl Process {
    fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: f64) -> std::fmt::Result {
        let gauge = ConstGauge::new(value);
        gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        Self::gauge(&mut encoder, "process_start_time_seconds", "When it started, since the epoch", self.started)?;
        if let Some((processor, threads, resident)) = stat() {
            let cpu = ConstCounter::new(processor);
            let help = "Processor time used";
            cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?)?;
            Self::gauge(&mut encoder, "process_threads", "Threads", threads)?;
            Self::gauge(&mut encoder, "process_resident_memory_bytes", "Memory in use", resident)?;
        }
        if let Ok(descriptors) = std::fs::read_dir("/proc/self/fd") {
            Self::gauge(&mut encoder, "process_open_fds", "Open descriptors", descriptors.count() as f64)?;
        }
        // Without a word about it, the one that is asked on.
        let runtimes = self.runtimes.get().cloned().unwrap_or_else(|| Handle::try_current().into_iter().collect());
        if !runtimes.is_empty() {
            let sum = |figure: fn(RuntimeMetrics) -> usize| {
                runtimes.iter().map(|runtime| figure(runtime.metrics())).sum::<usize>() as f64
            };
            Self::gauge(&mut encoder, "runtime_tasks", "Tasks alive", sum(|metrics| metrics.num_alive_tasks()))?;
            let waiting = sum(|metrics| metrics.global_queue_depth());
            Self::gauge(&mut encoder, "runtime_queue_depth", "Tasks that wait for a worker", waiting)?;
        }
        Ok(())
    }
}

/// Processor time in seconds, threads, and resident memory in bytes, where the system tells (Linux).
fn stat() -> Option<(f64, f64, f64)> {
    // Ticks of 10 ms and pages of 4 KiB are what Linux reports on all machines this is built for.
    const TICKS: f64 = 100.0;
    const PAGE: f64 = 4096.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name, which may have spaces and brackets in it: state is field 3.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<f64>().ok());
    Some(((field(14)? + field(15)?) / TICKS, field(20)?, field(24)? * PAGE))
}
