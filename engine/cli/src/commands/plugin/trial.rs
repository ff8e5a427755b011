//! Actions of a plugin, outside of any engine.

use std::path::Path;
use std::sync::Arc;

use actions_contract::{Action, Egress, Mode, Outcome};
use engine_plugin::author::{Cases, Exchange, Mock, run_case, told, trial};
use engine_plugin::{Loaded, Manifest};
use serde_json::{Map, Value};

use super::args::TrialArgs;
use super::author::project;
use super::show;
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::plugins::{self, of_plugin};
use crate::wire;

pub(super) async fn test(folder: &Path) -> Result<(), Fault> {
    let project = project(folder)?;
    let file = std::fs::read(project.built())
        .map_err(|_| Fault::failed("there is no built plugin; run `quell plugin build`"))?;
    let (mut held, mut failed) = (0, 0);
    for path in project.case_files() {
        let cases = read_cases(&path)?;
        let loaded = show::load_with(&file, cases.config).await?;
        for case in &cases.cases {
            let verdict = run_case(&loaded, case).await;
            let word = if verdict.complaints.is_empty() {
                "ok"
            } else {
                "FAILED"
            };
            println!("{word} {}", case.name);
            for complaint in &verdict.complaints {
                println!("  {complaint}");
            }
            held += u32::from(verdict.complaints.is_empty());
            failed += u32::from(!verdict.complaints.is_empty());
        }
    }
    println!("{held} cases hold, {failed} do not");
    match (held, failed) {
        (0, 0) => Err(Fault::failed("there are no cases under `tests`")),
        (_, 0) => Ok(()),
        _ => Err(Fault::silent(Kind::Failed)),
    }
}

fn read_cases(path: &Path) -> Result<Cases, Fault> {
    let text = std::fs::read_to_string(path)?;
    serde_yaml::from_str(&text)
        .map_err(|error| Fault::new(Kind::Invalid, format!("{}: {error}", path.display())))
}

pub(super) async fn run(args: &TrialArgs) -> Result<(), Fault> {
    let file = std::fs::read(&args.file).map_err(|error| {
        Fault::failed(format!("cannot read `{}`: {error}", args.file.display()))
    })?;
    let input = input(&args.inputs)?;
    let config = args.config.as_deref().map(Config::read).transpose()?;
    let loaded = load(&file, config.as_ref()).await?;
    let id = format!("{}.{}", loaded.manifest.id, args.action);
    let Some(action) = loaded.actions.iter().find(|a| a.info().id.as_str() == id) else {
        let names: Vec<_> = loaded
            .actions
            .iter()
            .map(|a| a.info().id.as_str())
            .collect();
        let message = format!("there is no action `{id}`; there is {}", names.join(", "));
        return Err(Fault::new(Kind::Usage, message));
    };
    let mode = if args.simulate {
        Mode::Simulate
    } else {
        Mode::Execute
    };
    let mock = match &args.mock {
        Some(path) => Some(Mock::of(exchanges(path, &args.action, &input)?)),
        None => None,
    };
    let outcome = match &mock {
        Some(mock) => call(action, input, mode, mock).await,
        None => {
            let broker = wire::broker(&config.unwrap_or_default())?;
            call(action, input, mode, &broker).await
        }
    };
    println!("{:#}", told(&outcome));
    for complaint in mock.iter().flat_map(Mock::complaints) {
        eprintln(&complaint);
    }
    match outcome {
        Outcome::Failed { error } | Outcome::Unknown { error } => {
            Err(Fault::of_code(&error.code, error.message.clone()))
        }
        _ => Ok(()),
    }
}

fn eprintln(text: &str) {
    anstream::eprintln!("{}", crate::plain::plain_lines(text));
}

async fn call(action: &Arc<dyn Action>, input: Value, mode: Mode, egress: &dyn Egress) -> Outcome {
    let call = trial(&**action, input, mode, None);
    action.call(&call, egress).await
}

/// The plugin as the configuration has it installed, else with all it asks for.
async fn load(file: &[u8], config: Option<&Config>) -> Result<Loaded, Fault> {
    let manifest = Manifest::read(file).map_err(|error| of_plugin(&error))?;
    let Some(config) = config else {
        return show::load(file).await;
    };
    for mut installed in config.plugins.read()? {
        let other = std::fs::read(&installed.file)?;
        if Manifest::read(&other).is_ok_and(|other| other.id == manifest.id) {
            // The file of the author, with what the installed one was granted.
            (installed.digest, installed.signer) = (None, None);
            let host = plugins::host(config)?;
            let loaded = host.load(file, &installed).await;
            return loaded.map_err(|error| of_plugin(&error));
        }
    }
    show::load(file).await
}

/// The parameters: one JSON object, or pairs.
fn input(texts: &[String]) -> Result<Value, Fault> {
    let mut input = Map::new();
    for text in texts {
        if let Ok(Value::Object(object)) = serde_json::from_str(text) {
            input.extend(object);
        } else if let Some((name, value)) = text.split_once('=') {
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            input.insert(name.to_owned(), value);
        } else {
            let message = format!("`{text}` is neither a JSON object nor `name=value`");
            return Err(Fault::new(Kind::Usage, message));
        }
    }
    Ok(Value::Object(input))
}

/// What services answer: a list of exchanges, or those of the case with this input.
fn exchanges(path: &Path, action: &str, input: &Value) -> Result<Vec<Exchange>, Fault> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Fault::failed(format!("cannot read `{}`: {error}", path.display())))?;
    if let Ok(list) = serde_yaml::from_str(&text) {
        return Ok(list);
    }
    let cases = read_cases(path)?.cases.into_iter();
    let mut fitting = cases.filter(|case| case.action == action && case.input == *input);
    let message = format!("{}: no case has this action and input", path.display());
    let case = fitting
        .next()
        .ok_or_else(|| Fault::new(Kind::Usage, message))?;
    Ok(case.http)
}
