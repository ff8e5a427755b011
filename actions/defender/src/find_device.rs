//! The one device behind an id, a name or an address.

use std::net::IpAddr;

use actions_contract::{
    Action, ActionError, ActionInfo, BoxFuture, Call, Egress, ErrorKind, Facts, Mode, Outcome,
    Request, Response, TargetParam, json, read, schema_of,
};
use engine_model::{Timestamp, code};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::entities::Machine;
use crate::enums::{HealthStatus, Word};
use crate::machines::{FindMachinesByIp, GetMachine, ListMachines};
use crate::{Collection, given, odata};

/// Devices that one answer may name; more of them could hide the one that is meant.
const PAGE: usize = 10_000;
/// Candidates that an error lists.
const LISTED: usize = 10;

/// Finds exactly one device.
///
/// By its id, its id in the directory, its full DNS name, the first part of that name, or an
/// address it has at a time. Names are compared as a whole: `pc1` is not `pc10`. Only a device that
/// still reports is found by a name or an address. Several of them give `target_ambiguous` and a
/// list of them in the error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindDevice {
    /// The id, the name or the address.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub device: String,
    /// When it had the address; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// `defender.find-device`.
pub struct FindDeviceAction {
    info: ActionInfo,
}

/// What a device is named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Id,
    DirectoryId,
    Address(IpAddr),
    Name,
}

impl By {
    fn of(text: &str) -> Self {
        let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.len() == 40 && hex(text) {
            return Self::Id;
        }
        let parts: Vec<usize> = text.split('-').map(str::len).collect();
        if parts == [8, 4, 4, 4, 12] && hex(&text.replace('-', "")) {
            return Self::DirectoryId;
        }
        text.parse().map_or(Self::Name, Self::Address)
    }
}

impl Default for FindDeviceAction {
    fn default() -> Self {
        Self::new()
    }
}

impl FindDeviceAction {
    /// The action.
    #[must_use]
    pub fn new() -> Self {
        let parameters = schema_of::<FindDevice>();
        let description = parameters["description"].as_str().unwrap_or_default();
        let description = description.to_owned();
        let info = ActionInfo {
            id: "defender.find-device".parse().expect("it is `family.name`"),
            title: "Find the one device behind an id, a name or an address".to_owned(),
            description,
            target: Some(TargetParam {
                param: "device".to_owned(),
                entity: "device".to_owned(),
            }),
            parameters,
            example: serde_json::json!({
                "device": "1e5bc9d7e413ddd7902c2932e418702b84d0cc07",
            }),
            method: None,
            path: None,
            ..ActionInfo::of::<GetMachine>()
        };
        Self { info }
    }

    async fn find(&self, call: &Call, egress: &dyn Egress) -> Result<Machine, ActionError> {
        let wanted: FindDevice = serde_json::from_value(call.args.clone()).map_err(|error| {
            ActionError::permanent(ErrorKind::InvalidInput, code::AC0105, error.to_string())
        })?;
        let text = given("device", &wanted.device)?.trim();
        let at = wanted.at.unwrap_or(call.now);
        let by = By::of(text);
        if by == By::Id {
            let get = GetMachine {
                machine_id: text.to_ascii_lowercase(),
            };
            let request = actions_contract::Operation::request(&get, call)?;
            return read::entity(&ask(call, egress, request).await?);
        }
        let response = ask(call, egress, request(by, text, at, call)?).await?;
        let mut body: Value = json(&response)?;
        let more = body.get("@odata.nextLink").is_some_and(Value::is_string);
        let found: Vec<Machine> = read::collection(&mut body)?;
        if more || found.len() >= PAGE {
            let message =
                format!("too many devices are called like `{text}` to tell which is meant");
            return Err(ambiguous(message, &found));
        }
        one(by, text, found)
    }
}

/// The request for every device that may be meant.
fn request(by: By, text: &str, at: Timestamp, call: &Call) -> Result<Request, ActionError> {
    if let By::Address(ip) = by {
        let find = FindMachinesByIp {
            ip: ip.to_string(),
            timestamp: at,
        };
        return actions_contract::Operation::request(&find, call);
    }
    let filter = match by {
        By::DirectoryId => format!("aadDeviceId eq {}", odata::text(&text.to_ascii_lowercase())),
        // The service knows no other way to ask for the first part of a name.
        _ => format!(
            "startswith(computerDnsName,{})",
            odata::text(&text.to_ascii_lowercase())
        ),
    };
    let request = <ListMachines as Collection>::ENDPOINT.request(&[]);
    Ok(request
        .with_query("$filter", filter)
        .with_query("$top", PAGE.to_string()))
}

/// The one active device that is meant of those that were found.
fn one(by: By, text: &str, found: Vec<Machine>) -> Result<Machine, ActionError> {
    let meant = |machine: &Machine| match by {
        By::Name => is_called(machine, text),
        By::DirectoryId => machine
            .aad_device_id
            .as_deref()
            .is_some_and(|id| id.eq_ignore_ascii_case(text)),
        By::Id | By::Address(_) => true,
    };
    let (mut active, silent): (Vec<_>, Vec<_>) = found
        .into_iter()
        .filter(meant)
        .partition(|machine| machine.health_status != Some(Word::Known(HealthStatus::Inactive)));
    if active.len() > 1 {
        let message = format!("{} active devices are meant by `{text}`", active.len());
        return Err(ambiguous(message, &active));
    }
    active.pop().ok_or_else(|| {
        let message = if silent.is_empty() {
            format!("no device is called `{text}`")
        } else {
            let listed = list(&silent);
            format!("no device that still reports is called `{text}`, only {listed}")
        };
        ActionError::permanent(ErrorKind::NotFound, code::AC0102, message)
    })
}

