//! `quell demo`: the main job in one process, over real HTTP on loopback.

mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actions_emulator::{Emulator, LogFilter};
use engine_broker::ControlClient;
use engine_driver::{Clock as _, Engine, RunNews, SystemClock};
use engine_model::{Millis, RunId};
use engine_run::{NewsKind, RunStatus};
use engine_server::{Key, Keys, Person};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::task::JoinSet;

use crate::args::{DemoArgs, Format};
use crate::exit::{Fault, Kind};
use crate::timeline::Timeline;
use crate::wire::{self, Opening, Parts};

/// The playbook that contains.
const CONTAINS: &str = "contain-workstation";
/// The runs that the demo waits for: two by the alert, one by the schedule.
const RUNS: usize = 3;
/// The longest time a demo takes.
const DEADLINE: Duration = Duration::from_secs(120);
/// How long ago the schedules were last seen to: a night was missed, which the engine makes up.
const MISSED: Millis = Millis::from_secs(4 * 24 * 3600);

pub(super) async fn demo(args: DemoArgs) -> Result<(), Fault> {
    let format = if args.json {
        Format::Json
    } else {
        Format::Human
    };
    let timeline = Arc::new(Timeline::new(format));
    let folder = Folder::of(&args)?;
    let mut tasks = JoinSet::new();
    let emulator = world::emulator(&args)?;
    let listening = emulator.listen(TcpListener::bind(("127.0.0.1", 0)).await?)?;
    tasks.spawn(listening.run(std::future::pending()));
    let parts = parts(&emulator, &folder, &timeline).await?;
    let since = SystemClock
        .now()
        .as_ms()
        .saturating_sub_unsigned(MISSED.as_ms());
    let opening = Opening {
        schedules_since: Some(engine_model::Timestamp::from_ms(since)),
        ..Opening::default()
    };
    let engine: Arc<dyn Engine> = parts.open(opening).await?;
    let news = engine.subscribe();
    let (client, address) = serve(&parts, &engine, &mut tasks).await?;
    let urls = json!({ "emulator": emulator.base_url(), "engine": address });
    let text = format!(
        "emulated Defender at {}, engine at {address}",
        emulator.base_url()
    );
    timeline.say(SystemClock.now(), "ready", urls, &text);

    let alert_runs = hand_in(&client, &emulator, &timeline).await?;
    let ended = tokio::time::timeout(DEADLINE, follow(news, &timeline, &alert_runs)).await;
    let ended = ended.map_err(|_| Fault::failed("the demo took too long"))?;
    let summary = summary(&*engine, &emulator, &ended).await?;
    folder.keep_log(&emulator)?;
    print(&summary, format, &folder);
    if args.serve {
        println!("{}", emulator.describe());
        println!("QUELL_READY {}", address.trim_start_matches("http://"));
        super::serve::stopped().await;
    }
    outcome(&*engine, &summary, &ended).await
}

async fn parts(
    emulator: &Emulator,
    folder: &Folder,
    timeline: &Arc<Timeline>,
) -> Result<Parts, Fault> {
    let config = world::config(emulator, &folder.path)?;
    let secret = emulator
        .options()
        .tenants
        .first()
        .map(|tenant| tenant.client_secret.clone());
    let environment = Arc::new(move |name: &str| {
        if name == world::SECRET {
            secret.clone()
        } else {
            None
        }
    });
    let observer = Some(wire::observer(timeline));
    let parts = Parts::build_in(config, observer, environment).await?;
    let refused = parts.playbooks.load(world::playbooks());
    if !refused.is_empty() {
        wire::report(&refused);
        return Err(Fault::silent(Kind::Invalid));
    }
    Ok(parts)
}

/// Puts the engine's API on loopback, with one key, made up for this process.
async fn serve(
    parts: &Parts,
    engine: &Arc<dyn Engine>,
    tasks: &mut JoinSet<()>,
) -> Result<(ControlClient, String), Fault> {
    let key = format!("demo-{}-{}", std::process::id(), SystemClock.now().as_ms());
    let person = Person {
        name: "demo".to_owned(),
        roles: vec!["soc-lead".to_owned()],
        key: Key::of(&key),
    };
    let keys = Keys {
        people: vec![person],
        ..Keys::default()
    };
    let server = parts.server(Arc::clone(engine), keys);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    tasks.spawn(async move {
        if let Err(error) = server.serve(listener, std::future::pending()).await {
            tracing::error!(%error, "the server stopped");
        }
    });
    let client = ControlClient::new(&address, &key);
    let client = client.map_err(|error| Fault::failed(error.to_string()))?;
    Ok((client, address))
}

