//! Devices that can be contained, a directory that knows them, and a way out that counts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actions_contract::{
    Action, ActionError, ActionInfo, Body, BoxFuture, Call, Confidence, Effect, Egress,
    EgressError, ErrorKind, Facts, Follow, Idempotency, Method, Mode, Outcome, Request, Resolver,
    Response, Target, TargetParam,
};
use engine_driver::guard::Policy;
use engine_driver::{
    Attempts, Engine as _, ManualStart, PlaybookText, Playbooks, RunDocument, SystemClock,
};
use engine_embedded::{Embedded, GuardOptions, Options};
use engine_model::{Millis, RunId, code};
use engine_run::{RunStatus, Settings};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::home::Home;

/// The world outside of the engine.
pub(crate) struct World {
    pub(crate) devices: Mutex<BTreeMap<String, Facts>>,
    /// The directory answers 500.
    pub(crate) down: AtomicBool,
    /// Requests that changed something and arrived: the action and the device.
    pub(crate) posts: Mutex<Vec<(String, String)>>,
    /// Requests that are on their way.
    pub(crate) leaving: watch::Sender<usize>,
    /// Whether requests arrive, or wait.
    pub(crate) open: watch::Sender<bool>,
}

impl World {
    pub(crate) fn new(count: usize) -> Arc<Self> {
        let devices = (0..count).map(|number| {
            let facts = Facts {
                entity: "device".to_owned(),
                id: format!("id{number}"),
                name: Some(format!("pc{number}.corp.example")),
                aliases: vec![format!("10.0.{}.{}", number / 250, number % 250)],
                tags: Vec::new(),
                groups: vec!["Workstations".to_owned()],
                os: Some("Windows11".to_owned()),
                roles: Vec::new(),
            };
            (facts.id.clone(), facts)
        });
        Arc::new(Self {
            devices: Mutex::new(devices.collect()),
            down: AtomicBool::new(false),
            posts: Mutex::default(),
            leaving: watch::Sender::new(0),
            open: watch::Sender::new(true),
        })
    }

    /// Changes a device.
    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Facts)) {
        change(self.devices.lock().unwrap().get_mut(id).unwrap());
    }

    /// The devices that `action` was done to, by arrival.
    pub(crate) fn posts_of(&self, action: &str) -> Vec<String> {
        let posts = self.posts.lock().unwrap();
        let posts = posts.iter().filter(|(done, _)| done == action);
        posts.map(|(_, device)| device.clone()).collect()
    }

    fn find(&self, text: &str) -> Result<Facts, ActionError> {
        let told = |kind, code, message: &str| Err(ActionError::permanent(kind, code, message));
        if self.down.load(Ordering::SeqCst) {
            let (kind, code) = (ErrorKind::Unavailable, code::AC0111);
            return Err(ActionError::retryable(kind, code, "500", None));
        }
        let devices = self.devices.lock().unwrap();
        let is = |facts: &&Facts| {
            let name = facts.name.as_deref().unwrap_or_default();
            let first = name.split('.').next().unwrap_or_default();
            facts.id == text
                || facts.aliases.iter().any(|alias| alias == text)
                || [name, first]
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(text))
        };
        let found: Vec<&Facts> = devices.values().filter(is).collect();
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => told(ErrorKind::NotFound, code::AC0102, "nothing"),
            _ => told(ErrorKind::TargetAmbiguous, code::GR0105, "two of that name"),
        }
    }
}

impl Egress for World {
    fn send<'a>(
        &'a self,
        call: &'a Call,
        _: Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>> {
        Box::pin(async move {
            self.leaving.send_modify(|leaving| *leaving += 1);
            let mut open = self.open.subscribe();
            open.wait_for(|open| *open).await.unwrap();
            let device = call.args["id"].as_str().unwrap_or_default().to_owned();
            let action = call.action.to_string();
            self.posts.lock().unwrap().push((action, device));
            Ok(Response {
                status: 200,
                headers: Vec::new(),
                body: Vec::new(),
                retry_after: None,
            })
        })
    }
}

/// What an action of this world does when it is called.
enum Does {
    Find,
    Tag,
    Send,
}

struct WorldAction {
    info: ActionInfo,
    does: Does,
    world: Arc<World>,
}

fn actions(world: &Arc<World>) -> Vec<Arc<dyn Action>> {
    let contain = |undo: &'static str| Effect::Contain {
        undo: Cow::Borrowed(undo),
    };
    [
        ("world.find", Effect::Read, Does::Find, true),
        ("world.tag", Effect::Annotate, Does::Tag, true),
        ("world.contain", contain("world.release"), Does::Send, true),
        ("world.restrict", contain("world.release"), Does::Send, true),
        ("world.wipe", Effect::Destroy, Does::Send, true),
        ("world.release", Effect::Release, Does::Send, true),
        ("blind.contain", contain("world.release"), Does::Send, false),
    ]
    .into_iter()
    .map(|(id, effect, does, targeted)| {
        let info = info(id, effect, targeted);
        let world = Arc::clone(world);
        Arc::new(WorldAction { info, does, world }) as Arc<dyn Action>
    })
    .collect()
}

impl Action for WorldAction {
    fn info(&self) -> &ActionInfo {
        &self.info
    }

