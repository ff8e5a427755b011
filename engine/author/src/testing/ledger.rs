//! The ledger of effects, in memory: it counts as that of the engine does.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use actions_contract::{BoxFuture, EffectKind};
use engine_driver::EngineError;
use engine_driver::guard::{
    AuditEntry, AuditKind, EffectRow, EffectState, Known, Ledger, Reserved, Settled, Wish,
};
use engine_model::{Digest, Millis, RunId, TenantId, Timestamp};
use engine_playbook::guard::{Limit, LimitScope};
use serde_json::{Value, json};

/// The effects of one test.
#[derive(Default)]
pub(super) struct Memory(Mutex<Rows>);

#[derive(Default)]
struct Rows {
    effects: Vec<Effect>,
    refused: Vec<Value>,
    /// Runs that are over: they hold nothing.
    over: HashSet<RunId>,
}

struct Effect {
    row: EffectRow,
    shape: Digest,
    output: Option<Value>,
    owes: bool,
}

impl Memory {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn over(&self, run: &RunId) {
        self.rows().over.insert(run.clone());
    }

    /// What was refused, in order.
    pub(super) fn refused(&self) -> Vec<Value> {
        self.rows().refused.clone()
    }

    /// How many containments are still to be taken back by themselves.
    pub(super) fn owed(&self) -> usize {
        let rows = self.rows();
        let owes = |effect: &&Effect| effect.owes && effect.row.state == EffectState::Done;
        rows.effects.iter().filter(owes).count()
    }
}

impl Rows {
    fn reserve(&mut self, wish: Wish) -> Reserved {
        let row = &wish.row;
        if wish.guarded {
            if let Some(same) = self.same(&wish) {
                return same;
            }
            if let Some(busy) = self.busy(row) {
                return busy;
            }
            let reached = |limit: &&Limit| self.counted(row, limit) >= limit.max as usize;
            if let Some(limit) = wish.limits.iter().find(reached) {
                return Reserved::Limit(limit.clone());
            }
            if let Some(max) = wish.max_targets
                && self.of_run(row) >= max as usize
            {
                return Reserved::MaxTargets(max);
            }
        }
        let effect = Effect {
            owes: wish.owed.is_some(),
            shape: wish.shape,
            output: None,
            row: wish.row,
        };
        match self.at(&effect.row.idem) {
            Some(known) => *known = effect,
            None => self.effects.push(effect),
        }
        Reserved::Granted
    }

    fn at(&mut self, idem: &str) -> Option<&mut Effect> {
        self.effects
            .iter_mut()
            .find(|effect| effect.row.idem == idem)
    }

    /// The result of the same effect, where it holds already.
    fn same(&self, wish: &Wish) -> Option<Reserved> {
        let row = &wish.row;
        let same = |effect: &&Effect| {
            same_target(&effect.row, row)
                && effect.row.action == row.action
                && effect.shape == wish.shape
                && effect.row.state == EffectState::Done
                && (within(effect.row.changed_at, row.begun_at, wish.dedup)
                    || effect.row.idem == row.idem)
        };
        let effect = self.effects.iter().rev().find(same)?;
        Some(Reserved::Same {
            output: effect.output.clone()?,
            run: effect.row.run.clone(),
        })
    }

    fn busy(&self, row: &EffectRow) -> Option<Reserved> {
        let busy = |effect: &&Effect| {
            same_target(&effect.row, row)
                && effect.row.run != row.run
                && is_guarded(effect.row.effect)
                && matches!(
                    effect.row.state,
                    EffectState::Begun | EffectState::Pending | EffectState::InDoubt
                )
                && !self.over.contains(&effect.row.run)
        };
        let effect = self.effects.iter().find(busy)?;
        Some(Reserved::Busy {
            run: effect.row.run.clone(),
            action: effect.row.action.clone(),
        })
    }

