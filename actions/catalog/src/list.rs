//! The list.

mod defender;
mod graph;

use std::sync::{Arc, LazyLock};

use actions_basic::{AddNote, Builtin, BuiltinAction, HttpRequest, ListTenants, NotifyWebhook};
use actions_contract::{Action, ActionInfo, Endpoint, Facts, Operation, OperationAction, Resolver};
use actions_defender::find_device::{FindDeviceAction, device_facts};
use actions_defender::graph::users::GetUser;
use actions_defender::hunting::{HuntingAction, HuntingApi, RunHuntingQuery};
use serde_json::Value;

/// What the configuration decides about the catalog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The service that `defender.run-hunting-query` asks.
    pub hunting: HuntingApi,
}

/// The action that finds the one object behind an id, for each kind of entity that has one.
const RESOLVERS: [(&str, &str); 6] = [
    ("detection_rule", "graph.get-detection-rule"),
    ("device", "defender.find-device"),
    ("identity_account", "graph.get-identity-account"),
    ("mail", "graph.get-analyzed-email"),
    ("security_action", "graph.get-security-action"),
    ("user", "graph.get-user"),
];

/// An entry of the list: the action, and its endpoint where it is one operation.
#[derive(Clone)]
struct Entry {
    action: Arc<dyn Action>,
    endpoint: Option<Endpoint>,
}

/// Every built-in action, sorted by id.
fn entries(options: Options) -> Vec<Entry> {
    // To make the schemas of hundreds of actions takes a while, and they stay the same.
    static MADE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let defender = defender::DEFENDER.iter().map(|make| make());
        defender.chain(graph::entries()).collect()
    });
    let mut entries = MADE.clone();
    entries.extend([
        builtin::<ListTenants>(),
        action(FindDeviceAction::new()),
        action(HuntingAction::new(options.hunting)),
        operation::<RunHuntingQuery>(),
        builtin::<HttpRequest>(),
        builtin::<AddNote>(),
        builtin::<NotifyWebhook>(),
    ]);
    entries.sort_by(|a, b| a.action.info().id.cmp(&b.action.info().id));
    entries
}

fn operation<O: Operation>() -> Entry {
    Entry {
        action: Arc::new(OperationAction::of::<O>()),
        endpoint: Some(O::ENDPOINT),
    }
}

/// An action that is made of several requests, each of them one of an operation.
fn composed<O: Operation>() -> Entry {
    action(OperationAction::of::<O>())
}

fn builtin<B: Builtin>() -> Entry {
    action(BuiltinAction::<B>::new())
}

fn action(action: impl Action + 'static) -> Entry {
    Entry {
        action: Arc::new(action),
        endpoint: None,
    }
}

/// Every built-in action, sorted by id.
#[must_use]
pub fn catalog(options: Options) -> Vec<Arc<dyn Action>> {
    entries(options)
        .into_iter()
        .map(|entry| entry.action)
        .collect()
}

/// The facts of every built-in action, sorted by id.
#[must_use]
pub fn infos(options: Options) -> Vec<ActionInfo> {
    catalog(options)
        .iter()
        .map(|action| action.info().clone())
        .collect()
}

/// The operations that are one request each, sorted by id: what the emulator routes from.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    entries(Options::default())
        .into_iter()
        .filter_map(|entry| entry.endpoint)
        .collect()
}

/// The action that resolves an entity to exactly one object: the facts guard rails are checked
/// against come from its output.
#[must_use]
pub fn resolver(entity: &str) -> Option<&'static str> {
    RESOLVERS
        .iter()
        .find(|(kind, _)| *kind == entity)
        .map(|(_, action)| *action)
}

/// What finds the one object of each kind, for guard rails and inputs.
#[must_use]
pub fn resolvers() -> Vec<Resolver> {
    vec![
        Resolver {
            entity: "device",
            action: Arc::new(FindDeviceAction::new()),
            param: "device",
            facts: device_facts,
        },
        Resolver {
            entity: "user",
            action: Arc::new(OperationAction::of::<GetUser>()),
            param: "user_id",
            facts: user_facts,
        },
    ]
}

/// What guard rails look at, in a user of the directory. Its groups are not among it.
fn user_facts(output: &Value) -> Option<Facts> {
    let text = |key: &str| output.get(key).and_then(Value::as_str).map(str::to_owned);
    let aliases = ["display_name", "mail", "on_premises_sam_account_name"];
    Some(Facts {
        name: text("user_principal_name"),
        aliases: aliases.into_iter().filter_map(text).collect(),
        ..Facts::of_text("user", &text("id")?)
    })
}
