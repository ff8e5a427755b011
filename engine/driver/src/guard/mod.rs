//! Guard rails: what stands between a playbook that wants to contain or destroy and the service.
//!
//! `Guards::admit` is asked at the moment of every try, whoever wrote the playbook or the plugin.
//! It resolves the target to one object with facts that are read then, checks the tenant's policy
//! and the playbook's own `guard` on it, and takes a place in the [`Ledger`], which counts. What it
//! cannot tell it refuses. Releases pass, and are written down.

mod audit;
mod ledger;
mod left;
mod owed;
mod policy;
mod resolve;
mod rules;
mod settle;
mod switch;
mod wanted;

use std::sync::{Arc, PoisonError, RwLock};

use actions_contract::{
    Action, ActionError, Call, EffectKind, Egress, Facts, Mode, Outcome, Resolver,
};
use engine_model::{Digest, Timestamp, code};
use engine_playbook::guard::Guard;
use engine_run::Attempt;
use serde_json::{Value, json};

pub use audit::{AuditEntry, AuditKind, AuditReport, AuditRow};
pub use ledger::{
    EffectFilter, EffectRow, EffectState, Known, Ledger, Left, Owed, Reserved, Settled, Wish,
};
pub use owed::{Due, ReleaseEnd, undo_args};
pub use policy::{Asset, Policy, PolicyFile, Retention, Unresolved, Weaker, assets_of};
pub use switch::{Halt, StopSwitch, stopped};

use crate::Origin;

/// The guard rails of an engine.
pub struct Guards {
    policy: RwLock<Arc<Policy>>,
    resolvers: Vec<Resolver>,
    ledger: Arc<dyn Ledger>,
    switch: Arc<StopSwitch>,
}

/// What a try may do after everything was checked.
pub(crate) enum Admitted {
    /// It goes on, with these parameters.
    Go(Value),
    /// It comes to this.
    Ends(Outcome),
}

impl Guards {
    /// Guard rails that count in `ledger`.
    #[must_use]
    pub fn new(policy: Arc<Policy>, resolvers: Vec<Resolver>, ledger: Arc<dyn Ledger>) -> Self {
        Self {
            policy: RwLock::new(policy),
            resolvers,
            ledger,
            switch: Arc::default(),
        }
    }

    /// The policy that holds now.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The stop switch.
    #[must_use]
    pub fn switch(&self) -> &Arc<StopSwitch> {
        &self.switch
    }

    /// The way out, with the stop switch in it.
    pub(crate) fn watched<'a>(&'a self, egress: &'a dyn Egress) -> switch::Watched<'a> {
        switch::Watched {
            egress,
            switch: &self.switch,
        }
    }

    /// Whether a try changes something that guard rails are there for, and so has to be asked
    /// about: a look at what was begun before changes nothing.
    pub(crate) fn concern(attempt: &Attempt) -> bool {
        attempt.effect.needs_reconcile()
    }

    /// Checks a try, and takes its place in the ledger.
    pub(crate) async fn admit(&self, trial: &Trial<'_>) -> Admitted {
        let attempt = trial.attempt;
        if attempt.mode == Mode::Reconcile || attempt.resume.is_some() {
            return self.looks(trial).await;
        }
        let admitted = if attempt.effect == EffectKind::Release {
            Ok(self.release(trial).await)
        } else {
            self.guarded(trial).await
        };
        match admitted {
            Ok(admitted) => admitted,
            Err(outcome) => {
                self.not_done(trial, &outcome).await;
                Admitted::Ends(outcome)
            }
        }
    }

    /// A look at what an earlier try began: with the target that the earlier try had.
    async fn looks(&self, trial: &Trial<'_>) -> Admitted {
        match self.ledger.target_of(&trial.attempt.idem).await {
            Ok(Some(known)) => Admitted::Go(trial.args_for(&known.target)),
            Ok(None) => Admitted::Go(trial.attempt.args.clone()),
            Err(error) => Admitted::Ends(not_now(&error.to_string())),
        }
    }

