//! What the figures were measured on.

use crate::stats::{ms, percentile, short};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use tokio::time::Instant;

/// Processor, cores, memory, kernel, disk, and how busy it was.
pub(crate) fn description(folder: &Path) -> crate::Outcome<String> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let (processors, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let after_colon = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = after_colon(&processors, "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let cores = std::thread::available_parallelism()?;
    let kilobytes =
        after_colon(&memory, "MemTotal").and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let kernel = read("/proc/sys/kernel/osrelease").trim().to_owned();
    let busy = read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ");
    Ok(format!(
        "Measured on: {model}, {cores} cores shared by the bot, the simulated Slack and AWS and the people, \
         {} GB, Linux {kernel}; one fdatasync of 4 KB takes {} ms (median); load at the end {busy}.\n",
        short(kilobytes.unwrap_or(0.0) / 1e6),
        short(flush_time(folder)?),
    ))
}

/// How long the disk takes to keep a page, in milliseconds.
fn flush_time(folder: &Path) -> crate::Outcome<f64> {
    let mut file = File::create(folder.join("flush"))?;
    let page = [7_u8; 4096];
    file.write_all(&page)?;
    file.sync_all()?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let begin = Instant::now();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&page)?;
        file.sync_data()?;
        times.push(begin.elapsed());
    }
    Ok(ms(percentile(&times, 50)))
}
