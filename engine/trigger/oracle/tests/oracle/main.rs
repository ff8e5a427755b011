//! Our matcher against `rsigma-eval`, whose rules are of Sigma version 3.
//!
//! For every modifier lines are made from an alert, put into a detection, and asked of that alert
//! and of others that differ from it in one field, until enough of them match and enough miss.
//! A difference between the engines is one of the kinds in `explained.rs`, or the test fails.

mod alerts;
mod dice;
mod explained;
mod lines;
mod public;

use std::collections::BTreeMap;

use engine_trigger_oracle::Pair;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::lines::Line;

/// Alerts of each modifier that have to match, and as many that have to miss by one field.
const WANTED: usize = 200;
const KINDS_MAX: usize = 10;

/// What a detection beside the line has, and the condition over both.
fn detection(line: &Line, other: &Line, dice: &mut Dice) -> Value {
    let form = |line: &Line| match line.key.as_str() {
        "" => line.value.clone(),
        key => json!({ key: line.value }),
    };
    let (selected, beside) = (form(line), form(other));
    let never = json!({"raw.cmd": "a text that no alert has"});
    match dice.below(8) {
        0 => {
            json!({"selection": selected, "filter": never, "condition": "selection and not filter"})
        }
        1 => {
            json!({"selection_a": selected, "selection_b": never, "condition": "1 of selection_*"})
        }
        2 => {
            let condition = "all of selection*";
            json!({"selection_a": selected, "selection_b": beside, "condition": condition})
        }
        3 => json!({"a": selected, "b": beside, "condition": "all of them"}),
        4 => json!({"a": [selected, never], "condition": "a"}),
        5 => json!({"a": selected, "b": never, "c": beside, "condition": "(a and c) or b"}),
        _ => json!({"selection": selected, "condition": "selection"}),
    }
}

/// How often what was seen.
#[derive(Default)]
struct Tally {
    pairs: usize,
    matching: usize,
    near_misses: usize,
    explained: BTreeMap<&'static str, usize>,
    unexplained: Vec<String>,
    refused: Vec<String>,
}

impl Tally {
    /// Asks both engines; whether ours matches.
    fn ask(&mut self, pair: &Pair, lines: [&Line; 2], detection: &Value, raw: &Value) -> bool {
        let said = pair.ask(raw);
        self.pairs += 1;
        self.matching += usize::from(said.ours);
        if said.ours != said.theirs {
            match lines
                .iter()
                .find_map(|line| explained::explained(line, raw, said))
            {
                Some(why) => *self.explained.entry(why).or_default() += 1,
                None => self
                    .unexplained
                    .push(format!("{said:?}\n  {detection}\n  {raw}")),
            }
        }
        said.ours
    }

    fn is_enough(&self) -> bool {
        self.matching >= WANTED && self.near_misses >= WANTED
    }
}

fn tally(modifier: &str, seed: u64) -> Tally {
    let mut dice = Dice::new(seed);
    let mut tally = Tally::default();
    while !tally.is_enough() && tally.pairs < 200 * WANTED {
        let mut raw = alerts::raw(&mut dice);
        let line = lines::line(modifier, &mut raw, &mut dice);
        let beside = lines::line(
            if dice.once_in(2) { "" } else { "contains" },
            &mut raw,
            &mut dice,
        );
        let detection = detection(&line, &beside, &mut dice);
        let pair = match Pair::new(&detection) {
            Ok(pair) => pair,
            Err(refused) => {
                tally.refused.push(format!("{refused}: {detection}"));
                break;
            }
        };
        if !tally.ask(&pair, [&line, &beside], &detection, &raw) {
            continue;
        }
        // As many changes as it takes to miss once.
        for tried in 0..8 {
            let near = match line.unwanted() {
                Some(value) if tried % 2 == 1 => {
                    let mut near = raw.clone();
                    alerts::set(&mut near, line.path, value, &mut dice);
                    near
                }
                _ => alerts::mutated(&raw, line.path, &mut dice),
            };
            if !tally.ask(&pair, [&line, &beside], &detection, &near) {
                tally.near_misses += 1;
                break;
            }
        }
        // Where most of it matches, alerts of which nothing is known keep the balance.
        for _ in 0..8 {
            if tally.matching * 5 <= tally.pairs * 3 {
                break;
            }
            let other = alerts::raw(&mut dice);
            tally.ask(&pair, [&line, &beside], &detection, &other);
        }
    }
    tally
}

#[test]
fn every_modifier_matches_and_misses_as_the_other_engine_has_it() {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failures = Vec::new();
    println!("modifier      pairs  matching  near misses  explained");
    for (number, modifier) in lines::MODIFIERS.iter().enumerate() {
        let tally = tally(modifier, number as u64);
        let explained: usize = tally.explained.values().sum();
        println!(
            "{modifier:12}  {:5}  {:8}  {:11}  {explained:9}",
            tally.pairs, tally.matching, tally.near_misses
        );
        let share = tally.matching * 100 / tally.pairs.max(1);
        if !tally.is_enough() || !(30..=70).contains(&share) {
            failures.push(format!(
                "{modifier}: {share} % of {} pairs match",
                tally.pairs
            ));
        }
        failures.extend(tally.refused);
        let count = tally.unexplained.len();
        failures.extend(tally.unexplained.into_iter().take(2));
        if count > 2 {
            failures.push(format!("{modifier}: {} more", count - 2));
        }
        for (kind, count) in tally.explained {
            *kinds.entry(kind).or_default() += count;
        }
    }
    println!("\n{} kinds of differences are meant:", kinds.len());
    for (kind, count) in &kinds {
        println!("{count:6}  {kind}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(kinds.len() <= KINDS_MAX, "{} kinds", kinds.len());
}
