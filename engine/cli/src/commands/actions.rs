//! `quell actions [ID]`.

use actions_contract::Api;
use serde_json::json;

use crate::args::{ActionsArgs, Format};
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::wire;

pub(super) async fn actions(args: &ActionsArgs) -> Result<(), Fault> {
    let config = Config::near(args.config.as_deref())?;
    let infos = wire::infos(&wire::actions(&config).await?);
    let Some(id) = &args.id else {
        match args.format {
            Format::Human => {
                for info in &infos {
                    let effect = info.effect.kind().as_str();
                    println!("{:<40} {effect:<9} {}", info.id.as_str(), info.title);
                }
            }
            Format::Json => {
                let list: Vec<_> = infos.iter().map(|info| summary(info)).collect();
                println!(
                    "{}",
                    serde_json::to_string_pretty(&list).unwrap_or_default()
                );
            }
        }
        return Ok(());
    };
    let info = infos
        .iter()
        .find(|info| info.id.as_str() == id)
        .ok_or_else(|| {
            let near = infos
                .iter()
                .map(|info| info.id.as_str())
                .max_by(|a, b| strsim::jaro_winkler(a, id).total_cmp(&strsim::jaro_winkler(b, id)));
            let fault = Fault::new(Kind::Usage, format!("there is no action `{id}`"));
            match near {
                Some(near) => fault.with_hint(format!("did you mean `{near}`?")),
                None => fault,
            }
        })?;
    match args.format {
        Format::Human => print!("{}", actions_catalog::reference_markdown(info)),
        Format::Json => println!(
            "{}",
            serde_json::to_string_pretty(&**info).unwrap_or_default()
        ),
    }
    Ok(())
}

/// The row of an action: everything but its schemas and examples. Its path is as its page writes
/// it: for Graph without the version, which stands beside it.
fn summary(info: &actions_contract::ActionInfo) -> serde_json::Value {
    let whole = info.path.as_deref();
    let versioned = ["v1.0", "beta"].into_iter().find_map(|version| {
        let path = whole?.strip_prefix('/')?.strip_prefix(version)?;
        (info.api == Some(Api::Graph)).then_some((version, path))
    });
    let (version, path) = match versioned {
        Some((version, path)) => (Some(version), Some(path)),
        None => (None, whole),
    };
    json!({
        "id": info.id,
        "title": info.title,
        "resource": actions_catalog::resource_of(info),
        "effect": info.effect.kind(),
        "undo": undo(&info.effect),
        "idempotency": info.idempotency,
        "settles": info.settles,
        "api": info.api,
        "method": info.method,
        "path": path,
        "version": version,
        "permissions_application": info.permissions_application,
        "permissions_delegated": info.permissions_delegated,
        "rate": info.rate,
        "beta": info.beta,
        "confidence": info.confidence,
        "source": info.source,
    })
}

/// The action that takes a containment back.
fn undo(effect: &actions_contract::Effect) -> Option<&str> {
    match effect {
        actions_contract::Effect::Contain { undo } => Some(undo),
        _ => None,
    }
}
