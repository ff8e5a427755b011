//! The ledger of effects, behind the driver's trait.

use std::sync::Arc;

use actions_contract::BoxFuture;
use engine_driver::EngineError;
use engine_driver::guard::{AuditEntry, Known, Ledger, Reserved, Settled, Wish};
use engine_model::TenantId;

use crate::archive::Archive;
use crate::engine::of_store;
use crate::writer::Writer;
use crate::{audit, effects, outcomes};

/// The ledger on SQLite.
pub(crate) struct SqlLedger {
    pub(crate) writer: Arc<Writer>,
    pub(crate) archive: Archive,
}

impl Ledger for SqlLedger {
    fn reserve(&self, wish: Wish) -> BoxFuture<'_, Result<Reserved, EngineError>> {
        Box::pin(async move {
            let work = move |connection: &rusqlite::Connection| effects::reserve(connection, &wish);
            self.writer.write(work).await.map_err(of_store)
        })
    }

    fn settle(&self, settled: Settled) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(async move {
            let work =
                move |connection: &rusqlite::Connection| outcomes::settle(connection, &settled);
            self.writer.write(work).await.map_err(of_store)
        })
    }

    fn record(&self, entry: AuditEntry) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(async move {
            let work = move |connection: &rusqlite::Connection| audit::append(connection, &entry);
            self.writer.write(work).await.map_err(of_store)
        })
    }

    fn target_of<'a>(&'a self, idem: &'a str) -> BoxFuture<'a, Result<Option<Known>, EngineError>> {
        let idem = idem.to_owned();
        Box::pin(async move {
            let found = self
                .archive
                .read(move |connection| effects::target_of(connection, &idem));
            found.await.map_err(of_store)
        })
    }

    fn held<'a>(
        &'a self,
        tenant: &'a TenantId,
        entity: &'a str,
        text: &'a str,
    ) -> BoxFuture<'a, Result<Option<Known>, EngineError>> {
        let (tenant, entity, text) = (tenant.clone(), entity.to_owned(), text.to_owned());
        Box::pin(async move {
            let found = self
                .archive
                .read(move |connection| effects::held(connection, (&tenant, &entity, &text)));
            found.await.map_err(of_store)
        })
    }
}
