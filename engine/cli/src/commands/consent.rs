//! `quell consent`: lets an administrator of a customer consent to the application.

use std::io::BufRead as _;

use engine_broker::{Connection, ConsentLink, Consented, CustomerStatus};

use crate::args::ConsentArgs;
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::wire;

pub(super) async fn consent(args: &ConsentArgs) -> Result<(), Fault> {
    let config = Config::near(args.config.as_deref())?;
    let tenant = tenant_of(&config, args);
    let broker = wire::broker(&config)?;
    let asked = broker.ask_consent(&args.connection, &tenant, &show).await;
    let consented = match asked.map_err(|error| Fault::of_action(&error))? {
        Some(consented) => consented,
        None => {
            let query = answer()?;
            let consented = broker.consent_answer(&query);
            consented.map_err(|error| Fault::of_action(&error))?
        }
    };
    report(args, &consented);
    Ok(())
}

/// The GUID of a customer, which the configuration also gives a name.
fn tenant_of(config: &Config, args: &ConsentArgs) -> String {
    match config.connections.get(&args.connection) {
        Some(Connection::Partner(partner)) => partner
            .tenants
            .get(&args.tenant)
            .map_or_else(|| args.tenant.clone(), |customer| customer.id.clone()),
        _ => args.tenant.clone(),
    }
}

fn show(link: &ConsentLink) {
    anstream::println!(
        "an administrator of the tenant opens within {}:\n  {}",
        link.expires_in,
        link.url
    );
}

/// The query of the address at which the administrator's browser ended.
fn answer() -> Result<String, Fault> {
    anstream::println!("then paste the address at which the browser ended:");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    match line.trim().split_once('?') {
        Some((_, query)) => Ok(query.to_owned()),
        None => Err(Fault::new(
            Kind::Credentials,
            "no answer was given; the link is void",
        )),
    }
}

fn report(args: &ConsentArgs, consented: &Consented) {
    let (connection, tenant) = (&consented.connection, &consented.tenant);
    anstream::println!("`{connection}`: {tenant} has consented");
    if consented.status != CustomerStatus::Active {
        anstream::println!(
            "  help: set `connections.{connection}.tenants.{}.status: active` to reach it",
            args.tenant
        );
    }
}
