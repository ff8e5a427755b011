//! The tenants behind a connection, for playbooks that go through all of them.

use actions_contract::{ActionError, Call, Effect, Egress, ErrorKind, Idempotency, Response};
use engine_model::{TenantId, code};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Builtin, Facts, Start};

/// Lists the tenants that a connection may reach now.
///
/// Nothing leaves the engine: the list is that of the configuration, without customers that are
/// `pending` or `suspended`. Name the connection with `connection:` where it is not the default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListTenants {}

/// The tenants of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tenants {
    /// The GUIDs of the directories, in the same order every time.
    pub tenants: Vec<TenantId>,
}

impl Builtin for ListTenants {
    type Output = Tenants;

    const FACTS: Facts = Facts {
        id: "connection.list-tenants",
        title: "List the tenants of a connection",
        effect: Effect::Read,
        idempotency: Idempotency::Natural,
    };

    fn example() -> Self {
        Self {}
    }

    fn example_output() -> Tenants {
        let tenant = "6f0d1c2e-3b4a-4c5d-8e9f-0a1b2c3d4e5f";
        Tenants {
            tenants: vec![tenant.parse().expect("a GUID is a tenant id")],
        }
    }

    fn local(&self, call: &Call, egress: &dyn Egress) -> Option<Result<Tenants, ActionError>> {
        let tenants = egress.tenants(call.connection.as_deref());
        Some(match tenants {
            Ok(tenants) => Ok(Tenants { tenants }),
            Err(failure) => Err(failure.error),
        })
    }

    fn start(&self, _: &Call) -> Result<Start<Tenants>, ActionError> {
        Err(nobody_answers())
    }

    fn answered(&self, _: &Response) -> Result<Tenants, ActionError> {
        Err(nobody_answers())
    }
}

fn nobody_answers() -> ActionError {
    let message = "the list of tenants is in the configuration; nobody is asked for it";
    ActionError::permanent(ErrorKind::Unsupported, code::AC0103, message)
}
