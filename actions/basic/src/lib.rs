//! Built-in actions that know no vendor.
//!
//! Each is a struct that holds its parameters and implements [`Builtin`]; [`BuiltinAction`] runs
//! it. They differ from operations in that no API of a connection stands behind them.

mod builtin;
mod http;
mod note;
mod tenants;
#[cfg(test)]
mod tests;
mod webhook;
mod webhook_body;

pub use builtin::{Builtin, BuiltinAction, Facts, Start};
pub use http::{HeaderValue, HttpAnswer, HttpMethod, HttpRequest};
pub use note::{AddNote, Note};
pub use tenants::{ListTenants, Tenants};
pub use webhook::{Notified, NotifyWebhook, WebhookFormat};
