//! What a simulation puts in the place of threads, so that one seed always leads to one story.

use std::fmt;
use std::sync::Arc;

use actions_contract::BoxFuture;
use engine_driver::guard::Ledger;

use crate::StoreError;

/// Decides when the database is worked on.
///
/// An engine that is opened on a stage works on its database in tasks of the runtime instead of
/// threads of its own, and asks the stage before and after each batch. Everything else is what
/// ships: the queue, the batches, the transactions. A future that never completes is a disk that
/// never answers again, as whoever asked sees it when the machine dies.
pub trait Stage: Send + Sync {
    /// A batch is about to be written; an error is what everybody in it hears instead.
    fn writes(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// A batch is durable, and nobody in it has heard of that yet.
    fn written(&self) -> BoxFuture<'_, ()>;

    /// Something is about to be read.
    fn reads(&self) -> BoxFuture<'_, ()>;

    /// The ledger as guard rails shall see it.
    fn ledger(&self, ledger: Arc<dyn Ledger>) -> Arc<dyn Ledger> {
        ledger
    }
}

impl fmt::Debug for dyn Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stage")
    }
}
