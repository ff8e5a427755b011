//! Words that three or more layers share: ids, instants, alerts, diagnostics, error codes.
//!
//! Pure: no clock, no randomness, no files, no network, no async.

pub mod alert;
pub mod code;
pub mod diagnostic;
pub mod id;
pub mod time;

pub use alert::{Alert, AlertKey, AlertSource, Device, Entity, FileEntity, Ip, User};
pub use code::Code;
pub use diagnostic::{Diagnostic, Fix, Place, Severity, Span};
pub use id::{ActionId, Digest, PlaybookName, RunId, StepId, TenantId, TriggerId};
pub use time::{Millis, Timestamp};