    fn call<'a>(&'a self, call: &'a Call, egress: &'a dyn Egress) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let id = call.args["id"].as_str().unwrap_or_default();
            match self.does {
                Does::Find => match self.world.find(id) {
                    Ok(facts) => Outcome::Done {
                        output: json!(facts),
                    },
                    Err(error) => Outcome::Failed { error },
                },
                Does::Tag => {
                    self.world
                        .change(id, |facts| facts.tags.push("dc".to_owned()));
                    Outcome::Done { output: json!({}) }
                }
                Does::Send if call.mode == Mode::Simulate => Outcome::Done { output: json!({}) },
                Does::Send if call.mode == Mode::Reconcile => {
                    let done = (call.action.to_string(), id.to_owned());
                    if self.world.posts.lock().unwrap().contains(&done) {
                        Outcome::Done { output: json!({}) }
                    } else {
                        Outcome::Nothing
                    }
                }
                Does::Send => match egress.send(call, post()).await {
                    Ok(_) => Outcome::Done {
                        output: json!({ "of": call.run }),
                    },
                    Err(failure) if failure.sent == actions_contract::Sent::Maybe => {
                        Outcome::Unknown {
                            error: failure.error,
                        }
                    }
                    Err(failure) => Outcome::Failed {
                        error: failure.error,
                    },
                },
            }
        })
    }
}

fn post() -> Request {
    Request {
        target: Target::Url("https://world.example/do".to_owned()),
        method: Method::Post,
        path: String::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Body::Empty,
        operation: "world".into(),
        keep_bytes_max: None,
    }
}

fn info(id: &str, effect: Effect, targeted: bool) -> ActionInfo {
    let target = TargetParam {
        param: "id".to_owned(),
        entity: "device".to_owned(),
    };
    ActionInfo {
        id: id.parse().unwrap(),
        major: 1,
        title: id.to_owned(),
        description: String::new(),
        effect,
        idempotency: Idempotency::None,
        parameters: json!({
            "type": "object",
            "properties": {
                "id": { "type": ["string", "null"] },
                "comment": { "type": "string" },
            },
            "additionalProperties": false,
        }),
        output: json!({ "type": "object" }),
        target: targeted.then_some(target),
        settles: false,
        api: None,
        method: None,
        path: None,
        permissions_application: Vec::new(),
        permissions_delegated: Vec::new(),
        rate: None,
        beta: false,
        confidence: Confidence::Derived,
        source: None,
        example: json!({}),
        example_output: json!({}),
    }
}

/// An engine on this home that works in this world, under this policy.
pub(crate) async fn open(
    home: &Home,
    world: &Arc<World>,
    policy: &str,
    playbooks: &[&str],
) -> Embedded {
    let policy = Arc::new(Policy::read(&format!("version: 1\n{policy}"), None).unwrap());
    let actions = actions(world);
    let infos = actions.iter().map(|action| Arc::new(action.info().clone()));
    let loaded = Playbooks::new(infos.collect()).under(Arc::clone(&policy));
    let files = playbooks.iter().map(|text| PlaybookText {
        path: "test.yaml".to_owned(),
        text: format!("version: 1\n{text}"),
    });
    let refused = loaded.load(files.collect());
    assert!(refused.is_empty(), "{refused:#?}");
    let follow = Follow {
        first: Millis::from_ms(10),
        max: Millis::from_ms(20),
    };
    let clock = Arc::new(SystemClock);
    let egress = Arc::clone(world) as Arc<dyn Egress>;
    let resolver = Resolver {
        entity: "device",
        action: Arc::clone(&actions[0]),
        param: "id",
        facts: |output| serde_json::from_value(output.clone()).ok(),
    };
    Embedded::open(Options {
        data_dir: home.folder().to_owned(),
        playbooks: Arc::new(loaded),
        attempts: Attempts::new(actions, egress, clock.clone(), follow, 512),
        clock,
        guards: Some(GuardOptions {
            policy,
            resolvers: vec![resolver],
        }),
        settings: Settings {
            reconcile_window: Millis::from_ms(50),
            dry_run: false,
            ..Settings::default()
        },
        tenant: "home".parse().unwrap(),
        schedules_since: None,
    })
    .await
    .unwrap()
}

/// Starts a playbook with this device as its input `id`.
pub(crate) async fn start(engine: &Embedded, playbook: &str, id: Value, dry_run: bool) -> RunId {
    let key = format!("{playbook} {id} {dry_run} {}", unique());
    let start = ManualStart {
        playbook: playbook.parse().unwrap(),
        tenant: "default".parse().unwrap(),
        inputs: Map::from_iter([("id".to_owned(), id)]),
        alert: None,
        by: "mona".to_owned(),
        roles: None,
        key,
        dry_run,
    };
    engine.start(start).await.unwrap()
}

fn unique() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::SeqCst)
}

/// Waits until a run is over.
pub(crate) async fn ended(engine: &Embedded, run: &RunId) -> RunDocument {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let document = engine.run(run).await.unwrap();
        if document.summary.status != RunStatus::Running {
            return document;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "it never ends: {:#}",
            json!(document.view)
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Starts a playbook and waits for its end: how it ended, and with which code.
pub(crate) async fn run(engine: &Embedded, playbook: &str, id: Value) -> (RunStatus, String) {
    let run = start(engine, playbook, id, false).await;
    verdict(&ended(engine, &run).await)
}

/// How a run ended, and with which code.
pub(crate) fn verdict(document: &RunDocument) -> (RunStatus, String) {
    let finish = document.view.finish.as_ref().unwrap();
    let error = finish.error.as_ref();
    let code = error.and_then(|error| error["code"].as_str());
    (finish.status, code.unwrap_or_default().to_owned())
}
