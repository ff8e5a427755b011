//! What operations of Microsoft Graph give back, as playbooks see it.
//!
//! Every documented field is there, null where the service did not send it; `extra` holds what is
//! not documented.

pub mod alert;
pub mod evidence;
pub mod identity;
pub mod mail;
pub mod posture;
pub mod risk;
pub mod submission;
