//! The parts of the benchmark, in order.

use std::sync::Arc;
use std::time::Duration;

use actions_emulator::Options;
use engine_model::Millis;

use crate::alerts::Alerts;
use crate::load::{self, Field, PLACES, Round, Work};
use crate::playbooks::MANY;
use crate::readings::Spent;
use crate::side::{Side, Tally};
use crate::support;
use crate::table::{Aim, Table, median, percentile_ms};
use crate::tap::Tap;

/// Times that each program is started to see how soon it is ready.
const STARTS: usize = 7;
/// Rounds of each program, by turns.
const ROUNDS: usize = 3;
/// One round as fast as it goes.
const ROUND: Duration = Duration::from_secs(4);
/// One round at a fixed rate.
const ROUND_AT_RATE: Duration = Duration::from_secs(6);
/// The fixed rate.
const PER_SECOND: u32 = 50;
/// Before anything counts: connections open, pages allocated, caches filled.
const WARM_UP: Duration = Duration::from_secs(2);

/// Measures everything and prints it.
pub(crate) async fn all() -> anyhow::Result<()> {
    let mut options = Options::seeded(1);
    options.machines = 4096;
    // Not done when it is asked for, done at the first look.
    options.action_pending = Millis::from_ms(1);
    options.action_running = Millis::ZERO;
    options.log_entries_max = 0;
    let emulator = support::emulator(options).await;
    let field = Field {
        tap: Tap::open(&emulator).await?,
        alerts: Arc::new(Alerts::new(&emulator)),
        emulator,
    };
    let processors = std::thread::available_parallelism()?;
    println!(
        "{processors} processors for the program, the client and the emulator together; an alert \
         is {} bytes\n",
        field.alerts.size_bytes()
    );
    let mut table = Table::default();
    let mut remarks = Vec::new();
    runs_and_latency(&field, &mut table, &mut remarks).await?;
    flood(&field, &mut table, &mut remarks).await?;
    starts(&field, &mut table)?;
    table.print();
    println!();
    for remark in remarks {
        println!("{remark}");
    }
    Ok(())
}

/// The engine with so many playbooks, and the baseline.
fn both(field: &Field, playbooks: usize) -> anyhow::Result<[Side; 2]> {
    let Field { emulator, tap, .. } = field;
    Ok([
        Side::engine(emulator, tap, playbooks),
        Side::baseline(emulator, tap)?,
    ])
}

async fn runs_and_latency(
    field: &Field,
    table: &mut Table,
    remarks: &mut Vec<String>,
) -> anyhow::Result<()> {
    let sides = both(field, 1)?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = each(&sides, Side::resident_mb)?;
    let rounds = rounds(field, &sides, Work::Runs).await?;
    let mut latency: [Vec<Duration>; 2] = Default::default();
    for _ in 0..2 {
        for (side, latency) in sides.iter().zip(&mut latency) {
            latency.extend(load::open(field, side, PER_SECOND, ROUND_AT_RATE).await?);
        }
    }
    let after = each(&sides, Side::resident_mb)?;
    let tallies = each(&sides, Side::tally)?;

    let per_second = |round: &Round| round.alerts as f64 / round.took.as_secs_f64();
    let figures = medians(&rounds, per_second);
    table.both("runs/s, 64 in flight", figures, Aim::TimesAtLeast(0.5));
    let p = |percent| {
        latency
            .clone()
            .map(|mut all| percentile_ms(&mut all, percent))
    };
    table.both(
        "alert to isolate call at 50/s, p50, ms",
        p(50),
        Aim::TimesAtMost(2.0),
    );
    table.both(
        "alert to isolate call at 50/s, p99, ms",
        p(99),
        Aim::TimesAtMost(2.0),
    );
    let per_run = |figure: fn(&Round) -> f64| {
        medians(&rounds, move |round| figure(round) / round.alerts as f64)
    };
    table.both(
        "calls per run",
        per_run(|round| round.calls as f64),
        Aim::None,
    );
    let entries = |tally: Tally| tally.entries as f64 / tally.runs as f64;
    table.both("journal entries per run", tallies.map(entries), Aim::None);
    table.both(
        "SQLite commits per run",
        per_run(|round| f64::from(round.commits)),
        Aim::None,
    );
    let cpu = per_run(|round| round.spent.program.as_secs_f64() * 1e3);
    table.both("processor time of the program per run, ms", cpu, Aim::None);
    let cpu = per_run(|round| round.spent.bench.as_secs_f64() * 1e3);
    table.both("  of client and emulator, ms", cpu, Aim::None);
    table.both("memory idle, MB", idle, Aim::AtMost(40.0));
    table.both("memory after all runs, MB", after, Aim::None);
    remarks.extend(who_was_busy("runs", &rounds));
    remarks.push(format!(
        "runs: {} of the engine and {} of the baseline, every one succeeded",
        tallies[0].succeeded, tallies[1].succeeded
    ));
    Ok(())
}