/// Whether the whole name is meant, or the whole of its first part.
fn is_called(machine: &Machine, text: &str) -> bool {
    let name = machine.computer_dns_name.as_deref().unwrap_or_default();
    let first = name.split('.').next().unwrap_or_default();
    name.eq_ignore_ascii_case(text) || first.eq_ignore_ascii_case(text)
}

fn ambiguous(message: String, found: &[Machine]) -> ActionError {
    let message = format!("{message}: {}", list(found));
    let mut error = ActionError::permanent(ErrorKind::TargetAmbiguous, code::GR0105, message);
    error.details = Some(
        found
            .iter()
            .take(LISTED)
            .map(|machine| {
                serde_json::json!({
                    "id": machine.id,
                    "name": machine.computer_dns_name,
                    "last_seen": machine.last_seen,
                })
            })
            .collect(),
    );
    error
}

fn list(found: &[Machine]) -> String {
    let named = found.iter().take(LISTED).map(|machine| {
        let name = machine
            .computer_dns_name
            .as_deref()
            .unwrap_or("without a name");
        format!("{name} ({})", machine.id)
    });
    let mut text = named.collect::<Vec<_>>().join(", ");
    if found.len() > LISTED {
        text.push_str(&format!(" and {} more", found.len() - LISTED));
    }
    text
}

async fn ask(call: &Call, egress: &dyn Egress, request: Request) -> Result<Response, ActionError> {
    let response = egress.send(call, request).await;
    let response = response.map_err(|failure| failure.error)?;
    if response.is_success() {
        Ok(response)
    } else {
        Err(actions_contract::service_error(&response))
    }
}

impl Action for FindDeviceAction {
    fn info(&self) -> &ActionInfo {
        &self.info
    }

    fn call<'a>(&'a self, call: &'a Call, egress: &'a dyn Egress) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if call.mode == Mode::Simulate {
                let output = self.info.example_output.clone();
                return Outcome::Done { output };
            }
            match self.find(call, egress).await {
                Ok(machine) => Outcome::Done {
                    output: serde_json::to_value(machine).expect("a device serialises"),
                },
                Err(error) => Outcome::Failed { error },
            }
        })
    }
}

/// What guard rails look at, in what [`FindDeviceAction`] gives back.
#[must_use]
pub fn device_facts(output: &Value) -> Option<Facts> {
    let machine: Machine = serde_json::from_value(output.clone()).ok()?;
    let addresses = machine.ip_addresses.iter();
    let addresses = addresses.filter_map(|interface| interface.ip_address.clone());
    let aliases = [
        machine.aad_device_id,
        machine.last_ip_address,
        machine.last_external_ip_address,
    ];
    Some(Facts {
        entity: "device".to_owned(),
        id: machine.id,
        name: machine.computer_dns_name,
        aliases: aliases.into_iter().flatten().chain(addresses).collect(),
        tags: machine.machine_tags,
        groups: machine.rbac_group_name.into_iter().collect(),
        os: machine.os_platform,
        roles: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(id: &str, name: &str, health: &str) -> Machine {
        serde_json::from_value(serde_json::json!({
            "id": id,
            "computer_dns_name": name,
            "health_status": health,
        }))
        .unwrap()
    }

    fn fleet() -> Vec<Machine> {
        vec![
            machine("a", "pc1.corp.example", "Active"),
            machine("b", "pc10.corp.example", "Active"),
            machine("c", "pc1-old.corp.example", "Active"),
        ]
    }

    #[test]
    fn a_text_is_an_id_an_address_or_a_name() {
        let id = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";
        assert_eq!(By::of(id), By::Id);
        assert_eq!(By::of(&id[1..]), By::Name);
        let guid = "80fe8ff8-2624-418e-9591-41f0491218f9";
        assert_eq!(By::of(guid), By::DirectoryId);
        assert_eq!(By::of("10.0.0.4"), By::Address("10.0.0.4".parse().unwrap()));
        assert_eq!(By::of("PC1"), By::Name);
    }

    #[test]
    fn a_name_means_one_device_beside_others_whose_names_begin_like_it() {
        for text in ["PC1", "pc1", "pc1.corp.example"] {
            assert_eq!(one(By::Name, text, fleet()).unwrap().id, "a", "{text}");
        }
        let error = one(By::Name, "pc", fleet()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
    }

    #[test]
    fn two_active_devices_are_both_listed_and_a_silent_one_gives_way() {
        let mut two = fleet();
        two.push(machine("d", "pc1.other.example", "Active"));
        let error = one(By::Name, "PC1", two.clone()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::TargetAmbiguous);
        for listed in ["pc1.corp.example (a)", "pc1.other.example (d)"] {
            assert!(error.message.contains(listed), "{error}");
        }
        two[3].health_status = Some(Word::Known(HealthStatus::Inactive));
        assert_eq!(one(By::Name, "PC1", two).unwrap().id, "a");
    }

    #[test]
    fn a_device_that_does_not_report_any_more_is_not_found_by_its_name() {
        let silent = vec![machine("a", "pc1.corp.example", "Inactive")];
        let error = one(By::Name, "pc1", silent).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert!(error.message.contains("pc1.corp.example (a)"), "{error}");
    }
}
