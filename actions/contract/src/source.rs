//! An alert source: what to ask a service for new alerts, and how to map its answer.

use engine_model::{Alert, AlertSource, TenantId, Timestamp};
use serde_json::Value;

use crate::{ActionError, Api, Request, Response};

/// A page of a source's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct SourcePage {
    /// The alerts in the vendor's shape, in the order of the answer.
    pub alerts: Vec<Value>,
    /// The request for the next page; none when this was the last.
    pub next: Option<Request>,
}

/// Why a value is not an alert of a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at `{path}`")]
pub struct MapError {
    /// The field: `alertCreationTime`; empty for the whole value.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

/// A source of alerts; pure. Its loop runs in the server, its watermark is stored by the driver.
pub trait Source: Send + Sync {
    /// The source.
    fn source(&self) -> AlertSource;

    /// The API it is polled from; none when it is only pushed.
    fn api(&self) -> Option<Api>;

    /// The request for everything that changed at or after `watermark`.
    fn poll(&self, watermark: Timestamp) -> Option<Request>;

    /// Reads the answer to such a request.
    ///
    /// # Errors
    ///
    /// When the service refused, or the answer does not have the documented shape.
    fn page(&self, asked: &Request, response: &Response) -> Result<SourcePage, ActionError>;

    /// Maps the vendor's shape; the vendor's own tenant id wins over `tenant`.
    ///
    /// # Errors
    ///
    /// When a field that identifies the alert is missing or has another type.
    fn map(&self, raw: Value, tenant: &TenantId) -> Result<Alert, MapError>;
}
