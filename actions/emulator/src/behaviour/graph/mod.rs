//! Microsoft Graph.

mod mail;
mod posture;
mod risk;
mod security;
mod submissions;
mod users;
mod xdr;

use serde_json::{Map, Value};

use super::body::Body;
use super::{Behaviour, Cx};
use crate::odata::{Ask, Collection, GRAPH, entity};
use crate::reply::{Refusal, Reply};
use crate::wire;
use crate::world::graph::Set;

/// What is served.
const BEHAVIOURS: &[(&str, Behaviour)] = &[
    ("defender.get-incident", xdr::get),
    ("defender.list-incidents", xdr::list),
    ("defender.update-incident", xdr::update),
    ("graph.add-group-member", users::add_member),
    ("graph.add-security-alert-comment", security::comment_alert),
    (
        "graph.add-security-incident-comment",
        security::comment_incident,
    ),
    ("graph.cancel-security-action", posture::cancel_action),
    (
        "graph.confirm-risky-service-principals-compromised",
        risk::confirm_principals,
    ),
    ("graph.confirm-risky-users-compromised", risk::confirm_users),
    ("graph.confirm-risky-users-safe", risk::confirm_users_safe),
    ("graph.create-detection-rule", posture::create_rule),
    ("graph.create-security-action", posture::create_action),
    (
        "graph.create-threat-assessment-request",
        submissions::assess,
    ),
    ("graph.delete-detection-rule", posture::delete_rule),
    ("graph.delete-inbox-rule", mail::delete_rule),
    ("graph.delete-message", mail::delete_message),
    ("graph.delete-oauth2-permission-grant", users::delete_grant),
    ("graph.disable-user", users::update),
    (
        "graph.dismiss-risky-service-principals",
        risk::dismiss_principals,
    ),
    ("graph.dismiss-risky-users", risk::dismiss_users),
    ("graph.enable-device", users::update_device),
    ("graph.enable-service-principal", users::update_principal),
    ("graph.enable-user", users::update),
    ("graph.get-analyzed-email", mail::get_analyzed),
    ("graph.get-detection-rule", posture::get_rule),
    ("graph.get-email-threat", submissions::get_email),
    ("graph.get-file-threat", submissions::get_file),
    ("graph.get-identity-account", users::get_identity),
    ("graph.get-risk-detection", risk::get_detection),
    ("graph.get-risky-user", risk::get_user),
    ("graph.get-secure-score", posture::get_score),
    (
        "graph.get-secure-score-control-profile",
        posture::get_control,
    ),
    ("graph.get-security-action", posture::get_action),
    ("graph.get-security-alert", security::get_alert),
    ("graph.get-security-incident", security::get_incident),
    (
        "graph.get-threat-assessment-request",
        submissions::get_assessment,
    ),
    ("graph.get-url-threat", submissions::get_url),
    ("graph.get-user", users::get),
    ("graph.get-user-manager", users::manager),
    (
        "graph.invoke-identity-account-action",
        users::act_on_account,
    ),
    ("graph.list-analyzed-emails", mail::list_analyzed),
    ("graph.list-detection-rules", posture::list_rules),
    ("graph.list-email-threats", submissions::list_emails),
    ("graph.list-file-threats", submissions::list_files),
    ("graph.list-identity-accounts", users::list_identities),
    ("graph.list-inbox-rules", mail::list_rules),
    ("graph.list-messages", mail::list_messages),
    ("graph.list-risk-detections", risk::list_detections),
    ("graph.list-risky-service-principals", risk::list_principals),
    ("graph.list-risky-user-history", risk::history),
    ("graph.list-risky-users", risk::list_users),
    (
        "graph.list-secure-score-control-profiles",
        posture::list_controls,
    ),
    ("graph.list-secure-scores", posture::list_scores),
    ("graph.list-security-actions", posture::list_actions),
    ("graph.list-security-alerts", security::list_alerts),
    ("graph.list-security-incidents", security::list_incidents),
    ("graph.list-sign-ins", users::list_sign_ins),
    (
        "graph.list-threat-assessment-requests",
        submissions::list_assessments,
    ),
    ("graph.list-url-threats", submissions::list_urls),
    ("graph.list-user-member-of", users::member_of),
    ("graph.merge-security-incidents", security::merge),
    ("graph.move-message", mail::move_message),
    ("graph.move-security-alerts", security::move_alerts),
    ("graph.permanently-delete-message", mail::delete_message),
    ("graph.purge-ediscovery-search-data", mail::purge),
    ("graph.remediate-emails", mail::remediate),
    ("graph.remove-group-member", users::remove_member),
    ("graph.reset-user-password", users::reset_password),
    ("graph.review-email-threat", submissions::review),
    ("graph.revoke-sign-in-sessions", users::revoke),
    ("graph.submit-email-threat", submissions::submit_email),
    ("graph.submit-file-threat", submissions::submit_file),
    ("graph.submit-url-threat", submissions::submit_url),
    ("graph.update-device", users::update_device),
    ("graph.update-detection-rule", posture::update_rule),
    (
        "graph.update-secure-score-control-profile",
        posture::update_control,
    ),
    ("graph.update-security-alert", security::update_alert),
    ("graph.update-security-incident", security::update_incident),
    ("graph.update-service-principal", users::update_principal),
    ("graph.update-user", users::update),
];