    async fn guarded(&self, trial: &Trial<'_>) -> Result<Admitted, Outcome> {
        if let Some(halt) = self.switch.halted() {
            return Err(self.refuse(trial, None, stopped(&halt)).await);
        }
        let policy = self.policy();
        let subject = match self.resolve(trial).await {
            Ok(subject) => subject,
            Err(error) if error.retryable => return Err(Outcome::Failed { error }),
            Err(error) => return Err(self.refuse(trial, None, error).await),
        };
        let facts = policy.judged(subject.whole.clone());
        let args = trial.args_for(&facts.id);
        let digest = trial.digest(&facts, &args);
        let wish = self.wish(trial, &facts, &args, &policy);
        // Limits count targets, and of several at once none is the last that still fits.
        if let Some(count) = subject.several()
            && (!wish.limits.is_empty() || wish.max_targets.is_some())
        {
            let error = rules::several_targets(&trial.attempt.action, count);
            return Err(self.refuse(trial, Some(&facts), error).await);
        }
        for target in &subject.each {
            let target = policy.judged(target.clone());
            self.judged(trial, &policy, (&target, &digest, &args))
                .await?;
        }
        self.place(trial, &facts, wish).await?;
        Ok(Admitted::Go(args))
    }

    fn wish(&self, trial: &Trial<'_>, facts: &Facts, args: &Value, policy: &Policy) -> Wish {
        let of_effect = |guard: &Guard| {
            let limits = guard.limits.iter();
            let limits = limits.filter(|limit| limit.effect.is(trial.attempt.effect));
            limits.cloned().collect::<Vec<_>>()
        };
        let own = &trial.origin.guard;
        let mut limits = of_effect(&policy.guard);
        limits.extend(of_effect(own));
        let max_targets = [policy.guard.max_targets, own.max_targets];
        let approved = trial.attempt.approved.iter();
        Wish {
            row: trial.row(facts),
            shape: trial.shape(args),
            dedup: policy.dedup_effects,
            limits,
            max_targets: max_targets.into_iter().flatten().min(),
            guarded: true,
            owed: trial.owed.clone(),
            approved: approved
                .map(|approved| (approved.rule.clone(), approved.by.clone()))
                .collect(),
        }
    }

    /// Takes a place in the ledger.
    async fn place(&self, trial: &Trial<'_>, facts: &Facts, wish: Wish) -> Result<(), Outcome> {
        let reserved = self.ledger.reserve(wish).await;
        let error = match reserved {
            Ok(Reserved::Granted) => return Ok(()),
            Ok(Reserved::Same { output, .. }) => return Err(Outcome::Done { output }),
            Ok(Reserved::Busy { run, action }) => return Err(rules::busy(facts, &run, &action)),
            Ok(Reserved::Left(left)) => return Err(self.left(trial, facts, &left).await),
            Ok(Reserved::Halted(halt)) => stopped(&halt),
            Ok(Reserved::Limit(limit)) => rules::limit_reached(&limit),
            Ok(Reserved::MaxTargets(max)) => rules::targets_reached(max),
            // What cannot be counted is not done.
            Err(error) => return Err(not_now(&error.to_string())),
        };
        Err(self.refuse(trial, Some(facts), error).await)
    }

    /// A release is written down and let through, whatever stands in the ledger, the directory's
    /// state included: its target is the one that something is in effect on.
    async fn release(&self, trial: &Trial<'_>) -> Admitted {
        let Ok(text) = trial.target_text() else {
            return Admitted::Go(trial.attempt.args.clone());
        };
        let entity = trial.entity();
        let held = self
            .ledger
            .held(&trial.call.tenant, entity, &text)
            .await
            .unwrap_or_else(|error| {
                let run = &trial.origin.run;
                tracing::error!(%run, %error, "a release goes on without the ledger");
                None
            });
        let mut facts = Facts::of_text(entity, &text);
        if let Some(held) = held {
            facts.id = held.target;
            facts.name = Some(held.label);
        }
        let args = trial.args_for(&facts.id);
        let wish = Wish {
            row: trial.row(&facts),
            shape: trial.shape(&args),
            dedup: engine_model::Millis::ZERO,
            limits: Vec::new(),
            max_targets: None,
            guarded: false,
            owed: None,
            approved: Vec::new(),
        };
        if let Err(error) = self.ledger.reserve(wish).await {
            tracing::error!(run = %trial.origin.run, %error, "a release could not be written down");
        }
        Admitted::Go(args)
    }

    /// Writes a refusal down and gives it back as what the try comes to.
    async fn refuse(
        &self,
        trial: &Trial<'_>,
        facts: Option<&Facts>,
        error: ActionError,
    ) -> Outcome {
        let what = json!({ "code": error.code, "message": error.message });
        self.note(trial, AuditKind::Refused, facts, what).await;
        tracing::warn!(
            run = %trial.origin.run,
            playbook = %trial.origin.playbook,
            step = trial.attempt.label,
            action = %trial.attempt.action,
            code = %error.code,
            message = error.message,
            "a guard rail refused"
        );
        Outcome::Refused { error }
    }

