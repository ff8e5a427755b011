//! The documents a tenant begins with: they tell of the same devices, users and file as the rest of
//! the world.

use serde_json::{Value, json};

use super::alerts::incident;
use super::risks;
use super::{Graph, Set};
use crate::wire;
use crate::world::World;
use crate::world::machine::{Machine, Role};

pub(super) const DAY_MS: i64 = 86_400_000;

pub(super) fn fill(graph: &mut Graph, world: &World) {
    let people: Vec<&Machine> = world
        .fleet()
        .iter()
        .filter(|machine| machine.role == Role::Workstation)
        .collect();
    let mut put = |set, document| graph.shelf(set).put(document);
    for machine in &people {
        put(Set::Users, user(world, machine));
        put(Set::Devices, device(world, machine));
        put(Set::Identities, identity(world, machine));
        put(Set::SignIns, sign_in(world, machine));
    }
    let victim = &world.machines[world.scenario.victim];
    let members: Vec<&str> = people
        .iter()
        .map(|one| one.user.object_id.as_str())
        .collect();
    put(Set::Groups, group(world, 0, "All employees", &members));
    put(Set::Groups, group(world, 1, "Restricted sign-in", &[]));
    for alert in &world.alerts {
        let (alert, incident, xdr) = incident(world, alert);
        put(Set::Alerts, alert);
        put(Set::Incidents, incident);
        put(Set::XdrIncidents, xdr);
    }
    put(Set::RiskyUsers, risks::risky_user(world, victim));
    put(Set::RiskDetections, risks::risk_detection(world, victim));
    put(Set::RiskHistory, risks::risk_change(world, victim));
    put(Set::AnalyzedEmails, risks::analyzed_email(world, victim));
    put(Set::Messages, risks::message(world, victim));
    put(Set::InboxRules, risks::inbox_rule(world, victim));
    put(Set::ServicePrincipals, risks::service_principal(world));
    put(Set::RiskyPrincipals, risks::risky_principal(world));
    put(Set::Grants, json!({ "id": world.seed.hex("grant", 0, 43) }));
    put(Set::Scores, risks::score(world));
    put(Set::Controls, risks::control(world));
    put(Set::Rules, risks::rule(world));
    let search = world.seed.guid("ediscovery search", 0);
    put(
        Set::Searches,
        json!({ "id": search, "_case": world.seed.guid("ediscovery case", 0) }),
    );
}

pub(super) fn at(world: &World, ago_ms: i64) -> String {
    wire::vendor_time(world.born_ms - ago_ms)
}

/// `amara.berg` as people write it.
pub(super) fn display_name(machine: &Machine) -> String {
    let words = machine.user.account.split('.').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", first.to_uppercase())
    });
    words.collect::<Vec<_>>().join(" ")
}

fn user(world: &World, machine: &Machine) -> Value {
    let user = &machine.user;
    let name = display_name(machine);
    let (given, surname) = name.split_once(' ').unwrap_or((name.as_str(), ""));
    json!({
        "id": user.object_id,
        "businessPhones": [],
        "displayName": name,
        "givenName": given,
        "surname": surname,
        "jobTitle": null,
        "mail": user.principal,
        "mobilePhone": null,
        "officeLocation": null,
        "preferredLanguage": "en-US",
        "userPrincipalName": user.principal,
        "_accountEnabled": true,
        "_userType": "Member",
        "_createdDateTime": at(world, 400 * DAY_MS),
        "_lastPasswordChangeDateTime": at(world, 90 * DAY_MS),
        "_signInSessionsValidFromDateTime": at(world, 90 * DAY_MS),
        "_onPremisesSyncEnabled": true,
        "_onPremisesSamAccountName": user.account,
        "_onPremisesSecurityIdentifier": user.sid,
        "_onPremisesDomainName": world.domain,
    })
}

fn device(_: &World, machine: &Machine) -> Value {
    json!({
        "id": machine.document["aadDeviceId"],
        "displayName": machine.name,
        "accountEnabled": true,
    })
}

fn identity(world: &World, machine: &Machine) -> Value {
    let user = &machine.user;
    json!({
        "id": world.seed.guid(&user.object_id, 1),
        "displayName": display_name(machine),
        "domain": world.domain,
        "cloudSecurityIdentifier": null,
        "onPremisesSecurityIdentifier": user.sid,
        "isEnabled": true,
        "accounts": [
            {
                "identifier": world.seed.guid(&user.object_id, 2),
                "provider": "activeDirectory",
                "actions": ["disable", "enable", "forcePasswordReset"],
            },
            {
                "identifier": user.object_id,
                "provider": "entraID",
                "actions": ["markUserAsCompromised"],
            },
        ],
    })
}

pub(super) fn location(city: &str, country: &str) -> Value {
    json!({ "city": city, "state": null, "countryOrRegion": country, "geoCoordinates": null })
}

fn sign_in(world: &World, machine: &Machine) -> Value {
    let user = &machine.user;
    json!({
        "id": world.seed.guid(&user.object_id, 3),
        "createdDateTime": at(world, 3_600_000),
        "userDisplayName": display_name(machine),
        "userPrincipalName": user.principal,
        "userId": user.object_id,
        "appId": "de8bc8b5-d9f9-48b1-a8ad-b748da725064",
        "appDisplayName": "Office 365 Exchange Online",
        "ipAddress": machine.document["lastExternalIpAddress"],
        "clientAppUsed": "Browser",
        "correlationId": world.seed.guid(&user.object_id, 4),
        "conditionalAccessStatus": "success",
        "isInteractive": true,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskEventTypes": [],
        "resourceDisplayName": "Office 365 Exchange Online",
        "resourceId": "00000002-0000-0ff1-ce00-000000000000",
        "status": { "errorCode": 0, "failureReason": null, "additionalDetails": null },
        "deviceDetail": {
            "deviceId": machine.document["aadDeviceId"],
            "displayName": machine.name,
            "operatingSystem": machine.text("osPlatform"),
            "browser": "Edge 129.0.0",
            "isCompliant": true,
            "isManaged": true,
            "trustType": "Hybrid Azure AD joined",
        },
        "location": location("Oslo", "NO"),
        "appliedConditionalAccessPolicies": [],
    })
}

fn group(world: &World, number: u64, name: &str, members: &[&str]) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.group",
        "id": world.seed.guid("group", number),
        "displayName": name,
        "description": null,
        "groupTypes": [],
        "mailEnabled": false,
        "securityEnabled": true,
        "_members": members,
    })
}