async fn flood(field: &Field, table: &mut Table, remarks: &mut Vec<String>) -> anyhow::Result<()> {
    let sides = both(field, MANY)?;
    let rounds = rounds(field, &sides, Work::Flood).await?;
    each(&sides, Side::tally)?;
    let per_second = |round: &Round| round.alerts as f64 / round.took.as_secs_f64();
    let figures = medians(&rounds, per_second);
    table.both("alerts/s, 100 playbooks, 1 % match", figures, Aim::None);
    let cpu = medians(&rounds, |round| {
        round.spent.program.as_secs_f64() * 1e6 / round.alerts as f64
    });
    table.both(
        "processor time of the program per alert, µs",
        cpu,
        Aim::None,
    );
    let memory = each(&sides, Side::resident_mb)?;
    table.both("memory after the flood, MB", memory, Aim::None);
    remarks.extend(who_was_busy("flood", &rounds));
    Ok(())
}

fn starts(field: &Field, table: &mut Table) -> anyhow::Result<()> {
    let mut took: [Vec<f64>; 3] = Default::default();
    for _ in 0..STARTS {
        let [engine, baseline] = both(field, 1)?;
        let many = Side::engine(&field.emulator, &field.tap, MANY);
        for (side, took) in [engine, baseline, many].into_iter().zip(&mut took) {
            took.push(side.served.ready_after.as_secs_f64() * 1e3);
            side.served.kill();
        }
    }
    let [engine, baseline, many] = took.map(median);
    table.both("time to ready, ms", [engine, baseline], Aim::AtMost(150.0));
    table.engine(
        "time to ready with 100 playbooks, ms",
        many,
        Aim::AtMost(150.0),
    );
    Ok(())
}

fn each<T>(sides: &[Side; 2], of: impl Fn(&Side) -> anyhow::Result<T>) -> anyhow::Result<[T; 2]> {
    Ok([of(&sides[0])?, of(&sides[1])?])
}

/// Warms up, then rounds by turns.
async fn rounds(field: &Field, sides: &[Side; 2], work: Work) -> anyhow::Result<[Vec<Round>; 2]> {
    let mut rounds: [Vec<Round>; 2] = Default::default();
    for side in sides {
        load::closed(field, side, work, WARM_UP).await?;
    }
    for _ in 0..ROUNDS {
        for (side, rounds) in sides.iter().zip(&mut rounds) {
            rounds.push(load::closed(field, side, work, ROUND).await?);
        }
    }
    Ok(rounds)
}

fn medians(rounds: &[Vec<Round>; 2], figure: impl Fn(&Round) -> f64) -> [f64; 2] {
    [0, 1].map(|side| median(rounds[side].iter().map(&figure).collect()))
}

/// Who had the processors while the load was on, and what that means for the figures.
fn who_was_busy(what: &str, rounds: &[Vec<Round>; 2]) -> Vec<String> {
    let mut remarks = Vec::new();
    for (name, rounds) in ["engine", "baseline"].into_iter().zip(rounds) {
        let wall: Duration = rounds.iter().map(|round| round.took).sum();
        let spent = rounds
            .iter()
            .fold(Spent::default(), |sum, round| sum.plus(round.spent));
        let share = |time: Duration| time.as_secs_f64() / wall.as_secs_f64();
        let (program, bench) = (share(spent.program), share(spent.bench));
        let others = (share(spent.machine) - program - bench).max(0.0);
        remarks.push(format!(
            "{what}, {name}: processors busy with the program {program:.2}, with client and \
             emulator {bench:.2}, with everything else {others:.2}"
        ));
        if bench > program {
            remarks.push(format!(
                "  client and emulator cost more than the {name}: its figures are lower bounds"
            ));
        }
        if others > 0.2 {
            let whose = "  other programs took part of the machine: the figures are too low";
            remarks.push(whose.to_owned());
        }
    }
    remarks
}

const _: () = assert!(
    PLACES == 64 && PER_SECOND == 50 && MANY == 100,
    "the table says so"
);
