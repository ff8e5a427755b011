//! Defaults of time and tries, by what an action does to the world.

use actions_contract::{ActionInfo, EffectKind, ErrorKind, Idempotency};
use engine_model::Millis;

use crate::plan;
use crate::syntax;

const MINUTE: u64 = 60;

/// How long a step may take that says nothing about it.
pub(super) fn timeout(info: &ActionInfo) -> Millis {
    if info.settles {
        // A device can be offline for a day.
        return Millis::from_secs(24 * 60 * MINUTE);
    }
    match info.effect.kind() {
        EffectKind::Read | EffectKind::Notify => Millis::from_secs(5 * MINUTE),
        _ => Millis::from_secs(10 * MINUTE),
    }
}

/// The kinds of errors that are tried again without harm.
fn harmless(info: &ActionInfo) -> Vec<ErrorKind> {
    let mut kinds = vec![ErrorKind::RateLimited, ErrorKind::Unavailable];
    let repeatable = match info.effect.kind() {
        EffectKind::Read | EffectKind::Notify => true,
        EffectKind::Annotate => info.idempotency != Idempotency::None,
        EffectKind::Contain | EffectKind::Release | EffectKind::Destroy => false,
    };
    if repeatable {
        kinds.extend([ErrorKind::Network, ErrorKind::Timeout]);
    }
    kinds
}

/// How a step is tried again: what it says, else the playbook, else the default of the effect.
pub(super) fn retry(
    info: &ActionInfo,
    step: Option<&syntax::Retry>,
    playbook: Option<&syntax::Retry>,
) -> plan::Retry {
    let said = [step, playbook];
    let said = || said.into_iter().flatten();
    let multiplier = said().find_map(|retry| retry.multiplier).unwrap_or(2.0);
    let kinds = said().find_map(|retry| retry.on.as_ref());
    let kinds = kinds.map(|on| on.iter().map(|word| word.0.clone()).collect());
    plan::Retry {
        max_attempts: said().find_map(|retry| retry.max_attempts).unwrap_or(4),
        delay: said()
            .find_map(|retry| retry.delay)
            .unwrap_or(Millis::from_secs(2)),
        multiplier_percent: percent(multiplier),
        max_delay: said()
            .find_map(|retry| retry.max_delay)
            .unwrap_or(Millis::from_secs(MINUTE)),
        on: kinds.unwrap_or_else(|| harmless(info)),
    }
}

/// The schema lets through what lies between 1 and 10.
fn percent(multiplier: f64) -> u32 {
    let hundredths = (multiplier.clamp(1.0, 10.0) * 100.0).round();
    (100..=1000)
        .rev()
        .find(|percent| f64::from(*percent) <= hundredths)
        .unwrap_or(100)
}
