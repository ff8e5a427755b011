//! `quell run PLAYBOOK`: one run in the foreground with its timeline.

use std::sync::Arc;

use engine_driver::{Engine, ManualStart};
use engine_model::{Alert, PlaybookName, RunId, TenantId, code};
use engine_playbook::plan::{Trigger, TriggerKind};
use engine_run::{Decision, Finish, RunStatus};
use serde_json::{Map, Value};

use crate::args::{Assume, Format, RunArgs};
use crate::commands::desk::{Desk, NOBODY, Watch};
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::plain::Plain;
use crate::timeline::Timeline;
use crate::wire::{self, Opening, Parts};

pub(super) async fn run(args: RunArgs) -> Result<(), Fault> {
    let config = config(&args)?;
    let timeline = Arc::new(Timeline::new(args.format));
    let parts = Parts::build(config, Some(wire::observer(&timeline))).await?;
    let name = load(&parts, &args)?;
    let alert = args.alert.as_deref();
    let alert = alert
        .map(|path| read_alert(&parts.config.tenant, path))
        .transpose()?;
    if alert.is_none() && needs_alert(&parts, &name) {
        return Err(Fault::new(
            Kind::Usage,
            format!("`{name}` starts with an alert and got none"),
        )
        .with_hint("give it one with `--alert FILE`, or add a `manual` trigger"));
    }
    let engine: Arc<dyn Engine> = parts
        .open(Opening {
            dry_run: args.dry_run,
            assume: match args.assume {
                Assume::Approve => Decision::Approve,
                Assume::Deny => Decision::Deny,
            },
            schedules_since: None,
        })
        .await?;
    let news = engine.subscribe();
    let desk = Desk::open(&parts, &engine).await?;
    let start = ManualStart {
        playbook: name,
        tenant: parts.config.tenant.clone(),
        inputs: pairs("--input", &args.inputs)?,
        alert,
        by: desk.starter.clone().unwrap_or_else(|| NOBODY.to_owned()),
        roles: None,
        key: format!("{}/{}", parts.clock.now(), std::process::id()),
        dry_run: args.dry_run,
    };
    let run = engine.start(start).await?;
    let watch = Watch {
        engine: &*engine,
        timeline: &timeline,
        desk: &desk,
        no_wait: args.no_wait,
    };
    tokio::select! {
        ended = watch.to_the_end(&run, news) => ended?,
        () = super::serve::stopped() => {
            engine.cancel(&run, "the keyboard").await?;
            return Err(Fault::new(Kind::Interrupted, format!("{run} was cancelled")));
        }
    }
    if args.dry_run {
        tell_dry(&*engine, &run, &parts, &args).await?;
    }
    conclude(&*engine, &run, args.format).await
}

fn config(args: &RunArgs) -> Result<Config, Fault> {
    let mut config = Config::read(&args.config)?;
    // A folder of its own: an engine that serves may have the other one.
    config.data_dir = config.data_dir.join("foreground");
    Ok(config)
}

/// Prints what a dry run would have done.
async fn tell_dry(
    engine: &dyn Engine,
    run: &RunId,
    parts: &Parts,
    args: &RunArgs,
) -> Result<(), Fault> {
    let document = engine.run(run).await?;
    super::report::report(engine, &document, &raw(parts, args)?, args.format).await
}

/// Where the playbook switches context encoding off.
fn raw(parts: &Parts, args: &RunArgs) -> Result<Vec<String>, Fault> {
    let path = args.playbook.display().to_string();
    let text = std::fs::read_to_string(&args.playbook)?;
    let (_, diagnostics) = parts.playbooks.check(&text);
    let raw = diagnostics.iter().filter(|one| one.code == code::PB0804);
    let places = raw.map(|one| {
        let place = engine_model::Place::of(&text, one.span.start);
        format!("{path}:{}: {}", place.line, one.message)
    });
    Ok(places.collect())
}

/// Prints how a run ended and folds that into an exit code.
async fn conclude(engine: &dyn Engine, run: &RunId, format: Format) -> Result<(), Fault> {
    let document = engine.run(run).await?;
    let Some(finish) = document.view.finish else {
        return Err(Fault::failed(format!("{run} has not ended")));
    };
    match format {
        Format::Json => println!(
            "{}",
            serde_json::json!({ "event": "summary", "run": run, "status": finish.status,
                                "outputs": finish.outputs, "error": finish.error })
        ),
        Format::Human => {
            for (name, value) in &finish.outputs {
                println!("{name} = {}", Plain(value));
            }
        }
    }
    match fault_of(&finish) {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

/// The fault of a run that did not succeed.
pub(super) fn fault_of(finish: &Finish) -> Option<Fault> {
    if finish.status == RunStatus::Succeeded {
        return None;
    }
    let text = |key: &str| {
        let value = finish.error.as_ref().and_then(|error| error.get(key));
        value.and_then(Value::as_str).unwrap_or_default()
    };
    if finish.status == RunStatus::Denied {
        // That a person said no is no error of a step.
        let why = finish.reason.as_deref().unwrap_or("a person said no");
        return Some(Fault::new(
            Kind::Refused,
            format!("the run was denied: {why}"),
        ));
    }
    let message = format!("the run {}: {}", finish.status.as_str(), text("message"));
    Some(Fault::of_code(text("code"), message))
}

fn load(parts: &Parts, args: &RunArgs) -> Result<PlaybookName, Fault> {
    let file = wire::playbook_file(&args.playbook)?;
    let refused = parts.playbooks.load(vec![file]);
    wire::report(&refused);
    let loaded = parts.playbooks.loaded();
    loaded
        .plans
        .keys()
        .next()
        .cloned()
        .ok_or_else(|| Fault::silent(Kind::Invalid))
}

/// Whether every trigger brings an alert, so that the steps may count on one.
fn needs_alert(parts: &Parts, name: &PlaybookName) -> bool {
    let loaded = parts.playbooks.loaded();
    let plan = loaded.plans.get(name);
    plan.is_some_and(|(plan, _)| {
        let alert = |trigger: &Trigger| matches!(trigger.kind, TriggerKind::Alert(_));
        !plan.triggers.is_empty() && plan.triggers.iter().all(alert)
    })
}

/// The alert in a file, in whatever shape it has.
pub(super) fn read_alert(tenant: &TenantId, path: &std::path::Path) -> Result<Alert, Fault> {
    let invalid = |message: String| {
        Fault::new(Kind::Invalid, format!("{}: {message}", path.display())).with_code(code::SV0106)
    };
    let text = std::fs::read(path).map_err(|error| {
        let message = format!("cannot read `{}`: {error}", path.display());
        Fault::new(Kind::Invalid, message).with_code(code::CF0102)
    })?;
    let value: Value = serde_json::from_slice(&text).map_err(|error| invalid(error.to_string()))?;
    let sources = actions_catalog::sources();
    engine_server::read_alert(&sources, None, value, tenant)
        .map_err(|error| invalid(error.to_string()))
}

/// `name=value`, the value as JSON where it is JSON, else as text.
pub(super) fn pairs(option: &str, given: &[String]) -> Result<Map<String, Value>, Fault> {
    given
        .iter()
        .map(|pair| {
            let (name, text) = pair.split_once('=').ok_or_else(|| {
                Fault::new(
                    Kind::Usage,
                    format!("`{option} {pair}`: write it as NAME=VALUE"),
                )
            })?;
            let value =
                serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
            Ok((name.to_owned(), value))
        })
        .collect()
}
