//! What the audit log says about alerts that came in and runs that began.

use std::sync::Arc;

use engine_driver::RunSummary;
use engine_driver::guard::{AuditEntry, AuditKind};
use engine_model::{AlertKey, Digest, RunId, Timestamp};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::audit;

/// An alert ready to be stored.
pub(crate) struct NewAlert {
    pub(crate) key: AlertKey,
    pub(crate) digest: Digest,
    pub(crate) received_at: Timestamp,
    pub(crate) body: String,
    /// The alert as expressions see it.
    pub(crate) view: Arc<Value>,
}

/// An alert came in, and these runs began because of it.
pub(crate) fn alert(
    connection: &Connection,
    new: &NewAlert,
    revision: u32,
    runs: &[RunId],
) -> rusqlite::Result<()> {
    let entry = AuditEntry {
        at: new.received_at,
        kind: AuditKind::Alert,
        tenant: new.key.tenant.to_string(),
        run: None,
        what: json!({
            "source": new.key.source,
            "id": new.key.id,
            "revision": revision,
            "digest": new.digest,
            "runs": runs,
        }),
    };
    audit::append(connection, &entry)
}

/// A run began that the entry of no alert names.
pub(crate) fn started(connection: &Connection, run: &RunSummary) -> rusqlite::Result<()> {
    let entry = AuditEntry {
        at: run.started_at,
        kind: AuditKind::Started,
        tenant: run.tenant.to_string(),
        run: Some(run.id.to_string()),
        what: json!({
            "playbook": run.playbook,
            "digest": run.digest,
            "trigger": run.trigger,
            "cause": run.cause,
        }),
    };
    audit::append(connection, &entry)
}
