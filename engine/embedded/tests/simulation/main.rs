//! Stories of an engine on a disk, among devices, people and faults, each following from a seed.
//!
//! The engine is the one that ships: run, driver with guard rails, embedded with its database. Its
//! time is virtual, its disk, its devices and its people are made up, and whatever can go wrong
//! does. After each story it is checked what has to hold; `check.rs` says what.
//!
//! One story, line by line, is told by
//! `cargo test -p engine-embedded --test simulation one_seed -- --ignored --nocapture`, with the
//! number in `QUELL_SEED`, and the planted bug, if any, in `QUELL_BUG`. `QUELL_SEEDS=10000` and
//! `campaign_nothing` instead of `one_seed` play many of them.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a story that cannot go on fails; its size comes from outside; a lying disk has files"
)]

mod books;
mod cast;
mod chance;
mod check;
mod desk;
mod devices;
mod sabotage;
mod sim;
mod story;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use sabotage::Bug;
use sim::Fault;
use story::{Verdict, play};

/// Plays seeds on two threads until one of them says stop; what came of each.
fn played(seeds: u64, bug: Option<Bug>, stop: impl Fn(&Verdict) -> bool + Sync) -> Vec<Verdict> {
    let next = AtomicU64::new(0);
    let (next, stop) = (&next, &stop);
    let played = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(move || {
                    let mut played = Vec::new();
                    loop {
                        let seed = next.fetch_add(1, Ordering::SeqCst);
                        if seed >= seeds {
                            return played;
                        }
                        let verdict = play(seed, bug, false);
                        if stop(&verdict) {
                            next.store(seeds, Ordering::SeqCst);
                        }
                        played.push(verdict);
                    }
                })
            })
            .collect();
        let threads = threads.into_iter();
        threads
            .flat_map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    let mut played = played;
    played.sort_by_key(|verdict| verdict.seed);
    played
}

/// Every story holds; what went wrong in them, and how often.
#[track_caller]
fn all_hold(played: &[Verdict]) -> BTreeMap<Fault, u32> {
    let mut faults: BTreeMap<Fault, u32> = BTreeMap::new();
    for verdict in played {
        for (fault, count) in &verdict.faults {
            *faults.entry(*fault).or_default() += count;
        }
    }
    let broken = played.iter().filter(|verdict| !verdict.broken.is_empty());
    let broken = broken.map(|verdict| format!("seed {}: {}", verdict.seed, verdict.broken[0]));
    let broken: Vec<String> = broken.collect();
    assert!(
        broken.is_empty(),
        "{} of {}: {:#?}",
        broken.len(),
        played.len(),
        &broken[..broken.len().min(30)]
    );
    faults
}

fn number(name: &str, otherwise: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn nothing_is_lost_or_done_twice_whatever_goes_wrong() {
    let faults = all_hold(&played(5, None, |_| false));
    assert!(faults.len() > 15, "hardly anything goes wrong: {faults:?}");
}

/// What was once done wrong in these: a look that could not be read counted as a failure of what
/// was looked at (43), a device was contained again because the run that did it had ended (16,
/// 36) or was the same (40), a release took back in the ledger what began after it (5), and an
/// answer that was late itself was believed to tell of later (126).
#[test]
fn stories_that_once_went_wrong_hold() {
    let seeds = [5, 16, 36, 40, 43, 126];
    all_hold(&seeds.map(|seed| play(seed, None, false)));
}

#[test]
fn the_same_seed_tells_the_same_story() {
    assert_eq!(play(1000, None, false), play(1000, None, false));
}

#[test]
fn a_planted_bug_is_found() {
    let found = |verdict: &Verdict| !verdict.broken.is_empty();
    let played = played(100, Some(Bug::NoReconcile), found);
    assert!(played.iter().any(found));
}

#[test]
#[ignore = "long: one seed, told line by line"]
fn campaign_one_seed() {
    let name = std::env::var("QUELL_BUG").unwrap_or_default();
    let bug = Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == name);
    let verdict = play(number("QUELL_SEED", 0), bug, true);
    println!("{verdict:#?}");
    assert!(verdict.broken.is_empty());
}

#[test]
#[ignore = "long: thousands of stories, with a histogram of what goes wrong in them"]
fn campaign_nothing_is_lost_or_done_twice_whatever_goes_wrong() {
    let seeds = number("QUELL_SEEDS", 2000);
    let began = Instant::now();
    let played = played(seeds, None, |_| false);
    let runs: usize = played.iter().map(|verdict| verdict.runs).sum();
    println!("{seeds} seeds with {runs} runs in {:.1?}", began.elapsed());
    let faults = all_hold(&played);
    for (fault, count) in &faults {
        println!("{count:>8}  {fault:?}");
    }
    let rare: Vec<_> = faults.iter().filter(|(_, count)| **count < 100).collect();
    assert!(seeds < 2000 || rare.is_empty(), "too rare: {rare:?}");
    assert!(
        seeds < 2000 || faults.len() == Fault::COUNT,
        "some fault never comes"
    );
}

#[test]
#[ignore = "long: every planted bug is looked for"]
fn campaign_every_planted_bug_is_found_within_a_thousand_seeds() {
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        let kinds = bug.breaks();
        let breaks = |verdict: &Verdict| {
            let mut broken = verdict.broken.iter();
            let of_kind = |what: &&String| kinds.iter().any(|kind| what.starts_with(kind));
            broken.find(of_kind).cloned()
        };
        let found = |verdict: &Verdict| breaks(verdict).is_some();
        let played = played(1000, Some(bug), found);
        let first = played
            .iter()
            .find_map(|verdict| Some((verdict.seed, breaks(verdict)?)));
        match first {
            Some((seed, what)) => println!("{:<30} seed {seed:>4}  {what}", format!("{bug:?}")),
            None => missed.push(bug),
        }
    }
    assert!(missed.is_empty(), "never found: {missed:?}");
}
