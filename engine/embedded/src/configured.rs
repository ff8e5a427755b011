//! What the engine works with, in the audit log whenever that changes.

use engine_driver::guard::{AuditEntry, AuditKind};
use engine_model::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value, json};

use crate::audit;
use crate::inner::Inner;
use crate::schema::StoreError;

impl Inner {
    /// Writes down which playbooks and which policy the engine works with, where that is new.
    pub(crate) async fn note_configuration(&self) -> Result<(), StoreError> {
        let loaded = self.archive.playbooks.loaded();
        let playbooks: Map<String, Value> = loaded
            .plans
            .values()
            .map(|(plan, _)| (plan.name.to_string(), json!(plan.digest)))
            .collect();
        let policy = self.attempts.guards().map(|guards| guards.policy());
        let what = json!({
            "engine": env!("CARGO_PKG_VERSION"),
            "playbooks": playbooks,
            "policy": policy.and_then(|policy| policy.digest.clone()),
            "dry_run": self.settings.dry_run,
        });
        let at = self.clock.now();
        self.writer
            .write(move |connection| note(connection, what, at))
            .await
    }
}

fn note(connection: &Connection, what: Value, at: Timestamp) -> rusqlite::Result<()> {
    let text = what.to_string();
    let before: Option<String> = connection
        .prepare_cached("SELECT what FROM configured")?
        .query_row([], |row| row.get(0))
        .optional()?;
    if before.as_ref() == Some(&text) {
        return Ok(());
    }
    connection
        .prepare_cached("INSERT OR REPLACE INTO configured (one, what) VALUES (1, ?1)")?
        .execute(params![text])?;
    let entry = AuditEntry {
        at,
        kind: AuditKind::Configuration,
        tenant: String::new(),
        run: None,
        what,
    };
    audit::append(connection, &entry)
}