    async fn note(
        &self,
        trial: &Trial<'_>,
        kind: AuditKind,
        facts: Option<&Facts>,
        mut what: Value,
    ) {
        what["action"] = json!(trial.attempt.action);
        what["step"] = json!(trial.attempt.label);
        what["playbook"] = json!(trial.origin.playbook);
        match facts {
            Some(facts) => what["target"] = json!(facts),
            None => what["given"] = json!(trial.target_text().unwrap_or_default()),
        }
        if trial.attempt.mode == Mode::Simulate {
            what["dry_run"] = json!(true);
        }
        let entry = AuditEntry {
            at: trial.now,
            kind,
            tenant: trial.call.tenant.to_string(),
            run: Some(trial.origin.run.to_string()),
            what,
        };
        if let Err(error) = self.ledger.record(entry).await {
            // Nothing was done; only that it was not done is missing in the log.
            tracing::error!(run = %trial.origin.run, %error, "the audit log takes no entries");
        }
    }
}

/// One try, and what is known about it.
pub(crate) struct Trial<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) attempt: &'a Attempt,
    pub(crate) action: &'a dyn Action,
    pub(crate) call: &'a Call,
    pub(crate) egress: &'a dyn Egress,
    pub(crate) owed: Option<Owed>,
    pub(crate) now: Timestamp,
}

impl Trial<'_> {
    fn entity(&self) -> &str {
        let target = self.action.info().target.as_ref();
        target.map_or("", |target| target.entity.as_str())
    }

    /// The parameters with this id for the target.
    fn args_for(&self, id: &str) -> Value {
        let mut args = self.attempt.args.clone();
        if let Some(target) = &self.action.info().target
            && target.named(&args).len() == 1
        {
            target.put(&mut args, id);
        }
        args
    }

    /// The digest of what is about to be done: what people agree to.
    fn digest(&self, facts: &Facts, args: &Value) -> Digest {
        let what = json!({
            "action": self.attempt.action,
            "args": args,
            "connection": self.attempt.connection,
            "target": [facts.entity, facts.id],
            "tenant": self.call.tenant,
        });
        Digest::of(what.to_string().as_bytes())
    }

    /// What people decide on, as it stands now.
    fn shown(&self, rule: &str, facts: &Facts, args: &Value) -> Value {
        json!({
            "action": self.attempt.action,
            "effect": self.attempt.effect,
            "target": facts,
            "parameters": args,
            "connection": self.attempt.connection,
            "tenant": self.call.tenant,
            "rule": rule,
        })
    }

    /// The digest of the parameters that make an effect another one: not what is said about it.
    fn shape(&self, args: &Value) -> Digest {
        let mut args = args.clone();
        if let Some(args) = args.as_object_mut() {
            args.remove("comment");
        }
        Digest::of(args.to_string().as_bytes())
    }

    fn row(&self, facts: &Facts) -> EffectRow {
        let effect = &self.action.info().effect;
        let undo = match effect {
            actions_contract::Effect::Contain { undo } => Some(undo.to_string()),
            _ => None,
        };
        EffectRow {
            idem: self.attempt.idem.clone(),
            tenant: self.call.tenant.clone(),
            connection: self.attempt.connection.clone(),
            action: self.attempt.action.clone(),
            effect: effect.kind(),
            undo,
            entity: facts.entity.clone(),
            target: facts.id.clone(),
            label: facts.label().to_owned(),
            run: self.origin.run.clone(),
            playbook: self.origin.playbook.clone(),
            step: self.attempt.label.clone(),
            dry: self.attempt.mode == Mode::Simulate,
            state: EffectState::Begun,
            begun_at: self.now,
            changed_at: self.now,
            release_at: None,
            release: None,
            error: None,
        }
    }
}

/// The outcome of a try for which nothing could be counted: nothing was done, try again.
fn not_now(why: &str) -> Outcome {
    let message = format!("the ledger of effects could not be asked: {why}");
    Outcome::Failed {
        error: ActionError::retryable(
            actions_contract::ErrorKind::Unavailable,
            code::ST0102,
            message,
            None,
        ),
    }
}
