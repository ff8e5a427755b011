//! Starting the runs that other runs call, and runs that go on where another one failed.

use std::sync::Arc;

use actions_contract::BoxFuture;
use engine_driver::{Begun, EngineError, begin_again, begin_called};
use engine_model::{RunId, code};
use engine_run::{RunStatus, Settings, StartChild};
use serde_json::{Value, json};

use crate::engine::of_store;
use crate::inner::Inner;
use crate::intake::{self, NewRun};
use crate::outbox::{self, Owner};
use crate::rows::{self, RunRow};

/// Starts a run that another one calls; when that cannot be done, the other one is told.
pub(crate) fn start(
    inner: Arc<Inner>,
    (parent, owner): (RunRow, Owner),
    child: StartChild,
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let started = match begun(&inner, &owner, &child) {
            Ok(begun) => add(&inner, parent, &child, begun).await,
            Err(error) => refuse(&inner, parent, &child, &error).await,
        };
        if let Err(error) = started {
            // The call is kept, and made again by the next engine.
            tracing::error!(run = %owner.run, %error, "a run that was called could not be started");
        }
    })
}

impl Inner {
    /// Makes a call that an engine before this one did not come to.
    pub(crate) async fn make_call(
        self: &Arc<Self>,
        parent: RunRow,
        child: StartChild,
    ) -> Result<(), crate::StoreError> {
        let summary = self
            .archive
            .read(move |connection| rows::run_by_row(connection, parent))
            .await?;
        let owner = Owner {
            run: summary.id,
            playbook: summary.playbook,
            tenant: summary.tenant,
        };
        self.spawn(start(Arc::clone(self), (parent, owner), child));
        Ok(())
    }
}

fn begun(inner: &Inner, owner: &Owner, child: &StartChild) -> Result<Begun, EngineError> {
    let loaded = inner.archive.playbooks.loaded();
    let Some((plan, _)) = loaded.plans.get(&child.playbook) else {
        let message = format!("there is no playbook `{}`", child.playbook);
        return Err(EngineError::new(code::SV0104, message));
    };
    let call = engine_trigger::Call {
        tenant: &owner.tenant,
        run: &owner.run,
        command: child.cid.0,
        depth: child.depth,
        inputs: child.inputs.clone(),
    };
    let start = engine_trigger::start_by_run(plan, call)
        .map_err(|error| EngineError::new(error.code(), error.to_string()))?;
    let settings = Settings {
        dry_run: child.dry_run || inner.settings.dry_run,
        ..inner.settings
    };
    let by = child.by.clone();
    Ok(begin_called(plan, start, by, inner.clock.now(), settings))
}

async fn add(
    inner: &Arc<Inner>,
    parent: RunRow,
    child: &StartChild,
    begun: Begun,
) -> Result<(), crate::StoreError> {
    let unit = NewRun::of(inner, &begun);
    let (cid, waits) = (child.cid, child.wait);
    let (row, called) = inner
        .writer
        .write(move |connection| {
            if !outbox::answered(connection, parent, cid)? {
                return Ok((None, Vec::new()));
            }
            let Some(row) = unit.add(connection)? else {
                return Ok((None, Vec::new()));
            };
            outbox::add_child(connection, row, (parent, cid), waits)?;
            let called = unit.fill(connection, row, None)?;
            Ok((Some(row), called))
        })
        .await?;
    intake::go_on(inner, vec![begun], vec![row]);
    inner.call_all(called);
    Ok(())
}

async fn refuse(
    inner: &Arc<Inner>,
    parent: RunRow,
    child: &StartChild,
    error: &EngineError,
) -> Result<(), crate::StoreError> {
    let (cid, waits) = (child.cid, child.wait);
    let value: Value = json!({
        "status": "failed",
        "error": { "kind": "invalid_input", "code": error.code, "message": error.message },
    });
    tracing::warn!(playbook = %child.playbook, %error, "a run that was called cannot be started");
    let called = inner
        .writer
        .write(move |connection| {
            if !outbox::answered(connection, parent, cid)? || !waits {
                return Ok(None);
            }
            outbox::tell_parent(connection, (parent, cid), "engine", &value)
        })
        .await?;
    inner.call_all(called);
    Ok(())
}

/// Starts a run that goes on where another one ended without success.
pub(crate) async fn retry(inner: &Arc<Inner>, run: &RunId, by: &str) -> Result<RunId, EngineError> {
    let (row, summary) = inner.archive.find(run).await?;
    if matches!(summary.status, RunStatus::Running | RunStatus::Succeeded) {
        let message = format!(
            "{run} is {}; only what failed is done again",
            summary.status.as_str()
        );
        return Err(EngineError::new(code::SV0107, message));
    }
    let events = inner
        .archive
        .read(move |connection| rows::events(connection, row));
    let events = events.await.map_err(of_store)?;
    let plan = inner
        .archive
        .plan(&summary.digest)
        .await
        .map_err(of_store)?;
    let begun = begin_again(&plan, &events, by, inner.clock.now())
        .ok_or_else(|| EngineError::new(code::ST0103, format!("{run} has no beginning")))?;
    let id = begun.summary.id.clone();
    intake::add(inner, begun, |_| Ok(()))
        .await
        .map_err(of_store)?;
    Ok(id)
}
