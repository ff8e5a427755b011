//! `quell permissions`: the least API permissions that playbooks need.

use std::collections::{BTreeMap, BTreeSet};

use actions_contract::ActionInfo;
use engine_driver::Playbooks;
use engine_playbook::plan::StepKind;
use serde::Serialize;

use crate::args::{Format, PermissionsArgs};
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::wire;

/// What the playbooks need of one API.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Needed {
    /// In application and partner context.
    pub(crate) application: BTreeSet<String>,
    /// In user context.
    pub(crate) delegated: BTreeSet<String>,
    /// Actions that no permission of the context allows, by context.
    pub(crate) impossible: BTreeMap<&'static str, BTreeSet<String>>,
}

pub(super) async fn permissions(args: &PermissionsArgs) -> Result<(), Fault> {
    let config = Config::near(args.config.as_deref())?;
    let paths = if args.paths.is_empty() {
        &config.playbooks
    } else {
        &args.paths
    };
    let playbooks = Playbooks::new(wire::infos(&wire::actions(&config).await?));
    let refused = playbooks.load(wire::playbook_files(paths)?);
    wire::report(&refused);
    let needed = needed(&playbooks);
    match args.format {
        Format::Json => super::runs::print_json(&needed),
        Format::Human => print(&needed),
    }
    // What the others need is told all the same; that it is not everything, by the exit code.
    match refused.is_empty() {
        true => Ok(()),
        false => Err(Fault::silent(Kind::Invalid)),
    }
}

/// The least permissions per API for every loaded playbook.
pub(crate) fn needed(playbooks: &Playbooks) -> BTreeMap<&'static str, Needed> {
    let mut used: BTreeMap<&'static str, Vec<ActionInfo>> = BTreeMap::new();
    for (plan, _) in playbooks.loaded().plans.values() {
        for step in plan.all_steps() {
            if let StepKind::Action(action) = &step.kind
                && let Some(api) = action.info.api
            {
                used.entry(api.as_str())
                    .or_default()
                    .push((*action.info).clone());
            }
        }
    }
    used.into_iter()
        .map(|(api, infos)| {
            let mut needed = Needed::default();
            let application = |info: &ActionInfo| info.permissions_application.clone();
            let delegated = |info: &ActionInfo| info.permissions_delegated.clone();
            needed.application = least(&infos, &application);
            needed.delegated = least(&infos, &delegated);
            for (context, of) in [
                (
                    "application",
                    &application as &dyn Fn(&ActionInfo) -> Vec<String>,
                ),
                ("delegated", &delegated),
            ] {
                let none = infos.iter().filter(|info| of(info).is_empty());
                let ids: BTreeSet<String> = none.map(|info| info.id.to_string()).collect();
                if !ids.is_empty() {
                    needed.impossible.insert(context, ids);
                }
            }
            (api, needed)
        })
        .collect()
}

/// A permission for every action: those without a choice first, then the weakest of those that
/// are not covered yet. The documentation lists the weaker permission first.
fn least(infos: &[ActionInfo], of: &dyn Fn(&ActionInfo) -> Vec<String>) -> BTreeSet<String> {
    let mut choices: Vec<Vec<String>> = infos
        .iter()
        .map(of)
        .filter(|choice| !choice.is_empty())
        .collect();
    choices.sort_by_key(Vec::len);
    let mut chosen = BTreeSet::new();
    for choice in choices {
        if !choice.iter().any(|permission| chosen.contains(permission)) {
            chosen.extend(choice.into_iter().next());
        }
    }
    chosen
}

fn print(needed: &BTreeMap<&'static str, Needed>) {
    for (api, needed) in needed {
        let list = |names: &BTreeSet<String>| {
            names
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        };
        println!("{api}");
        println!("  application  {}", list(&needed.application));
        println!("  delegated    {}", list(&needed.delegated));
        for (context, actions) in &needed.impossible {
            println!("  not possible in {context} context: {}", list(actions));
        }
    }
}
