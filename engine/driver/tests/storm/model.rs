//! What each control should do, by looking at all that ever happened.

use std::collections::{BTreeMap, BTreeSet};

use super::{Seen, Started, Told};

fn number(index: usize) -> i64 {
    i64::try_from(index).unwrap()
}

/// An alert starts unless a start with its key is less than a window away.
pub(crate) fn dedup(told: &[Told], window: i64) -> Vec<Started> {
    let mut starts: Vec<usize> = Vec::new();
    for (index, one) in told.iter().enumerate() {
        let near = |other: &&usize| {
            let other = &told[**other];
            other.key == one.key && (other.at - one.at).abs() < window
        };
        if starts.iter().find(near).is_none() {
            starts.push(index);
        }
    }
    starts
        .into_iter()
        .map(|index| vec![number(index)])
        .collect()
}

/// When a group is complete.
pub(crate) struct Goal {
    count: u32,
    distinct: Option<u32>,
    stages: usize,
}

impl Goal {
    pub(crate) fn ordered(stages: usize) -> Self {
        Self {
            count: 1,
            distinct: None,
            stages,
        }
    }

    /// `members` stand in the order of time.
    fn reached(&self, told: &[Told], members: &[usize]) -> bool {
        let values: BTreeSet<u64> = members.iter().map(|index| told[*index].value).collect();
        members.len() >= self.count as usize
            && values.len() >= self.distinct.unwrap_or(0) as usize
            && in_order(told, members, 0, self.stages)
    }
}

/// Whether some choice of members, one for each stage from `stage` on, stands in order.
fn in_order(told: &[Told], members: &[usize], stage: usize, stages: usize) -> bool {
    let fits = |index: usize| match told[index].value {
        3 => stage == 1 || stage == 2,
        value => usize::try_from(value).unwrap() == stage,
    };
    stage >= stages
        || members.iter().enumerate().any(|(place, member)| {
            fits(*member) && in_order(told, &members[place + 1..], stage + 1, stages)
        })
}

/// In the order of their times; of equal ones in the order they came.
fn sorted(told: &[Told], mut members: Vec<usize>) -> Vec<usize> {
    members.sort_by_key(|index| (told[*index].at, *index));
    members
}

fn started(members: &[usize]) -> Started {
    members.iter().map(|index| number(*index)).collect()
}

/// Tries, at each alert, the stretch that ends in every single millisecond that may hold it.
pub(crate) fn sliding(
    told: &[Told],
    within: u64,
    count: u32,
    distinct: Option<u32>,
) -> Vec<Started> {
    let goal = Goal {
        count,
        distinct,
        stages: 0,
    };
    windows(told, within, &goal)
}

pub(crate) fn windows(told: &[Told], within: u64, goal: &Goal) -> Vec<Started> {
    let within = i64::try_from(within).unwrap();
    let mut used: BTreeSet<usize> = BTreeSet::new();
    let mut starts = Vec::new();
    for (index, one) in told.iter().enumerate() {
        for end in one.at..one.at + within {
            let inside = |other: &usize| {
                let other_one = &told[*other];
                !used.contains(other)
                    && other_one.key == one.key
                    && other_one.at > end - within
                    && other_one.at <= end
            };
            let members = sorted(told, (0..=index).filter(inside).collect());
            if goal.reached(told, &members) {
                used.extend(&members);
                starts.push(started(&members));
                break;
            }
        }
    }
    starts
}

pub(crate) fn tumbling(
    told: &[Told],
    within: u64,
    count: u32,
    distinct: Option<u32>,
) -> Vec<Started> {
    let within = i64::try_from(within).unwrap();
    // The windows begin where the epoch does, not where the case does.
    let goal = Goal {
        count,
        distinct,
        stages: 0,
    };
    let window = |one: &Told| (one.key, (super::BEGIN + one.at).div_euclid(within));
    let mut done = BTreeSet::new();
    let mut starts = Vec::new();
    for (index, one) in told.iter().enumerate() {
        let of_window = |other: &usize| window(&told[*other]) == window(one);
        let members = sorted(told, (0..=index).filter(of_window).collect());
        if goal.reached(told, &members) && done.insert(window(one)) {
            starts.push(started(&members));
        }
    }
    starts
}

