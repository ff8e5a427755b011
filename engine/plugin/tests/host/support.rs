//! Guests made into plugins, a call, and services that answer as told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actions_contract::{
    Action, ActionError, BoxFuture, Call, Egress, EgressError, ErrorKind, Follow, Mode, Outcome,
    Request, Response, Sent,
};
use engine_model::{Millis, Timestamp, code};
use engine_plugin::{Host, HostConfig, Loaded, Manifest, PluginConfig, PluginError};
use serde_json::{Value, json};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

/// A component of a core module, its types taken from world `plugin` of `wit`.
pub(crate) fn encode(core: &[u8], wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("plugin.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("plugin")).unwrap();
    let mut core = core.to_vec();
    wit_component::embed_component_metadata(
        &mut core,
        &resolve,
        world,
        StringEncoding::UTF8,
        false,
    )
    .unwrap();
    ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .unwrap()
        .encode()
        .unwrap()
}

/// A guest as a component with a manifest.
pub(crate) fn component(guest: &str, wit: &str, manifest: &Value) -> Vec<u8> {
    let text = actions_interface::guests::whole(guest);
    let core = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"));
    let manifest: Manifest = serde_json::from_value(manifest.clone()).unwrap();
    manifest.embed(&encode(&core, wit)).unwrap()
}

/// What most tests declare and grant.
pub(crate) fn api_example() -> Value {
    json!([{ "host": "api.example.com", "methods": ["GET", "POST"], "paths": ["/v1"] }])
}

/// A plugin `guest` that declares `capabilities` and is granted `grants`.
pub(crate) async fn load_with(
    host: &Host,
    guest: &str,
    capabilities: Value,
    grants: Value,
) -> Result<Loaded, PluginError> {
    let manifest = json!({ "id": "guest", "version": "1.2.3", "capabilities": capabilities });
    let config = json!({ "file": "guest.wasm", "grants": grants });
    let config: PluginConfig = serde_json::from_value(config).unwrap();
    host.load(
        &component(guest, actions_interface::WIT, &manifest),
        &config,
    )
    .await
}

/// The action `guest.act` of a guest that reaches `api.example.com` for every effect.
pub(crate) async fn act_on(host: &Host, guest: &str) -> Arc<dyn Action> {
    let mut grants = api_example();
    grants[0]["effects"] = json!([
        "read", "notify", "annotate", "contain", "release", "destroy"
    ]);
    let loaded = load_with(host, guest, api_example(), grants).await.unwrap();
    loaded
        .actions
        .into_iter()
        .find(|a| a.info().id.as_str() == "guest.act")
        .unwrap()
}

/// The same on a host with short limits.
pub(crate) async fn act(guest: &str) -> Arc<dyn Action> {
    act_on(&strict(), guest).await
}

/// A host with limits that tests reach quickly.
pub(crate) fn strict() -> Host {
    Host::new(HostConfig {
        memory_bytes_max: 16 << 20,
        cpu_ms_max: 100,
        calls_max: 8,
        ..HostConfig::default()
    })
    .unwrap()
}

/// A first try of `action` with parameters that fit the guests.
pub(crate) fn call(action: &dyn Action) -> Call {
    Call {
        run: format!("run_{}", "a".repeat(26)).parse().unwrap(),
        playbook: "triage".parse().unwrap(),
        step: "look".to_owned(),
        tenant: "default".parse().unwrap(),
        connection: None,
        action: action.info().id.clone(),
        effect: action.info().effect.kind(),
        mode: Mode::Execute,
        idem: "run_a/look".to_owned(),
        attempt: 1,
        args: json!({ "device_id": "d1" }),
        resume: None,
        begun_at: Timestamp::from_ms(1_700_000_000_000),
        now: Timestamp::from_ms(1_700_000_000_000),
        time_left: Millis::from_secs(20),
        follow: Follow::default(),
    }
}

/// Kind and code of the error of an outcome.
pub(crate) fn failure(outcome: &Outcome) -> (&str, &str) {
    match outcome {
        Outcome::Failed { error } => (error.kind.as_str(), error.code.as_ref()),
        other => panic!("expected a failure, got {other:?}"),
    }
}

/// What a service does with a request.
#[derive(Clone)]
pub(crate) enum Service {
    /// Answers with this status and an empty object.
    Answers(u16),
    /// Answers 200 after this time.
    Slow(Duration),
    /// Takes the request and never answers.
    Silent,
    /// Breaks the connection; the request may have arrived.
    Breaks(Sent),
}

/// An egress in memory that keeps what was sent.
pub(crate) struct Wire {
    service: Service,
    sent: Mutex<Vec<Request>>,
}

impl Wire {
    pub(crate) fn to(service: Service) -> Self {
        Self {
            service,
            sent: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn sent(&self) -> Vec<Request> {
        self.sent.lock().unwrap().clone()
    }
}

/// The wire of guests that send nothing.
pub(crate) fn no_wire() -> Wire {
    Wire::to(Service::Answers(500))
}

impl Egress for Wire {
    fn send<'a>(
        &'a self,
        _call: &'a Call,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>> {
        Box::pin(async move {
            self.sent.lock().unwrap().push(request);
            let status = match self.service {
                Service::Answers(status) => status,
                Service::Slow(time) => {
                    tokio::time::sleep(time).await;
                    200
                }
                Service::Silent => std::future::pending().await,
                Service::Breaks(sent) => {
                    let error = ActionError::retryable(
                        ErrorKind::Network,
                        code::BR0201,
                        "the connection broke",
                        None,
                    );
                    return Err(EgressError { error, sent });
                }
            };
            Ok(Response {
                status,
                headers: Vec::new(),
                body: b"{}".to_vec(),
                retry_after: None,
            })
        })
    }
}
