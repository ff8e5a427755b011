//! Storm control: checked and completed.

use engine_model::{Millis, code};

use super::Compiler;
use super::scope::Names;
use crate::plan::{self, Storm, WindowClock, WindowShape};
use crate::suggest::similar;
use crate::syntax::{self, ClockWord, Spanned, WindowWord};

/// A window keeps state; nobody can want one longer than this.
const WINDOW_MAX: Millis = Millis::from_secs(31 * 24 * 3600);
/// How many come into one batch where nobody says.
const BATCH_MAX: u32 = 100;
/// How many starts wait where nobody says.
const QUEUE_MAX: u32 = 1000;

impl Compiler<'_, '_> {
    /// What stands between the match of an alert trigger and a run.
    pub(super) fn storm(
        &mut self,
        alert: &Spanned<syntax::AlertTrigger>,
        names: &Names,
        detections: &[plan::Detection],
    ) -> Storm {
        let written = &alert.value;
        let storm = Storm {
            clock: match written.clock.as_ref().map(|clock| clock.value) {
                Some(ClockWord::Arrival) => WindowClock::Arrival,
                Some(ClockWord::Alert) | None => WindowClock::Alert,
            },
            dedup: written
                .dedup
                .as_ref()
                .and_then(|d| self.dedup(&d.value, names)),
            accumulate: written
                .accumulate
                .as_ref()
                .and_then(|a| self.accumulate(a, detections)),
            suppress: written.suppress.as_ref().and_then(|s| self.window(s)),
            batch: written.batch.as_ref().and_then(|b| self.batch(&b.value)),
            throttle: written
                .throttle
                .as_ref()
                .and_then(|t| self.throttle(&t.value)),
            path: self.report.document.path(alert.at),
        };
        let measures =
            storm.dedup.is_some() || storm.accumulate.is_some() || storm.suppress.is_some();
        if let (Some(clock), false) = (&written.clock, measures) {
            let message = "`clock` has a meaning only with `dedup`, `accumulate` or `suppress`";
            self.report.head(code::PB0201, clock.at, message);
        }
        storm
    }

    fn dedup(&mut self, written: &syntax::Dedup, names: &Names) -> Option<plan::Dedup> {
        let window = written
            .window
            .as_ref()
            .and_then(|window| self.window(window));
        let key = written.key?;
        let (template, _) = self.template(key.0, names)?;
        if template.expressions().is_empty() {
            let message = "the key is the same for every alert";
            let help = "name what makes two alerts the same: `${{ alert.device.id }}`";
            self.report.value(code::PB0202, key.0, message).help(help);
            return None;
        }
        Some(plan::Dedup {
            key: template,
            window: window?,
        })
    }

    fn accumulate(
        &mut self,
        written: &Spanned<syntax::Accumulate>,
        detections: &[plan::Detection],
    ) -> Option<plan::Accumulate> {
        let at = written.at;
        let written = &written.value;
        let distinct = written.distinct.as_ref().and_then(|distinct| {
            Some(plan::Distinct {
                field: distinct.field.as_ref()?.value.clone(),
                gte: distinct.gte?,
            })
        });
        let sequence = match &written.sequence {
            Some(sequence) => self.sequence(sequence, detections),
            None => Vec::new(),
        };
        let unsaid = written.count.is_none() && written.distinct.is_none();
        if unsaid && written.sequence.is_none() {
            let message = "nothing says when the group is complete";
            let help = "add `count: {gte: 10}`, `distinct: {field: …, gte: 3}` or \
                        `sequence: [first, second]`";
            self.report.head(code::PB0203, at, message).help(help);
        }
        let window = written.window.as_ref().map(|window| window.value);
        Some(plan::Accumulate {
            group_by: written.group_by.clone().unwrap_or_default(),
            within: self.window(written.within.as_ref()?)?,
            count: written.count.and_then(|count| count.gte).unwrap_or(1),
            distinct,
            sequence,
            window: match window.unwrap_or(WindowWord::Sliding) {
                WindowWord::Sliding => WindowShape::Sliding,
                WindowWord::Tumbling => WindowShape::Tumbling,
                WindowWord::Session => WindowShape::Session,
            },
        })
    }

    /// The selections that a sequence names.
    fn sequence(
        &mut self,
        written: &Spanned<Vec<String>>,
        detections: &[plan::Detection],
    ) -> Vec<plan::Stage> {
        let known = || {
            detections.iter().flat_map(|detection| {
                let stages = detection.selections.iter();
                stages.map(|selection| (selection, detection.rule.as_ref()))
            })
        };
        let mut stages = Vec::new();
        for name in &written.value {
            match known().find(|(selection, _)| selection.name == *name) {
                Some((selection, rule)) => stages.push(plan::Stage {
                    selection: selection.clone(),
                    rule: rule.cloned(),
                }),
                None => {
                    let message = format!("no selection is called `{name}`");
                    let names = known().map(|(selection, _)| selection.name.as_str());
                    let help = match similar(name, names) {
                        Some(meant) => format!("did you mean `{meant}`?"),
                        None => "a sequence names selections of `match.detection`".to_owned(),
                    };
                    let report = self.report.value(code::PB0202, written.at, message);
                    report.help(help);
                }
            }
        }
        stages
    }

    fn batch(&mut self, written: &syntax::Batch) -> Option<plan::Batch> {
        Some(plan::Batch {
            max: written.max.unwrap_or(BATCH_MAX),
            wait: self.window(written.wait.as_ref()?)?,
            group_by: written.group_by.clone().unwrap_or_default(),
        })
    }

    fn throttle(&mut self, written: &syntax::Throttle) -> Option<plan::Throttle> {
        Some(plan::Throttle {
            max: written.max?,
            per: self.window(written.per.as_ref()?)?,
            group_by: written.group_by.clone().unwrap_or_default(),
            queue: written.queue.unwrap_or(QUEUE_MAX),
        })
    }

    fn window(&mut self, span: &Spanned<Millis>) -> Option<Millis> {
        if span.value > Millis::ZERO && span.value <= WINDOW_MAX {
            return Some(span.value);
        }
        let message = format!("`{}` is no length for a window", span.value);
        let help = format!("write more than zero and at most `{WINDOW_MAX}`");
        self.report.value(code::PB0202, span.at, message).help(help);
        None
    }
}