/// A session is what hangs together by gaps no longer than `gap`, started or not.
pub(crate) fn session(told: &[Told], gap: u64, count: u32, distinct: Option<u32>) -> Vec<Started> {
    let goal = Goal {
        count,
        distinct,
        stages: 0,
    };
    sessions(told, gap, &goal)
}

pub(crate) fn sessions(told: &[Told], gap: u64, goal: &Goal) -> Vec<Started> {
    let gap = i64::try_from(gap).unwrap();
    let mut completed: BTreeSet<usize> = BTreeSet::new();
    let mut starts = Vec::new();
    for (index, one) in told.iter().enumerate() {
        let mut members: BTreeSet<usize> = BTreeSet::from([index]);
        loop {
            let near = |other: &usize| {
                told[*other].key == one.key
                    && members
                        .iter()
                        .any(|member| (told[*member].at - told[*other].at).abs() <= gap)
            };
            let grown: BTreeSet<usize> = (0..=index).filter(near).collect();
            if grown == members {
                break;
            }
            members = grown;
        }
        if members.intersection(&completed).next().is_some() {
            continue;
        }
        let members = sorted(told, members.into_iter().collect());
        if goal.reached(told, &members) {
            completed.extend(&members);
            starts.push(started(&members));
        }
    }
    starts
}

/// Of what is complete, that which is not near what was let through before.
pub(crate) fn suppressed(told: &[Told], complete: Vec<Started>, silence: i64) -> Vec<Started> {
    // What completes a group is the alert that came last.
    let last = |start: &Started| {
        let index = start.iter().max().unwrap();
        &told[usize::try_from(*index).unwrap()]
    };
    let mut through: Vec<Started> = Vec::new();
    for start in complete {
        let near = through.iter().any(|other| {
            let (one, other) = (last(&start), last(other));
            one.key == other.key && (one.at - other.at).abs() < silence
        });
        if !near {
            through.push(start);
        }
    }
    through
}

pub(crate) fn batches(told: &[Told], max: usize, wait: i64) -> Vec<(i64, Started)> {
    let mut starts = Vec::new();
    for key in told.iter().map(|one| one.key).collect::<BTreeSet<u8>>() {
        let mut open: Vec<usize> = Vec::new();
        let mine = (0..told.len()).filter(|index| told[*index].key == key);
        for index in mine {
            let over = |open: &Vec<usize>| open.first().map(|first| told[*first].now + wait);
            if let Some(over) = over(&open).filter(|over| *over <= told[index].now) {
                starts.push((over, started(&open)));
                open.clear();
            }
            open.push(index);
            if open.len() >= max {
                starts.push((told[index].now, started(&open)));
                open.clear();
            }
        }
        if let Some(first) = open.first() {
            starts.push((told[*first].now + wait, started(&open)));
        }
    }
    starts
}

/// Goes through time by the millisecond: who waits first, then who comes.
pub(crate) fn throttle(told: &[Told], (max, per, queue): (usize, i64, usize), until: i64) -> Seen {
    let mut seen = Seen::default();
    let mut waiting: Vec<usize> = Vec::new();
    let mut coming: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (index, one) in told.iter().enumerate() {
        coming.entry(one.now).or_default().push(index);
    }
    for now in 0..=until {
        let free = |seen: &Seen| {
            let recent = seen.starts.iter().filter(|(at, _)| *at > now - per);
            recent.count() < max
        };
        while !waiting.is_empty() && free(&seen) {
            let next = waiting.remove(0);
            seen.starts.push((now, vec![number(next)]));
        }
        for index in coming.remove(&now).unwrap_or_default() {
            if waiting.is_empty() && free(&seen) {
                seen.starts.push((now, vec![number(index)]));
            } else if waiting.len() < queue {
                waiting.push(index);
            } else {
                seen.dropped.push(vec![number(index)]);
            }
        }
    }
    seen
}