/// The behaviour of an operation, if it has one here.
pub(super) fn of(operation: &str) -> Option<Behaviour> {
    if operation == super::FOLLOWED {
        return Some(users::operation);
    }
    let found = BEHAVIOURS.iter().find(|(id, _)| *id == operation);
    found.map(|(_, behaviour)| *behaviour)
}

/// The service root of what the vendor may still change.
const BETA: &str = "https://graph.microsoft.com/beta";

/// A collection as its readers may ask for it.
const fn collection(name: &'static str, filter: &'static [&'static str]) -> Collection {
    Collection {
        name,
        filter,
        top_max: 1000,
        expand: &[],
        root: GRAPH,
    }
}

/// What a document shows.
fn shown(document: &Value) -> Value {
    let Some(fields) = document.as_object() else {
        return document.clone();
    };
    let visible = fields.iter().filter(|(name, _)| !name.starts_with('_'));
    visible
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect::<Map<_, _>>()
        .into()
}

/// A page of a shelf, newest first, of the documents that `belongs` takes.
fn list(
    cx: &mut Cx<'_>,
    set: Set,
    collection: &Collection,
    belongs: impl Fn(&Value) -> bool,
) -> Result<Reply, Refusal> {
    let ask = Ask::read(cx.query, collection)?;
    let shelf = cx.world.graph.shelf(set);
    let rows = shelf
        .iter()
        .rev()
        .filter(|row| belongs(row) && ask.fits(row));
    let (path, query) = (format!("{}{}", cx.base_url, cx.path), cx.query);
    Ok(ask.linked(collection, rows, shown, (&path, query)))
}

fn any(_: &Value) -> bool {
    true
}

/// The document that the placeholder at `at` names.
fn named(cx: &mut Cx<'_>, set: Set, kind: &str, at: usize) -> Result<Value, Refusal> {
    let id = cx.value(at).to_owned();
    let found = cx.world.graph.shelf(set).get(&id);
    found.cloned().ok_or_else(|| Refusal::not_found(kind, &id))
}

/// The same, to be changed.
fn named_mut<'a>(
    cx: &'a mut Cx<'_>,
    set: Set,
    kind: &str,
    at: usize,
) -> Result<&'a mut Value, Refusal> {
    let id = cx.value(at).to_owned();
    let found = cx.world.graph.shelf(set).get_mut(&id);
    found.ok_or_else(|| Refusal::not_found(kind, &id))
}

/// Answers with the document that the last placeholder names.
fn get(cx: &mut Cx<'_>, set: Set, of: &Collection, kind: &str) -> Result<Reply, Refusal> {
    let document = named(cx, set, kind, cx.values.len().saturating_sub(1))?;
    Ok(Reply::ok(entity(of.root, of.name, shown(&document))))
}

/// Success, and nothing more.
fn no_content() -> Reply {
    Reply {
        body: None,
        ..Reply::new(204, Value::Null)
    }
}

/// Puts what a body gives into a document, words in the case of `words`.
fn change(
    body: &Body,
    document: &mut Value,
    fields: &[(&str, &[&'static str])],
) -> Result<(), Refusal> {
    for (name, words) in fields {
        let Some(value) = body.get(name) else {
            continue;
        };
        document[*name] = match (value, words.is_empty()) {
            (Value::String(text), false) => word(name, text, words)?.into(),
            (Value::String(_) | Value::Array(_) | Value::Object(_) | Value::Bool(_), true) => {
                value.clone()
            }
            _ => return Err(Refusal::body(format!("{value} is no value of {name}"))),
        };
    }
    Ok(())
}

/// A word in the documented case; alerts and incidents mind none.
fn word(name: &str, text: &str, words: &[&'static str]) -> Result<&'static str, Refusal> {
    let mut known = words.iter();
    let found = known.find(|word| word.eq_ignore_ascii_case(text)).copied();
    found.ok_or_else(|| {
        let words = words.join(", ");
        let message = format!("{text} is no value of {name}: use {words}");
        Refusal::new(400, "BadRequest", message)
    })
}

/// Now, as the vendor prints it.
fn now(cx: &Cx<'_>) -> String {
    wire::vendor_time(cx.now_ms)
}
