//! Microsoft Defender for Endpoint, Defender XDR and Microsoft Graph security.
//!
//! One struct is one operation: the struct holds the parameters, `ENDPOINT` the facts, and the
//! trait [`actions_contract::Operation`] the way from parameters to request and from response to
//! output. Operations are grouped by resource; what they give back is in [`entities`].
//!
//! Playbooks see every documented field in snake_case. A field the vendor adds later, or sends in
//! another shape than documented, is kept in the vendor's spelling under `extra`.

pub mod action_results;
pub mod alert_changes;
pub mod alert_relations;
pub mod alerts;
pub mod baselines;
pub mod downloads;
pub mod entities;
pub mod enums;
pub mod export_files;
pub mod export_records;
pub mod files;
pub mod find_device;
mod follow;
pub mod graph;
pub mod hunting;
pub mod incident;
pub mod incidents;
pub mod indicator_batches;
pub mod indicators;
pub mod inventories;
pub mod inventory_files;
pub mod investigations;
pub mod library;
mod lists;
pub mod live_response;
pub mod machine_actions;
pub mod machine_changes;
pub mod machine_relations;
pub mod machine_weaknesses;
pub mod machines;
pub mod network;
mod odata;
pub mod recommendations;
pub mod remediation;
pub mod responses;
pub mod scan_history;
pub mod scans;
pub mod software;
pub mod sources;
pub mod spelling;
pub mod start_investigation;
#[cfg(test)]
mod tests;
pub mod users;
pub mod vulnerabilities;

pub use enums::Word;
pub use follow::{Followed, Submission, mark};
pub use lists::{Collection, Listed, Paged, Part};

use std::net::IpAddr;

use actions_contract::{
    ActionError, Api, Confidence, Effect, Endpoint, ErrorKind, Idempotency, Method, Permissions,
    Rate,
};
use engine_model::code;

/// The documented limit of most operations of Defender for Endpoint.
const USUAL_RATE: Rate = Rate {
    per_minute: Some(100),
    per_hour: Some(1500),
};

/// What operations that look have in common; each names what is different.
const LOOK: Endpoint = Endpoint {
    id: "",
    title: "",
    api: Api::Mde,
    method: Method::Get,
    path: "",
    effect: Effect::Read,
    idempotency: Idempotency::Natural,
    permissions: Permissions {
        application: &[],
        delegated: &[],
    },
    rate: USUAL_RATE,
    settles: false,
    beta: false,
    confidence: Confidence::Page,
    source: "",
};

/// What operations that leave a mark have in common.
const MARK: Endpoint = Endpoint {
    method: Method::Post,
    effect: Effect::Annotate,
    ..LOOK
};

/// What operations that begin a machine action have in common.
const SUBMISSION: Endpoint = Endpoint {
    idempotency: Idempotency::None,
    settles: true,
    ..MARK
};

/// The limit of operations for which none is documented.
const UNSTATED_RATE: Rate = Rate {
    per_minute: None,
    per_hour: None,
};

/// The documented limit of exports that come as records.
const EXPORT_RATE: Rate = Rate {
    per_minute: Some(30),
    per_hour: Some(1000),
};

/// The documented limit of exports that come as files.
const FILE_EXPORT_RATE: Rate = Rate {
    per_minute: Some(5),
    per_hour: Some(20),
};

/// What it takes to see machines and machine actions.
const SEE_MACHINES: Permissions = Permissions {
    application: &["Machine.Read.All", "Machine.ReadWrite.All"],
    delegated: &["Machine.Read", "Machine.ReadWrite"],
};

/// What it takes to change what is kept about machines.
const CHANGE_MACHINES: Permissions = Permissions {
    application: &["Machine.ReadWrite.All"],
    delegated: &["Machine.ReadWrite"],
};

/// What it takes to see alerts and investigations.
const SEE_ALERTS: Permissions = Permissions {
    application: &["Alert.Read.All", "Alert.ReadWrite.All"],
    delegated: &["Alert.Read", "Alert.ReadWrite"],
};

/// What it takes to change alerts.
const CHANGE_ALERTS: Permissions = Permissions {
    application: &["Alert.ReadWrite.All"],
    delegated: &["Alert.ReadWrite"],
};

/// What it takes to see software.
const SEE_SOFTWARE: Permissions = Permissions {
    application: &["Software.Read.All"],
    delegated: &["Software.Read"],
};