    /// How many other targets count towards a limit.
    fn counted(&self, row: &EffectRow, limit: &Limit) -> usize {
        self.others(row, |other| {
            other.tenant == row.tenant
                && other.effect == row.effect
                && within(other.begun_at, row.begun_at, limit.per)
                && match limit.scope {
                    LimitScope::Playbook => other.playbook == row.playbook,
                    LimitScope::Connection => other.connection == row.connection,
                    LimitScope::Tenant => true,
                }
        })
    }

    /// How many other targets the run has.
    fn of_run(&self, row: &EffectRow) -> usize {
        self.others(row, |other| {
            other.run == row.run && is_guarded(other.effect)
        })
    }

    fn others(&self, row: &EffectRow, counts: impl Fn(&EffectRow) -> bool) -> usize {
        let rows = self.effects.iter().map(|effect| &effect.row);
        let others = rows.filter(|other| {
            other.state != EffectState::Failed
                && !(other.entity == row.entity && other.target == row.target)
                && counts(other)
        });
        let targets: BTreeSet<(&str, &str)> = others
            .map(|other| (other.entity.as_str(), other.target.as_str()))
            .collect();
        targets.len()
    }

    fn settle(&mut self, settled: Settled) {
        let Some(effect) = self.at(&settled.idem) else {
            return;
        };
        effect.row.state = settled.state;
        effect.row.changed_at = settled.at;
        effect.output = settled.output;
        if effect.row.effect != EffectKind::Release || settled.state != EffectState::Done {
            return;
        }
        // What is given back is no longer contained.
        let release = effect.row.clone();
        for effect in &mut self.effects {
            let undone = effect.row.undo.as_deref() == Some(release.action.as_str());
            if undone && same_target(&effect.row, &release) {
                effect.row.state = EffectState::Released;
            }
        }
    }
}

fn same_target(one: &EffectRow, other: &EffectRow) -> bool {
    one.tenant == other.tenant && one.entity == other.entity && one.target == other.target
}

const fn is_guarded(effect: EffectKind) -> bool {
    matches!(effect, EffectKind::Contain | EffectKind::Destroy)
}

fn within(at: Timestamp, now: Timestamp, span: Millis) -> bool {
    at.plus(span) > now
}

fn known(row: &EffectRow) -> Known {
    Known {
        target: row.target.clone(),
        label: row.label.clone(),
    }
}

impl Ledger for Memory {
    fn reserve(&self, wish: Wish) -> BoxFuture<'_, Result<Reserved, EngineError>> {
        let reserved = self.rows().reserve(wish);
        Box::pin(async { Ok(reserved) })
    }

    fn settle(&self, settled: Settled) -> BoxFuture<'_, Result<(), EngineError>> {
        self.rows().settle(settled);
        Box::pin(async { Ok(()) })
    }

    fn record(&self, entry: AuditEntry) -> BoxFuture<'_, Result<(), EngineError>> {
        if entry.kind == AuditKind::Refused {
            let what = |key: &str| entry.what[key].clone();
            let target = match &entry.what["target"]["id"] {
                Value::Null => what("given"),
                id => id.clone(),
            };
            self.rows().refused.push(json!({
                "step": what("step"),
                "action": what("action"),
                "target": target,
                "code": what("code"),
                "message": what("message"),
            }));
        }
        Box::pin(async { Ok(()) })
    }

    fn target_of<'a>(&'a self, idem: &'a str) -> BoxFuture<'a, Result<Option<Known>, EngineError>> {
        let found = self.rows().at(idem).map(|effect| known(&effect.row));
        Box::pin(async { Ok(found) })
    }

    fn held<'a>(
        &'a self,
        tenant: &'a TenantId,
        entity: &'a str,
        text: &'a str,
    ) -> BoxFuture<'a, Result<Option<Known>, EngineError>> {
        let rows = self.rows();
        let held = |row: &&EffectRow| {
            row.tenant == *tenant
                && row.entity == entity
                && (row.target == text || row.label == text)
                && is_guarded(row.effect)
                && row.state != EffectState::Failed
        };
        let mut effects = rows.effects.iter().map(|effect| &effect.row);
        let found = effects.find(held).map(known);
        Box::pin(async { Ok(found) })
    }
}
