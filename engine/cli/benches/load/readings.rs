//! What Linux tells about a process and the machine.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};

/// The kernel's tick, by which it counts processor time for programs: 100 per second on Linux.
const TICK: Duration = Duration::from_millis(10);

/// Processor time so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    /// By the program that is measured.
    pub(crate) program: Duration,
    /// By the benchmark itself: the client and the emulator.
    pub(crate) bench: Duration,
    /// By the whole machine.
    pub(crate) machine: Duration,
}

impl Spent {
    pub(crate) fn now(program: u32) -> anyhow::Result<Self> {
        Ok(Self {
            program: of_process(program)?,
            bench: of_process(std::process::id())?,
            machine: of_machine()?,
        })
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            program: self.program.saturating_sub(before.program),
            bench: self.bench.saturating_sub(before.bench),
            machine: self.machine.saturating_sub(before.machine),
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            program: self.program + other.program,
            bench: self.bench + other.bench,
            machine: self.machine + other.machine,
        }
    }
}

fn of_process(pid: u32) -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; user and system time are the 12th and 13th field
    // after it.
    let (_, after) = text.rsplit_once(')').context("a process has a name")?;
    ticks(after.split_whitespace().skip(11).take(2))
}

fn of_machine() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().context("the machine has processors")?;
    let fields: Vec<&str> = line.split_whitespace().skip(1).collect();
    ensure!(fields.len() >= 8, "unknown form of /proc/stat");
    // user, nice, system, (idle, iowait,) irq, softirq, steal
    ticks([0, 1, 2, 5, 6, 7].into_iter().map(|at| fields[at]))
}

fn ticks<'a>(fields: impl Iterator<Item = &'a str>) -> anyhow::Result<Duration> {
    let mut sum = 0;
    for field in fields {
        sum += field.parse::<u32>().context("processor time is a number")?;
    }
    Ok(TICK * sum)
}

/// The memory of a process that is in use, in bytes.
pub(crate) fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.context("a process has memory")?.parse::<u64>()? * 1024)
}

/// The transactions that were committed to a SQLite database in WAL mode since it was opened.
///
/// The index beside the database has a counter of them, in the byte order of the machine, at the
/// place where SQLite documents it (`iChange` in "WAL-mode File Format").
pub(crate) fn commits(database: &Path) -> anyhow::Result<u32> {
    let index = std::fs::read(database.with_extension("db-shm"))?;
    let counter = index
        .get(8..12)
        .context("the index of the log has a header")?;
    Ok(u32::from_ne_bytes(counter.try_into()?))
}
