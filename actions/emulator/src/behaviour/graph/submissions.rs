//! What is handed in to be looked at.

use serde_json::{Value, json};

use super::{BETA, collection, get, list, named_mut, no_content, now};
use crate::behaviour::Cx;
use crate::behaviour::body::{Body, Field};
use crate::odata::{Collection, GRAPH, entity};
use crate::reply::{Refusal, Reply};
use crate::world::graph::Set;

const EMAILS: Collection = Collection {
    root: BETA,
    ..collection("security/threatSubmission/emailThreats", &[])
};
const URLS: Collection = Collection {
    root: BETA,
    ..collection("security/threatSubmission/urlThreats", &[])
};
const FILES: Collection = Collection {
    root: BETA,
    ..collection("security/threatSubmission/fileThreats", &[])
};
const ASSESSMENTS: Collection = Collection {
    expand: &["results"],
    ..collection("informationProtection/threatAssessmentRequests", &[])
};

const CATEGORIES: &[&str] = &["notJunk", "spam", "phishing", "malware"];

/// The type that a body names, without its namespace.
fn form<'a>(body: &'a Body, known: &[&str]) -> Result<&'a str, Refusal> {
    let text = body.text("@odata.type")?;
    let name = text.rsplit('.').next().unwrap_or_default();
    if !text.starts_with("#microsoft.graph.") || !known.contains(&name) {
        return Err(Refusal::body(format!("The type {text} is not known here")));
    }
    Ok(name)
}

/// A submission on its way, with what is special about it.
fn submit(cx: &mut Cx<'_>, set: Set, of: &Collection, special: Value) -> Reply {
    let number = cx.world.graph.next();
    let mut submission = json!({
        "id": cx.world.seed.guid("submission", number),
        "tenantId": cx.world.tenant,
        "createdDateTime": now(cx),
        "status": "running",
        "source": "administrator",
        "createdBy": {
            "user": { "identity": cx.caller.appid, "displayName": "Quell", "email": null },
        },
        "result": { "detail": "underInvestigation" },
        "adminReview": null,
    });
    if let (Value::Object(all), Value::Object(special)) = (&mut submission, special) {
        all.extend(special);
    }
    cx.world.graph.shelf(set).put(submission.clone());
    Reply::new(201, entity(of.root, of.name, submission))
}

pub(super) fn submit_email(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [
        Field::required("@odata.type"),
        Field::required("category").one_of(CATEGORIES),
        Field::required("recipientEmailAddress"),
        Field::optional("messageUrl"),
        Field::optional("fileContent"),
        Field::optional("tenantAllowOrBlockListAction"),
    ];
    let body = Body::read(cx.body, &fields)?;
    let needed = match form(
        &body,
        &["emailUrlThreatSubmission", "emailContentThreatSubmission"],
    )? {
        "emailUrlThreatSubmission" => "messageUrl",
        _ => "fileContent",
    };
    if body.text(needed)?.is_empty() {
        return Err(Refusal::missing(needed));
    }
    let special = json!({
        "@odata.type": body.text("@odata.type")?,
        "category": body.get("category"),
        "recipientEmailAddress": body.get("recipientEmailAddress"),
        "contentType": "email",
        "tenantAllowOrBlockListAction": body.get("tenantAllowOrBlockListAction"),
    });
    Ok(submit(cx, Set::EmailThreats, &EMAILS, special))
}

pub(super) fn submit_url(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [
        Field::required("@odata.type"),
        Field::required("category").one_of(CATEGORIES),
        Field::required("webUrl"),
    ];
    let body = Body::read(cx.body, &fields)?;
    form(&body, &["urlThreatSubmission"])?;
    let special = json!({
        "@odata.type": "#microsoft.graph.urlThreatSubmission",
        "category": body.get("category"),
        "webUrl": body.get("webUrl"),
        "contentType": "url",
    });
    Ok(submit(cx, Set::UrlThreats, &URLS, special))
}

pub(super) fn submit_file(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [
        Field::required("@odata.type"),
        Field::required("category").one_of(CATEGORIES),
        Field::required("fileName"),
        Field::required("fileContent"),
    ];
    let body = Body::read(cx.body, &fields)?;
    form(&body, &["fileContentThreatSubmission"])?;
    let special = json!({
        "@odata.type": "#microsoft.graph.fileThreatSubmission",
        "category": body.get("category"),
        "fileName": body.get("fileName"),
        "contentType": "file",
    });
    Ok(submit(cx, Set::FileThreats, &FILES, special))
}

pub(super) fn list_emails(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::EmailThreats, &EMAILS, super::any)
}

pub(super) fn get_email(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    get(cx, Set::EmailThreats, &EMAILS, "Submission")
}

pub(super) fn list_urls(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::UrlThreats, &URLS, super::any)
}

pub(super) fn get_url(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    get(cx, Set::UrlThreats, &URLS, "Submission")
}

pub(super) fn list_files(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::FileThreats, &FILES, super::any)
}

pub(super) fn get_file(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    get(cx, Set::FileThreats, &FILES, "Submission")
}

pub(super) fn review(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [
        Field::required("category").one_of(CATEGORIES),
        Field::optional("note"),
    ];
    let body = Body::read(cx.body, &fields)?;
    let (now, by) = (now(cx), cx.caller.appid.clone());
    let submission = named_mut(cx, Set::EmailThreats, "Submission", 0)?;
    submission["adminReview"] = json!({
        "reviewBy": by,
        "reviewDateTime": now,
        "reviewResult": body.get("category"),
    });
    Ok(no_content())
}

pub(super) fn assess(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let optional = [
        "recipientEmail",
        "messageUri",
        "contentData",
        "fileName",
        "url",
    ];
    let mut fields = vec![
        Field::required("@odata.type"),
        Field::required("expectedAssessment").one_of(&["block", "unblock"]),
        Field::required("category").one_of(&["spam", "phishing", "malware"]),
    ];
    fields.extend(optional.map(Field::optional));
    let body = Body::read(cx.body, &fields)?;
    let (kind, needed) = match form(
        &body,
        &[
            "mailAssessmentRequest",
            "emailFileAssessmentRequest",
            "fileAssessmentRequest",
            "urlAssessmentRequest",
        ],
    )? {
        "mailAssessmentRequest" => ("mail", "messageUri"),
        "emailFileAssessmentRequest" => ("mail", "contentData"),
        "fileAssessmentRequest" => ("file", "contentData"),
        _ => ("url", "url"),
    };
    if body.text(needed)?.is_empty() {
        return Err(Refusal::missing(needed));
    }
    let number = cx.world.graph.next();
    let mut request = json!({
        "@odata.type": body.get("@odata.type"),
        "id": cx.world.seed.guid("assessment", number),
        "createdDateTime": now(cx),
        "contentType": kind,
        "expectedAssessment": body.get("expectedAssessment"),
        "category": body.get("category"),
        "status": "pending",
        "requestSource": "administrator",
        "createdBy": { "user": { "id": cx.caller.appid, "displayName": "Quell" } },
    });
    for name in optional {
        if let Some(value) = body.get(name) {
            request[name] = value.clone();
        }
    }
    cx.world.graph.shelf(Set::Assessments).put(request.clone());
    Ok(Reply::new(201, entity(GRAPH, ASSESSMENTS.name, request)))
}

pub(super) fn list_assessments(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::Assessments, &ASSESSMENTS, super::any)
}

pub(super) fn get_assessment(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    get(cx, Set::Assessments, &ASSESSMENTS, "Assessment")
}
