//! Windows: the alerts of a group on their way to a number, for `accumulate`.

use std::collections::HashSet;

use engine_model::{Millis, Timestamp};
use engine_playbook::plan::{Accumulate, WindowShape};
use serde::{Deserialize, Serialize};

use super::{ALERTS_MAX, AlertRef, Facts, Firing, Verdict};

/// Spans kept for one group; more than two are needed only for alerts that come late.
const SPANS_MAX: usize = 32;

/// The alerts of one group that have not started anything yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// Oldest first; a sliding window has one.
    #[serde(rename = "s")]
    spans: Vec<Span>,
    #[serde(rename = "k")]
    keep_until: i64,
    /// Of what is older nothing is known any more.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    floor: Option<i64>,
}

/// A stretch of time whose alerts belong together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Span {
    #[serde(rename = "b")]
    first: i64,
    #[serde(rename = "e")]
    last: i64,
    /// Whether it has started its run.
    #[serde(rename = "d", default, skip_serializing_if = "std::ops::Not::not")]
    done: bool,
    /// Oldest first; empty once it has started its run.
    #[serde(rename = "m", default, skip_serializing_if = "Vec::is_empty")]
    members: Vec<Member>,
}

/// An alert that counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Member {
    #[serde(rename = "a")]
    alert: AlertRef,
    #[serde(rename = "t")]
    at: i64,
    /// What it adds to `distinct`, hashed.
    #[serde(rename = "v", default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<u64>,
    /// The stages of the sequence that it matches, one bit each.
    #[serde(rename = "q", default, skip_serializing_if = "is_zero")]
    stages: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "that is how a field is asked whether it is left out"
)]
const fn is_zero(stages: &u32) -> bool {
    *stages == 0
}

/// How far a window has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Progress {
    count: usize,
    distinct: usize,
    /// How many stages of the sequence were matched in their order.
    stages: usize,
}

impl Progress {
    fn of(members: &[Member], goal: &Accumulate) -> Self {
        let values: HashSet<u64> = members.iter().flat_map(|m| &m.values).copied().collect();
        // Taking each stage as early as it comes leaves most for those after it.
        let stages = members.iter().fold(0, |done, member| {
            let next = done < goal.sequence.len() && member.stages >> done & 1 == 1;
            done + usize::from(next)
        });
        Self {
            count: members.len(),
            distinct: values.len(),
            stages,
        }
    }

    fn reaches(self, goal: &Accumulate) -> bool {
        let distinct = goal.distinct.as_ref().map_or(0, |distinct| distinct.gte);
        self.count >= goal.count as usize
            && self.distinct >= distinct as usize
            && self.stages >= goal.sequence.len()
    }

    fn verdict(self, goal: &Accumulate) -> Verdict {
        Verdict::Counted {
            count: self.count,
            of: goal.count,
            distinct: goal.distinct.as_ref().map(|_| self.distinct),
            distinct_of: goal.distinct.as_ref().map(|distinct| distinct.gte),
            awaits: goal
                .sequence
                .get(self.stages)
                .map(|stage| stage.selection.name.clone()),
        }
    }
}

impl Windows {
    /// Adds an alert; what starts, where the number is reached by it.
    pub(super) fn add(
        &mut self,
        goal: &Accumulate,
        facts: &Facts,
        retention: Millis,
    ) -> Result<Firing, Verdict> {
        let keep_until = facts.now.plus(goal.within).plus(retention).as_ms();
        self.keep_until = self.keep_until.max(keep_until);
        let at = facts.at.as_ms();
        if self.floor.is_some_and(|floor| at < floor) {
            return Err(Verdict::TooLate);
        }
        let member = Member {
            alert: facts.alert,
            at,
            values: facts.values.clone(),
            stages: facts.stages,
        };
        let fired = match goal.window {
            WindowShape::Sliding => self.slide(goal, member),
            WindowShape::Tumbling => {
                let length = i64::try_from(goal.within.as_ms()).unwrap_or(i64::MAX);
                let first = at.div_euclid(length) * length;
                self.join(goal, member, first, |span| span.first == first)
            }
            WindowShape::Session => {
                let gap = goal.within;
                let near = |span: &Span| {
                    let first = Timestamp::from_ms(span.first);
                    let last = Timestamp::from_ms(span.last);
                    facts.at <= last.plus(gap) && first <= facts.at.plus(gap)
                };
                self.join(goal, member, at, near)
            }
        };
        self.forget(goal.within.as_ms().saturating_add(retention.as_ms()));
        let (since, members) = fired?;
        Ok(Firing {
            count: u32::try_from(members.len()).unwrap_or(u32::MAX),
            alerts: members.iter().map(|member| member.alert).collect(),
            group: facts.group.clone(),
            since: Timestamp::from_ms(since),
            ..Firing::of_one(facts)
        }
        .gathered())
    }