/// What it takes to see vulnerabilities.
const SEE_VULNERABILITIES: Permissions = Permissions {
    application: &["Vulnerability.Read.All"],
    delegated: &["Vulnerability.Read"],
};

/// What it takes to see recommendations.
const SEE_RECOMMENDATIONS: Permissions = Permissions {
    application: &["SecurityRecommendation.Read.All"],
    delegated: &["SecurityRecommendation.Read"],
};

/// What it takes to see remediation activities.
const SEE_REMEDIATION: Permissions = Permissions {
    application: &["RemediationTasks.Read.All"],
    delegated: &["RemediationTask.Read"],
};

/// What it takes to see scores.
const SEE_SCORES: Permissions = Permissions {
    application: &["Score.Read.All"],
    delegated: &["Score.Read"],
};

/// What it takes to see baselines.
const SEE_BASELINES: Permissions = Permissions {
    application: &["SecurityBaselinesAssessment.Read.All"],
    delegated: &["SecurityBaselinesAssessment.Read"],
};

/// What it takes to see authenticated scans; the same word in every context.
const SEE_SCANS: Permissions = Permissions {
    application: &["Machine.Read.All"],
    delegated: &["Machine.Read.All"],
};

/// What it takes to see files.
const SEE_FILES: Permissions = Permissions {
    application: &["File.Read.All"],
    delegated: &["File.Read.All"],
};

/// What it takes to see addresses.
const SEE_IPS: Permissions = Permissions {
    application: &["Ip.Read.All"],
    delegated: &["Ip.Read.All"],
};

/// What it takes to see domains.
const SEE_URLS: Permissions = Permissions {
    application: &["URL.Read.All"],
    delegated: &["URL.Read.All"],
};

/// What it takes to see accounts.
const SEE_USERS: Permissions = Permissions {
    application: &["User.Read.All"],
    delegated: &["User.Read.All"],
};

/// What it takes to see and change indicators: with the first only those of the application itself.
const INDICATORS: Permissions = Permissions {
    application: &["Ti.ReadWrite", "Ti.ReadWrite.All"],
    delegated: &["Ti.ReadWrite"],
};

/// What it takes to see and change the library of live response.
const LIBRARY: Permissions = Permissions {
    application: &["Library.Manage"],
    delegated: &["Library.Manage"],
};

/// What it takes to isolate and release devices; the same word in every context.
const ISOLATE: Permissions = Permissions {
    application: &["Machine.Isolate"],
    delegated: &["Machine.Isolate"],
};

/// What it takes to restrict programs and lift that; the same word in every context.
const RESTRICT: Permissions = Permissions {
    application: &["Machine.RestrictExecution"],
    delegated: &["Machine.RestrictExecution"],
};

/// The value of a parameter that may not be empty: an id that an expression left empty would make
/// the path of another operation.
fn given<'a>(param: &str, value: &'a str) -> Result<&'a str, ActionError> {
    if value.trim().is_empty() {
        return Err(misfit(format!("`{param}` is empty")));
    }
    Ok(value)
}

/// A text that need not be given, and is not empty where it is.
fn said<'a>(param: &str, value: Option<&'a str>) -> Result<Option<&'a str>, ActionError> {
    value.map(|value| given(param, value)).transpose()
}

/// The value of a number from 1 to `max`.
fn within(param: &str, value: u32, max: u32) -> Result<u32, ActionError> {
    if value == 0 || value > max {
        return Err(misfit(format!("`{param}` must be from 1 to {max}")));
    }
    Ok(value)
}

/// The values of a list of 1 to `max` texts, none of them empty.
fn listed<'a>(param: &str, values: &'a [String], max: usize) -> Result<&'a [String], ActionError> {
    if values.is_empty() || values.len() > max {
        return Err(misfit(format!("`{param}` must hold 1 to {max} values")));
    }
    for value in values {
        given(param, value)?;
    }
    Ok(values)
}

/// An address of either version, as it is usually written.
fn address(param: &str, value: &str) -> Result<String, ActionError> {
    let address: IpAddr = value
        .trim()
        .parse()
        .map_err(|_| misfit(format!("`{param}` is not an address: `{value}`")))?;
    Ok(address.to_string())
}

/// A link as it can be followed: some come in quotes.
fn read_link(value: &str) -> &str {
    value.trim().trim_matches('"')
}

/// The error of parameters that do not fit the action.
fn misfit(message: impl Into<String>) -> ActionError {
    ActionError::permanent(ErrorKind::InvalidInput, code::AC0105, message)
}
