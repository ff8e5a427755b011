//! The stop switch: in memory at once, and durable.

use std::sync::Arc;

use engine_driver::EngineError;
use engine_driver::guard::{Halt, StopSwitch};
use engine_model::code;

use crate::effects;
use crate::engine::of_store;
use crate::inner::Inner;

/// Stops everything that contains or destroys; comes back when none of it is under way any more.
pub(crate) async fn halt(
    inner: &Arc<Inner>,
    by: String,
    reason: Option<String>,
) -> Result<Halt, EngineError> {
    let at = inner.clock.now();
    let halt = Halt { at, by, reason };
    // In memory first: it has to work on a full disk as well.
    switch(inner)?.stop(halt.clone()).await;
    let durable = halt.clone();
    let work = move |connection: &rusqlite::Connection| {
        effects::set_halt(connection, Some(&durable), (&durable.by, at))
    };
    inner.writer.write(work).await.map_err(|error| {
        let mut error = of_store(error);
        error.message = format!(
            "everything that contains is stopped, but only until a restart: {}",
            error.message
        );
        error
    })?;
    Ok(halt)
}

/// Lets it go on; whether it was stopped.
pub(crate) async fn resume(inner: &Arc<Inner>, by: String) -> Result<bool, EngineError> {
    let switch = switch(inner)?;
    let at = inner.clock.now();
    let work =
        move |connection: &rusqlite::Connection| effects::set_halt(connection, None, (&by, at));
    let was = inner.writer.write(work).await.map_err(of_store)?;
    switch.set(None);
    Ok(was)
}

fn switch(inner: &Inner) -> Result<&Arc<StopSwitch>, EngineError> {
    let guards = inner
        .attempts
        .guards()
        .ok_or_else(|| EngineError::new(code::SV0104, "this engine has no guard rails"))?;
    Ok(guards.switch())
}