    fn slide(&mut self, goal: &Accumulate, new: Member) -> Result<(i64, Vec<Member>), Verdict> {
        if self.spans.is_empty() {
            // Older than everything, so that only its members count.
            self.spans.push(Span {
                first: i64::MIN,
                last: i64::MIN,
                ..Span::default()
            });
        }
        let span = self
            .spans
            .first_mut()
            .expect("one was pushed when there was none");
        let at = new.at;
        let place = span.insert(new);
        let length = i64::try_from(goal.within.as_ms()).unwrap_or(i64::MAX);
        let mut best = Progress::default();
        // Every window that ends with an alert and holds the new one.
        for end in place..span.members.len() {
            let last = span.members[end].at;
            if last.saturating_sub(at) >= length {
                break;
            }
            if span
                .members
                .get(end + 1)
                .is_some_and(|next| next.at == last)
            {
                // A window holds all alerts of its last instant.
                continue;
            }
            let inside = |member: &Member| last.saturating_sub(member.at) >= length;
            let begin = span.members.partition_point(inside);
            let progress = Progress::of(&span.members[begin..=end], goal);
            if progress.reaches(goal) {
                let members: Vec<Member> = span.members.drain(begin..=end).collect();
                return Ok((members[0].at, members));
            }
            best = best.max(progress);
        }
        span.cap();
        Err(best.verdict(goal))
    }

    /// Adds to the span that `belongs` names, making one of those that become one by it.
    fn join(
        &mut self,
        goal: &Accumulate,
        new: Member,
        first: i64,
        belongs: impl Fn(&Span) -> bool,
    ) -> Result<(i64, Vec<Member>), Verdict> {
        let mut span = Span {
            first,
            last: new.at,
            ..Span::default()
        };
        let (mine, others) = std::mem::take(&mut self.spans)
            .into_iter()
            .partition(belongs);
        self.spans = others;
        let mine: Vec<Span> = mine;
        for one in mine {
            span.first = span.first.min(one.first);
            span.last = span.last.max(one.last);
            span.done |= one.done;
            for member in one.members {
                span.insert(member);
            }
        }
        let outcome = if span.done {
            span.members.clear();
            Err(Verdict::Fired {
                since: Timestamp::from_ms(span.first),
            })
        } else {
            span.insert(new);
            let progress = Progress::of(&span.members, goal);
            if progress.reaches(goal) {
                span.done = true;
                Ok((span.first, std::mem::take(&mut span.members)))
            } else {
                span.cap();
                Err(progress.verdict(goal))
            }
        };
        let place = self.spans.partition_point(|other| other.first < span.first);
        self.spans.insert(place, span);
        outcome
    }

    /// Forgets what is so old that nothing can come that belongs to it.
    fn forget(&mut self, age_ms: u64) {
        let newest = |span: &Span| match span.members.last() {
            Some(member) => member.at.max(span.last),
            None => span.last,
        };
        let Some(newest) = self.spans.iter().map(newest).max() else {
            return;
        };
        let mut floor = newest.saturating_sub_unsigned(age_ms);
        for span in &mut self.spans {
            // A session that goes on keeps all its members.
            if span.last < floor {
                span.members.retain(|member| member.at >= floor);
            }
        }
        self.spans
            .retain(|span| !span.members.is_empty() || span.last >= floor);
        while self.spans.len() > SPANS_MAX {
            let dropped = self.spans.remove(0);
            floor = floor.max(dropped.last.saturating_add(1));
        }
        self.floor = Some(self.floor.map_or(floor, |before| before.max(floor)));
    }

    /// Until when the cell is kept.
    #[must_use]
    pub const fn keep_until(&self) -> Timestamp {
        Timestamp::from_ms(self.keep_until)
    }
}

impl Span {
    /// Inserts in the order of time, behind its equals.
    fn insert(&mut self, new: Member) -> usize {
        let place = self.members.partition_point(|member| member.at <= new.at);
        self.members.insert(place, new);
        place
    }

    /// Leaves out the oldest alert that adds nothing, where there are too many.
    fn cap(&mut self) {
        if self.members.len() <= ALERTS_MAX {
            return;
        }
        let mut later: HashSet<u64> = HashSet::new();
        let mut idle = None;
        let mut next = 0;
        for (place, member) in self.members.iter().enumerate().rev() {
            // It adds nothing where later ones have all its values, and the next its stages.
            let replaced = member.stages & !next == 0;
            if replaced && member.values.iter().all(|value| later.contains(value)) {
                idle = Some(place);
            }
            later.extend(&member.values);
            next = member.stages;
        }
        self.members.remove(idle.unwrap_or(0));
    }
}
