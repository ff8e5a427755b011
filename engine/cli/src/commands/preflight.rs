//! `quell preflight`: whether the tokens of this moment may do what the playbooks need.

use std::collections::{BTreeMap, BTreeSet};

use actions_contract::{ActionError, Api};
use engine_broker::{Broker, Context, Grants, Need};
use engine_driver::Playbooks;
use engine_model::code;
use engine_playbook::plan::StepKind;
use serde::Serialize;

use crate::args::{Format, PreflightArgs};
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::plain::plain;
use crate::wire;

/// An action, and what one of is enough for it: as application, and for a person.
type Choices = BTreeMap<String, (Vec<String>, Vec<String>)>;

/// What the playbooks do, by connection and API.
type Wanted = BTreeMap<String, BTreeMap<Api, Choices>>;

/// What was found for one connection, tenant and API.
#[derive(Debug, Serialize)]
struct Report {
    connection: String,
    tenant: String,
    api: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context>,
    /// What the token grants; absent where it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    granted: Option<BTreeSet<String>>,
    missing: Vec<Need>,
    excess: BTreeSet<String>,
    /// What nobody can tell from a token.
    not_visible: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ActionError>,
}

pub(super) async fn preflight(args: &PreflightArgs) -> Result<(), Fault> {
    let config = Config::near(args.config.as_deref())?;
    let paths = if args.paths.is_empty() {
        &config.playbooks
    } else {
        &args.paths
    };
    let playbooks = Playbooks::new(wire::infos(&wire::actions(&config).await?));
    let refused = playbooks.load(wire::playbook_files(paths)?);
    if !refused.is_empty() {
        wire::report(&refused);
        return Err(Fault::silent(Kind::Invalid));
    }
    let broker = wire::broker(&config)?;
    let wanted = wanted(&playbooks, &broker, args)?;
    let reports = examine(&broker, &wanted, args).await?;
    if args.json || args.format == Format::Json {
        super::runs::print_json(&reports);
    } else {
        reports.iter().for_each(print);
    }
    verdict(&reports)
}

/// Every action of the playbooks that calls an API, by the connection it goes over.
fn wanted(playbooks: &Playbooks, broker: &Broker, args: &PreflightArgs) -> Result<Wanted, Fault> {
    let mut wanted = Wanted::new();
    for (plan, _) in playbooks.loaded().plans.values() {
        for step in plan.all_steps() {
            let StepKind::Action(action) = &step.kind else {
                continue;
            };
            let Some(api) = action.info.api else {
                continue;
            };
            let named = args.connection.as_ref().or(action.connection.as_ref());
            let name = broker.connection_name(named.map(String::as_str));
            let name = name.map_err(|error| Fault::of_action(&error.error))?;
            let info = &action.info;
            let choices = (
                info.permissions_application.clone(),
                info.permissions_delegated.clone(),
            );
            let apis = wanted.entry(name).or_default();
            apis.entry(api)
                .or_default()
                .insert(info.id.to_string(), choices);
        }
    }
    Ok(wanted)
}

async fn examine(
    broker: &Broker,
    wanted: &Wanted,
    args: &PreflightArgs,
) -> Result<Vec<Report>, Fault> {
    let mut reports = Vec::new();
    for (connection, apis) in wanted {
        let tenants = match &args.tenant {
            Some(tenant) => vec![tenant.clone()],
            None => {
                let active = broker.active_tenants(Some(connection));
                let active = active.map_err(|error| Fault::of_action(&error.error))?;
                active.iter().map(ToString::to_string).collect()
            }
        };
        for tenant in tenants {
            for (api, choices) in apis {
                let grants = broker.grants(connection, &tenant, *api).await;
                reports.push(Report::of(connection, &tenant, *api, choices, grants));
            }
        }
    }
    Ok(reports)
}

impl Report {
    fn of(
        connection: &str,
        tenant: &str,
        api: Api,
        choices: &Choices,
        grants: Result<Grants, ActionError>,
    ) -> Self {
        let mut report = Self {
            connection: connection.to_owned(),
            tenant: tenant.to_owned(),
            api: api.as_str(),
            context: None,
            granted: None,
            missing: Vec::new(),
            excess: BTreeSet::new(),
            not_visible: Vec::new(),
            error: None,
        };
        let grants = match grants {
            Ok(grants) => grants,
            Err(error) => {
                report.error = Some(error);
                return report;
            }
        };
        let needs: Vec<Need> = choices
            .iter()
            .map(|(action, (application, delegated))| Need {
                action: action.clone(),
                any_of: match grants.context {
                    Context::User => delegated.clone(),
                    Context::Application | Context::Partner => application.clone(),
                },
            })
            .collect();
        let difference = grants.compare(&needs);
        report.not_visible = not_visible(&grants);
        report.context = Some(grants.context);
        report.granted = grants.permissions;
        report.missing = difference.missing;
        report.excess = difference.excess;
        report
    }
}

fn not_visible(grants: &Grants) -> Vec<&'static str> {
    let mut hidden = Vec::new();
    if grants.permissions.is_none() {
        hidden.push("the permissions: the token cannot be read by its client");
    }
    if grants.context == Context::User {
        hidden.push("the person's roles and device groups in Defender");
    }
    if grants.is_late {
        hidden.push("what was granted within a day: the platform keeps the tokens of its identity");
    }
    hidden
}

fn print(report: &Report) {
    let context = report.context.map_or("", Context::as_str);
    anstream::println!(
        "{}  {}  {}  {context}",
        report.connection,
        plain(&report.tenant),
        report.api
    );
    for need in &report.missing {
        let names = one_of(&need.any_of);
        anstream::println!("  missing      {names} for {}", need.action);
    }
    for name in &report.excess {
        anstream::println!("  excess       {}", plain(name));
    }
    for what in &report.not_visible {
        anstream::println!("  not visible  {what}");
    }
    match &report.error {
        Some(error) => anstream::println!("  no token     {}", plain(&error.to_string())),
        None if report.missing.is_empty() => anstream::println!("  enough"),
        None => {}
    }
}

fn one_of(names: &[String]) -> String {
    if names.is_empty() {
        "a permission that does not exist in this context".to_owned()
    } else {
        names.join(" or ")
    }
}

/// Whether everything that is needed is there; what is too much is no failure.
fn verdict(reports: &[Report]) -> Result<(), Fault> {
    let missing: BTreeSet<String> = reports
        .iter()
        .flat_map(|report| &report.missing)
        .map(|need| one_of(&need.any_of))
        .collect();
    if !missing.is_empty() {
        let names: Vec<String> = missing.into_iter().collect();
        let message = format!("missing: {}", names.join(", "));
        return Err(Fault::new(Kind::Credentials, message).with_code(code::AC0107));
    }
    match reports.iter().find_map(|report| report.error.as_ref()) {
        Some(error) => Err(Fault::of_action(error)),
        None => Ok(()),
    }
}
