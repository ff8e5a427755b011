//! Mail: what was analysed, and what lies in mailboxes.

use serde_json::{Value, json};

use super::users::{begun, user_id};
use super::{collection, get, list, named, no_content, now, shown};
use crate::behaviour::Cx;
use crate::behaviour::body::{Body, Field};
use crate::odata::{Collection, GRAPH, entity};
use crate::reply::{Refusal, Reply};
use crate::wire;
use crate::world::graph::Set;

const ANALYZED: Collection = collection(
    "security/collaboration/analyzedEmails",
    &[
        "networkMessageId",
        "internetMessageId",
        "recipientEmailAddress",
        "subject",
    ],
);
const MESSAGES: Collection = collection(
    "users/messages",
    &[
        "internetMessageId",
        "subject",
        "from/emailAddress/address",
        "receivedDateTime",
    ],
);
const RULES: Collection = collection("users/mailFolders/inbox/messageRules", &[]);

/// The actions of a remediation, and where they bring a message.
const ACTIONS: &[(&str, Option<&str>)] = &[
    ("moveToJunk", Some("junkemail")),
    ("moveToInbox", Some("inbox")),
    ("hardDelete", None),
    ("softDelete", Some("recoverableitemsdeletions")),
    ("moveToDeletedItems", Some("deleteditems")),
];

pub(super) fn list_analyzed(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let time = |name: &str| {
        let text = cx.option(name).ok_or_else(|| Refusal::missing(name))?;
        wire::parse_time(text)
            .ok_or_else(|| Refusal::new(400, "BadRequest", format!("{name} is no time: {text}")))
    };
    let (from, until) = (time("startTime")?, time("endTime")?);
    list(cx, Set::AnalyzedEmails, &ANALYZED, |email| {
        let at = email["loggedDateTime"].as_str().and_then(wire::parse_time);
        at.is_some_and(|at| at >= from && at <= until)
    })
}

pub(super) fn get_analyzed(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    get(cx, Set::AnalyzedEmails, &ANALYZED, "Message")
}

/// Moves the messages at once; the service would take its time.
pub(super) fn remediate(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    const NAMES: [&str; 5] = [
        "moveToJunk",
        "moveToInbox",
        "hardDelete",
        "softDelete",
        "moveToDeletedItems",
    ];
    let fields = [
        Field::required("displayName"),
        Field::required("description"),
        Field::required("severity").one_of(&["low", "medium", "high"]),
        Field::required("action").one_of(&NAMES),
        Field::optional("remediateSendersCopy"),
        Field::required("analyzedEmails"),
    ];
    let body = Body::read(cx.body, &fields)?;
    let action = body.text("action")?;
    let folder = ACTIONS.iter().find(|(name, _)| *name == action);
    let folder = folder.and_then(|(_, folder)| *folder);
    let mails = body.get("analyzedEmails").and_then(Value::as_array);
    let mails = mails.filter(|mails| !mails.is_empty());
    for mail in mails.ok_or_else(|| Refusal::missing("analyzedEmails"))? {
        let text = |name: &str| {
            let text = mail[name].as_str().filter(|text| !text.is_empty());
            text.ok_or_else(|| Refusal::missing(name))
                .map(str::to_owned)
        };
        let (message, to) = (text("networkMessageId")?, text("recipientEmailAddress")?);
        let shelf = cx.world.graph.shelf(Set::AnalyzedEmails);
        let found = shelf.iter().find(|email| {
            email["networkMessageId"] == message && email["recipientEmailAddress"] == to
        });
        let Some(id) = found
            .and_then(|email| email["id"].as_str())
            .map(str::to_owned)
        else {
            continue;
        };
        if let Some(email) = shelf.get_mut(&id) {
            email["latestDelivery"]["action"] = json!(action);
            email["latestDelivery"]["location"] = json!(folder.unwrap_or("deleted"));
        }
        put_away(cx, &to, folder);
    }
    let reply = Reply {
        body: None,
        ..Reply::new(202, Value::Null)
    };
    let center = "https://security.microsoft.com/action-center/history";
    Ok(reply.with_header(http::header::LOCATION, center.to_owned()))
}

/// Moves what lies in the mailbox of an address, or deletes it.
fn put_away(cx: &mut Cx<'_>, to: &str, folder: Option<&str>) {
    let messages = cx.world.graph.shelf(Set::Messages);
    let is_theirs = |message: &&Value| message["toRecipients"][0]["emailAddress"]["address"] == to;
    let ids = messages.iter().filter(is_theirs);
    let ids: Vec<String> = ids
        .filter_map(|message| message["id"].as_str().map(str::to_owned))
        .collect();
    for id in ids {
        match folder {
            None => {
                messages.remove(&id);
            }
            Some(folder) => {
                if let Some(message) = messages.get_mut(&id) {
                    message["parentFolderId"] = json!(folder);
                }
            }
        }
    }
}

pub(super) fn list_messages(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let owner = user_id(cx, 0)?;
    list(cx, Set::Messages, &MESSAGES, |message| {
        message["_owner"] == owner
    })
}

/// The document at the second placeholder, if the user of the first one owns it.
fn owned(cx: &mut Cx<'_>, set: Set, kind: &str) -> Result<Value, Refusal> {
    let owner = user_id(cx, 0)?;
    let document = named(cx, set, kind, 1)?;
    match document["_owner"] == owner {
        true => Ok(document),
        false => Err(Refusal::not_found(kind, cx.value(1))),
    }
}

/// The message gets another id in its new folder.
pub(super) fn move_message(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let body = Body::read(cx.body, &[Field::required("destinationId")])?;
    let folder = body.text("destinationId")?.to_owned();
    let mut message = owned(cx, Set::Messages, "Message")?;
    let now = now(cx);
    let old = cx.value(1).to_owned();
    let number = cx.world.graph.next();
    message["id"] = json!(format!(
        "AAMk{}",
        cx.world.seed.hex("moved message", number, 40)
    ));
    message["parentFolderId"] = json!(folder);
    message["lastModifiedDateTime"] = json!(now);
    let messages = cx.world.graph.shelf(Set::Messages);
    messages.remove(&old);
    messages.put(message.clone());
    Ok(Reply::new(
        201,
        entity(GRAPH, MESSAGES.name, shown(&message)),
    ))
}

pub(super) fn delete_message(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    owned(cx, Set::Messages, "Message")?;
    let id = cx.value(1).to_owned();
    cx.world.graph.shelf(Set::Messages).remove(&id);
    Ok(no_content())
}

pub(super) fn list_rules(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let owner = user_id(cx, 0)?;
    list(cx, Set::InboxRules, &RULES, |rule| rule["_owner"] == owner)
}

pub(super) fn delete_rule(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    owned(cx, Set::InboxRules, "Rule")?;
    let id = cx.value(1).to_owned();
    cx.world.graph.shelf(Set::InboxRules).remove(&id);
    Ok(no_content())
}

pub(super) fn purge(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [
        Field::optional("purgeType").one_of(&["recoverable", "permanentlyDelete"]),
        Field::optional("purgeAreas").one_of(&["mailboxes", "teamsMessages"]),
    ];
    Body::read(cx.body, &fields)?;
    let search = named(cx, Set::Searches, "Search", 1)?;
    let case = cx.value(0).to_owned();
    if search["_case"] != case {
        return Err(Refusal::not_found("Case", &case));
    }
    let path = format!("/v1.0/security/cases/ediscoveryCases/{case}/operations");
    Ok(begun(cx, &path))
}