/// Hands the alert in as Defender would push it; the runs it started.
async fn hand_in(
    client: &ControlClient,
    emulator: &Emulator,
    timeline: &Timeline,
) -> Result<Vec<RunId>, Fault> {
    let alert = emulator.demo_alert();
    let text = |key: &str| alert.get(key).and_then(Value::as_str).unwrap_or_default();
    let told = format!(
        "alert {}: {} ({} {}) on {}",
        text("id"),
        text("title"),
        text("severity"),
        text("category"),
        text("computerDnsName"),
    );
    let fields = json!({ "alert": text("id"), "title": text("title") });
    timeline.say(SystemClock.now(), "alert", fields, &told);
    let answer = client.post("/v1/alerts/mde", &alert).await;
    let answer = answer.map_err(|error| Fault::failed(error.to_string()))?;
    let runs: Vec<RunId> =
        serde_json::from_value(answer.body["runs"].clone()).map_err(|error| {
            Fault::failed(format!("the intake answered {}: {error}", answer.status))
        })?;
    let told = format!("durable, and it matched {} triggers", runs.len());
    let fields = json!({ "alert": text("id"), "runs": runs });
    timeline.say(SystemClock.now(), "matched", fields, &told);
    Ok(runs)
}

/// Shows what happens until every run of the demo has ended: playbook → run and status.
async fn follow(
    mut news: Receiver<RunNews>,
    timeline: &Timeline,
    alert_runs: &[RunId],
) -> BTreeMap<String, (RunId, RunStatus)> {
    let mut ended = BTreeMap::new();
    let wanted = RUNS.max(alert_runs.len() + 1);
    while ended.len() < wanted {
        match news.recv().await {
            Ok(told) => {
                timeline.news(&told);
                if let NewsKind::RunEnded { status, .. } = told.news.kind {
                    ended.insert(told.playbook.to_string(), (told.run, status));
                }
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => break,
        }
    }
    ended
}

/// What is printed last: claimed only where the run, its output and the emulated world agree.
async fn summary(
    engine: &dyn Engine,
    emulator: &Emulator,
    ended: &BTreeMap<String, (RunId, RunStatus)>,
) -> Result<Value, Fault> {
    let Some((run, status)) = ended.get(CONTAINS) else {
        return Err(Fault::failed("the alert did not start the containment"));
    };
    let finish = engine.run(run).await?.view.finish;
    let output = |name: &str| {
        let value = finish.as_ref().and_then(|finish| finish.outputs.get(name));
        value.cloned().unwrap_or(Value::Null)
    };
    let device = output("isolated");
    let isolated = device.as_str().is_some_and(|id| {
        emulator
            .state()
            .machine(id)
            .is_some_and(|machine| machine.isolated)
    });
    let posts: u64 = emulator
        .counts()
        .posts
        .get("defender.isolate-machine")
        .map_or(0, |machines| machines.values().sum());
    let verified = isolated && output("verified") == Value::Bool(true);
    let devices = if verified { vec![device] } else { Vec::new() };
    let others: BTreeMap<&String, Value> = ended
        .iter()
        .filter(|(name, _)| *name != CONTAINS)
        .map(|(name, (run, status))| (name, json!({ "run": run, "status": status })))
        .collect();
    Ok(json!({
        "run": run,
        "status": status,
        "isolated": devices,
        "verified": verified,
        "action": output("action"),
        "isolate_requests": posts,
        "others": others,
    }))
}

fn print(summary: &Value, format: Format, folder: &Folder) {
    match format {
        Format::Json => println!("{summary}"),
        Format::Human => {
            let verdict = if summary["verified"] == Value::Bool(true) {
                "contained, and the service confirms it"
            } else {
                "NOT contained"
            };
            println!("\n{verdict}");
            for key in ["run", "status", "isolated", "action", "isolate_requests"] {
                println!("  {key:<17} {}", summary[key]);
            }
            if folder.kept {
                println!("  database          {}", folder.path.display());
            }
        }
    }
}

/// The exit code: the containment first, then the other runs.
async fn outcome(
    engine: &dyn Engine,
    summary: &Value,
    ended: &BTreeMap<String, (RunId, RunStatus)>,
) -> Result<(), Fault> {
    let first = ended.get(CONTAINS).into_iter();
    for (run, _) in first.chain(ended.values()) {
        if let Some(finish) = engine.run(run).await?.view.finish
            && let Some(fault) = super::run::fault_of(&finish)
        {
            return Err(fault);
        }
    }
    if summary["verified"] == Value::Bool(true) {
        Ok(())
    } else {
        Err(Fault::failed("the device is not isolated"))
    }
}

/// The folder of the demo's database; removed at the end unless it was named.
struct Folder {
    path: PathBuf,
    kept: bool,
}

impl Folder {
    fn of(args: &DemoArgs) -> Result<Self, Fault> {
        let kept = args.data.is_some();
        let path = args.data.clone().unwrap_or_else(|| {
            let name = format!("quell-demo-{}", std::process::id());
            std::env::temp_dir().join(name)
        });
        std::fs::create_dir_all(&path)?;
        Ok(Self {
            path: std::path::absolute(path)?,
            kept,
        })
    }

    /// Keeps what the emulator received beside the database.
    fn keep_log(&self, emulator: &Emulator) -> Result<(), Fault> {
        if self.kept {
            let log = emulator.log(&LogFilter::default());
            let log = serde_json::to_string_pretty(&log).unwrap_or_default();
            std::fs::write(self.path.join("emulator-log.json"), log)?;
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.kept {
            // A folder left behind in the temporary files does no harm.
            drop(std::fs::remove_dir_all(&self.path));
        }
    }
}
