//! Schedules and the ends of other runs: checked and completed.

use engine_model::{Millis, code};

use super::Compiler;
use crate::plan::{self, Missed, Overlap, Rhythm, RunEnd};
use crate::syntax::{self, EndWord, MissedWord, OverlapWord, Spanned};

/// Two runs of one schedule are never closer.
const EVERY_MIN: Millis = Millis::from_secs(1);
/// Instants are looked through for so long back.
const JITTER_MAX: Millis = Millis::from_secs(3600);

impl Compiler<'_, '_> {
    pub(super) fn schedule(
        &mut self,
        schedule: &Spanned<syntax::Schedule>,
    ) -> Option<plan::Schedule> {
        let written = &schedule.value;
        let all = written.missed == Some(MissedWord::All);
        if let (Some(catchup), false) = (&written.max_catchup, all) {
            let message = "`max_catchup` has a meaning only with `missed: all`";
            self.report.head(code::PB0201, catchup.at, message);
        }
        let rhythm = self.rhythm(schedule);
        let jitter = written.jitter.as_ref();
        if let Some(jitter) = jitter.filter(|jitter| jitter.value > JITTER_MAX) {
            let message = format!("`{}` is more than `{JITTER_MAX}`", jitter.value);
            self.report.value(code::PB0202, jitter.at, message);
        }
        let zone = written.timezone.as_ref().map(|zone| zone.value.clone());
        Some(plan::Schedule {
            rhythm: rhythm?,
            timezone: zone.unwrap_or_else(|| "UTC".to_owned()),
            missed: match written.missed.unwrap_or(MissedWord::Latest) {
                MissedWord::Skip => Missed::Skip,
                MissedWord::Latest => Missed::Latest,
                MissedWord::All => Missed::All {
                    max_catchup: written.max_catchup.as_ref().map_or(10, |count| count.value),
                },
            },
            overlap: match written.overlap.unwrap_or(OverlapWord::Skip) {
                OverlapWord::Skip => Overlap::Skip,
                OverlapWord::Queue => Overlap::Queue,
                OverlapWord::Allow => Overlap::Allow,
            },
            jitter: jitter.map_or(Millis::ZERO, |jitter| jitter.value),
            start: written.start,
            end: written.end,
            path: self.report.document.path(schedule.at),
        })
    }

    fn rhythm(&mut self, schedule: &Spanned<syntax::Schedule>) -> Option<Rhythm> {
        let written = &schedule.value;
        match (&written.cron, &written.every) {
            (Some(line), None) => Some(Rhythm::Cron(line.clone())),
            (Some(_), Some(every)) => {
                let message = "a schedule has `cron` or `every`, not both";
                self.report.head(code::PB0204, every.at, message);
                None
            }
            (None, None) => {
                let message = "nothing says when the schedule fires";
                let help = "add `cron: 30 2 * * 1-5` or `every: 15m`";
                self.report
                    .head(code::PB0203, schedule.at, message)
                    .help(help);
                None
            }
            (None, Some(every)) => {
                if let Some(zone) = &written.timezone {
                    let message =
                        "`timezone` has no meaning with `every`, which follows elapsed time";
                    self.report.head(code::PB0201, zone.at, message);
                }
                if every.value < EVERY_MIN {
                    let message = format!("`{}` is less than `{EVERY_MIN}`", every.value);
                    self.report.value(code::PB0202, every.at, message);
                    return None;
                }
                Some(Rhythm::Every(every.value))
            }
        }
    }

    pub(super) fn playbook_end(&mut self, end: &syntax::PlaybookEnd) -> Option<plan::PlaybookEnd> {
        let words = end.status.as_deref().unwrap_or(&[EndWord::Failed]);
        let ends = words.iter().map(|word| match word {
            EndWord::Succeeded => RunEnd::Succeeded,
            EndWord::Failed => RunEnd::Failed,
            EndWord::TimedOut => RunEnd::TimedOut,
            EndWord::Cancelled => RunEnd::Cancelled,
            EndWord::Denied => RunEnd::Denied,
            EndWord::Refused => RunEnd::Refused,
        });
        Some(plan::PlaybookEnd {
            name: end.name.clone()?,
            ends: ends.collect(),
        })
    }
}
