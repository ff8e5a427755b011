//! `quell auth`: who is signed in, and whether every connection has what it needs.

use engine_broker::{Broker, ConnectionFacts, Prompt};
use serde::Serialize;

use crate::args::{AuthCommand, ConnectionArgs, Format, StatusArgs};
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::plain::plain;
use crate::wire;

pub(super) async fn auth(command: AuthCommand) -> Result<(), Fault> {
    match command {
        AuthCommand::Login(args) => login(&args).await,
        AuthCommand::Status(args) => status(&args).await,
        AuthCommand::Logout(args) => logout(&args).await,
    }
}

/// The broker of a configuration, and the connection that is meant.
fn open(args: &ConnectionArgs) -> Result<(Broker, String), Fault> {
    let broker = wire::broker(&Config::near(args.config.as_deref())?)?;
    let name = broker.connection_name(args.connection.as_deref());
    let name = name.map_err(|error| Fault::of_action(&error.error))?;
    Ok((broker, name))
}

async fn login(args: &ConnectionArgs) -> Result<(), Fault> {
    let (broker, name) = open(args)?;
    let account = broker.sign_in(&name, &show).await;
    let account = account.map_err(|error| Fault::of_action(&error))?;
    let who = account.name.as_deref().unwrap_or(&account.user);
    anstream::println!("`{name}`: signed in as {}", plain(who));
    let mut all = broker.connections().await.into_iter();
    if all.any(|facts| facts.name == name && facts.is_kept == Some(false)) {
        anstream::eprintln!(
            "  help: nothing is kept of it; `connections.{name}.persist_refresh_token` keeps it \
             for other commands"
        );
    }
    Ok(())
}

fn show(prompt: &Prompt) {
    match prompt {
        Prompt::Visit { url } => anstream::println!("open in a browser on this machine:\n  {url}"),
        Prompt::EnterCode {
            url,
            code,
            expires_in,
        } => anstream::println!(
            "open {} in any browser within {expires_in} and type the code\n  {}",
            plain(url),
            plain(code)
        ),
    }
}

async fn logout(args: &ConnectionArgs) -> Result<(), Fault> {
    let (broker, name) = open(args)?;
    let ended = broker.sign_out(&name).await;
    ended.map_err(|error| Fault::of_action(&error))?;
    anstream::println!("`{name}`: signed out here; the token service ends its own sessions");
    Ok(())
}

/// A connection, and who is signed in.
#[derive(Serialize)]
struct Standing {
    #[serde(flatten)]
    facts: ConnectionFacts,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_in: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

impl Standing {
    fn of(broker: &Broker, facts: ConnectionFacts) -> Self {
        let account = match facts.sign_in {
            Some(_) => broker.account(&facts.name),
            None => Ok(None),
        };
        let (account, fault) = match account {
            Ok(account) => (account, None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            facts,
            signed_in: account.map(|account| account.name.unwrap_or(account.user)),
            fault,
        }
    }

    /// Whether the connection can work as far as this machine can tell.
    fn is_ready(&self) -> bool {
        let needs_person = self.facts.sign_in.is_some() && self.signed_in.is_none();
        let unread = self
            .facts
            .secrets
            .iter()
            .any(|secret| secret.fault.is_some());
        self.fault.is_none() && !needs_person && !unread
    }
}

async fn status(args: &StatusArgs) -> Result<(), Fault> {
    let broker = wire::broker(&Config::near(args.config.as_deref())?)?;
    let facts = broker.connections().await.into_iter();
    let all: Vec<Standing> = facts.map(|facts| Standing::of(&broker, facts)).collect();
    if args.json || args.format == Format::Json {
        super::runs::print_json(&all);
    } else {
        all.iter().for_each(print);
    }
    if all.iter().all(Standing::is_ready) {
        Ok(())
    } else {
        Err(Fault::silent(Kind::Credentials))
    }
}

fn print(standing: &Standing) {
    let facts = &standing.facts;
    let apis = facts.apis.join(", ");
    anstream::println!("{}  {}  {apis}", facts.name, facts.context.as_str());
    for tenant in &facts.tenants {
        anstream::println!("  tenant  {}  {}", tenant.id, tenant.status);
    }
    if let Some(way) = facts.sign_in {
        let who = standing.signed_in.as_deref().unwrap_or("nobody");
        anstream::println!("  person  {}  ({way})", plain(who));
    }
    for secret in &facts.secrets {
        match &secret.fault {
            None => anstream::println!("  secret  {}  can be read", secret.reference),
            Some(fault) => anstream::println!("  secret  {fault}"),
        }
    }
    if let Some(fault) = &standing.fault {
        anstream::println!("  fault   {}", plain(fault));
    }
}
