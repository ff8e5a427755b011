//! Operations of Microsoft Graph, and incidents of Defender XDR, against the documented bodies.

use actions_contract::{Body, ErrorKind, Mode, Operation, OperationAction, Outcome};
use engine_model::Millis;
use serde_json::{Map, Value, json};

use super::{answer, call, done, example_call, failed, pending, query_of, refusal, run};
use crate::Paged;
use crate::graph::access::{DisableUser, RevokeSignInSessions, UpdateUser};
use crate::graph::accounts::{InvokeIdentityAccountAction, ListSignIns};
use crate::graph::alerts::{
    AddSecurityAlertComment, GetSecurityAlert, ListSecurityAlerts, MoveSecurityAlerts,
    UpdateSecurityAlert,
};
use crate::graph::assessments::{GetThreatAssessmentRequest, ListThreatAssessmentRequests};
use crate::graph::directory::{AddGroupMember, UpdateDevice};
use crate::graph::ediscovery::PurgeEdiscoverySearch;
use crate::graph::email::RemediateEmails;
use crate::graph::email_threats::{GetEmailThreat, ListEmailThreats, SubmitEmailThreat};
use crate::graph::incidents::{
    AddSecurityIncidentComment, GetSecurityIncident, ListSecurityIncidents, MergeSecurityIncidents,
    UpdateSecurityIncident,
};
use crate::graph::mailbox::{ListInboxRules, MoveMessage};
use crate::graph::passwords::ResetUserPassword;
use crate::graph::risk::GetRiskDetection;
use crate::graph::risky_users::{ConfirmRiskyUsersCompromised, GetRiskyUser, ListRiskyUsers};
use crate::graph::secure_score::{
    GetSecureScore, GetSecureScoreControlProfile, ListSecureScoreControlProfiles, ListSecureScores,
    UpdateSecureScoreControlProfile,
};
use crate::graph::security_actions::{
    CreateSecurityAction, GetSecurityAction, ListSecurityActions,
};
use crate::graph::threats::{
    GetFileThreat, GetUrlThreat, ListFileThreats, ListUrlThreats, SubmitFileThreat, SubmitUrlThreat,
};
use crate::graph::users::{GetUser, GetUserSupervisor, ListUserMemberOf};
use crate::incidents::{GetIncident, ListIncidents, UpdateIncident};
use actions_contract::read::our_name;

/// Every documented value is in the output: under our name, or kept under `extra`.
pub(super) fn assert_kept(schema: &Value, vendor: &Value, ours: &Value, path: &str) {
    match (vendor, ours) {
        // What is not typed comes out as it is.
        (Value::Object(_), _) if schema.get("properties").is_none() => {
            assert_eq!(vendor, ours, "{path}");
        }
        (Value::Object(fields), Value::Object(out)) => {
            for (name, value) in fields {
                let properties = schema["properties"].as_object();
                let marked = properties.into_iter().flatten();
                let mut marked = marked.filter(|(_, field)| field["x-vendor-name"] == **name);
                let ours = marked
                    .next()
                    .map_or_else(|| our_name(name), |(ours, _)| ours.clone());
                let extra = out.get("extra").and_then(|extra| extra.get(name));
                let kept = extra.or_else(|| out.get(&ours));
                if kept.is_none() && (name.contains("@odata.") || value.is_null()) {
                    continue;
                }
                let kept = kept.unwrap_or_else(|| panic!("{path}.{name} is lost"));
                let schema = &schema["properties"][&ours];
                assert_kept(schema, value, kept, &format!("{path}.{name}"));
            }
        }
        (Value::Array(items), Value::Array(out)) => {
            assert_eq!(items.len(), out.len(), "{path}");
            for (at, (item, out)) in items.iter().zip(out).enumerate() {
                assert_kept(&schema["items"], item, out, &format!("{path}[{at}]"));
            }
        }
        _ => assert_eq!(vendor, ours, "{path}"),
    }
}

fn check_kept<O: Operation>(documented: &str) {
    let documented: Value = serde_json::from_str(documented).unwrap();
    let goes_on = documented.get("@odata.nextLink").is_some();
    let end = goes_on.then(|| answer(200, &json!({ "value": [] })));
    let answers = std::iter::once(answer(200, &documented)).chain(end);
    let (outcome, _) = run::<O>(&example_call::<O>(), answers);
    let output = done(outcome);
    let info = actions_contract::ActionInfo::of::<O>();
    assert_kept(&info.output, &documented, &output, O::ENDPOINT.id);
    // What playbooks are promised, tests and simulations can build.
    let again: O::Output = serde_json::from_value(output.clone()).unwrap();
    assert_eq!(serde_json::to_value(again).unwrap(), output);
}

#[test]
fn every_documented_answer_about_alerts_and_incidents_is_read_without_losing_a_field() {
    check_kept::<AddSecurityAlertComment>(include_str!(
        "../../fixtures/add-security-alert-comment.response.json"
    ));
    check_kept::<AddSecurityIncidentComment>(include_str!(
        "../../fixtures/add-security-incident-comment.response.json"
    ));
    check_kept::<GetSecurityAlert>(include_str!(
        "../../fixtures/get-security-alert.response.json"
    ));
    check_kept::<GetSecurityIncident>(include_str!(
        "../../fixtures/get-security-incident.response.json"
    ));
    check_kept::<Paged<ListIncidents>>(include_str!("../../fixtures/list-incidents.response.json"));
    check_kept::<Paged<ListSecurityAlerts>>(include_str!(
        "../../fixtures/list-security-alerts.response.json"
    ));
    check_kept::<Paged<ListSecurityIncidents>>(include_str!(
        "../../fixtures/list-security-incidents.expand-alerts.response.json"
    ));
    check_kept::<Paged<ListSecurityIncidents>>(include_str!(
        "../../fixtures/list-security-incidents.response.json"
    ));
    check_kept::<MergeSecurityIncidents>(include_str!(
        "../../fixtures/merge-security-incidents.response.json"
    ));
    check_kept::<MoveSecurityAlerts>(include_str!(
        "../../fixtures/move-security-alerts.response.json"
    ));
    check_kept::<UpdateIncident>(include_str!("../../fixtures/update-incident.response.json"));
    check_kept::<UpdateSecurityAlert>(include_str!(
        "../../fixtures/update-security-alert.response.json"
    ));
    check_kept::<UpdateSecurityIncident>(include_str!(
        "../../fixtures/update-security-incident.response.json"
    ));
}

#[test]
fn every_documented_answer_about_posture_is_read_without_losing_a_field() {
    check_kept::<CreateSecurityAction>(include_str!(
        "../../fixtures/create-security-action.response.json"
    ));
    check_kept::<GetSecureScoreControlProfile>(include_str!(
        "../../fixtures/get-secure-score-control-profile.response.json"
    ));
    check_kept::<GetSecureScore>(include_str!(
        "../../fixtures/get-secure-score.response.json"
    ));
    check_kept::<GetSecurityAction>(include_str!(
        "../../fixtures/get-security-action.response.json"
    ));
    check_kept::<InvokeIdentityAccountAction>(include_str!(
        "../../fixtures/invoke-identity-account-action.response.json"
    ));
    check_kept::<Paged<ListSecureScoreControlProfiles>>(include_str!(
        "../../fixtures/list-secure-score-control-profiles.response.json"
    ));
    check_kept::<Paged<ListSecureScores>>(include_str!(
        "../../fixtures/list-secure-scores.response.json"
    ));
    check_kept::<Paged<ListSecurityActions>>(include_str!(
        "../../fixtures/list-security-actions.response.json"
    ));
    check_kept::<UpdateSecureScoreControlProfile>(include_str!(
        "../../fixtures/update-secure-score-control-profile.response.json"
    ));
}

#[test]
fn every_documented_answer_about_submissions_is_read_without_losing_a_field() {
    check_kept::<GetEmailThreat>(include_str!(
        "../../fixtures/get-email-threat.response.json"
    ));
    check_kept::<GetFileThreat>(include_str!("../../fixtures/get-file-threat.response.json"));
    check_kept::<GetThreatAssessmentRequest>(include_str!(
        "../../fixtures/get-threat-assessment-request.response.json"
    ));
    check_kept::<GetUrlThreat>(include_str!("../../fixtures/get-url-threat.response.json"));
    check_kept::<Paged<ListEmailThreats>>(include_str!(
        "../../fixtures/list-email-threats.response.json"
    ));
    check_kept::<Paged<ListFileThreats>>(include_str!(
        "../../fixtures/list-file-threats.response.json"
    ));
    check_kept::<Paged<ListThreatAssessmentRequests>>(include_str!(
        "../../fixtures/list-threat-assessment-requests.response.json"
    ));
    check_kept::<Paged<ListUrlThreats>>(include_str!(
        "../../fixtures/list-url-threats.response.json"
    ));
    check_kept::<SubmitEmailThreat>(include_str!(
        "../../fixtures/submit-email-threat.response.json"
    ));
    check_kept::<SubmitFileThreat>(include_str!(
        "../../fixtures/submit-file-threat.response.json"
    ));
    check_kept::<SubmitUrlThreat>(include_str!(
        "../../fixtures/submit-url-threat.response.json"
    ));
}

#[test]
fn every_documented_answer_about_users_and_mail_is_read_without_losing_a_field() {
    check_kept::<GetUserSupervisor>(include_str!(
        "../../fixtures/get-user-manager.response.json"
    ));
    check_kept::<GetUser>(include_str!("../../fixtures/get-user.response.json"));
    check_kept::<Paged<ListInboxRules>>(include_str!(
        "../../fixtures/list-inbox-rules.response.json"
    ));
    check_kept::<Paged<ListRiskyUsers>>(include_str!(
        "../../fixtures/list-risky-users.response.json"
    ));
    check_kept::<Paged<ListSignIns>>(include_str!("../../fixtures/list-sign-ins.response.json"));
    check_kept::<Paged<ListUserMemberOf>>(include_str!(
        "../../fixtures/list-user-member-of.response.json"
    ));
    check_kept::<MoveMessage>(include_str!("../../fixtures/move-message.response.json"));
    check_kept::<RevokeSignInSessions>(include_str!(
        "../../fixtures/revoke-sign-in-sessions.response.json"
    ));
}

#[test]
fn an_entity_is_read_whether_it_comes_alone_or_in_a_list() {
    for documented in [
        include_str!("../../fixtures/get-risky-user.response.json"),
        include_str!("../../fixtures/made-up/get-risky-user.json"),
    ] {
        let documented: Value = serde_json::from_str(documented).unwrap();
        let call = example_call::<GetRiskyUser>();
        let user = done(run::<GetRiskyUser>(&call, [answer(200, &documented)]).0);
        assert_eq!(user["id"], "d1d4a5d4-a5d4-d1d4-d4a5-d4d1d4a5d4d1");
    }
    // The example of the page prints the types in place of the values: they are kept.
    let shown = include_str!("../../fixtures/get-risky-user.response.json");
    let shown: Value = serde_json::from_str(shown).unwrap();
    let user = done(run::<GetRiskyUser>(&example_call::<GetRiskyUser>(), [answer(200, &shown)]).0);
    assert_eq!(user["extra"]["isDeleted"], "Boolean");
    let shown = include_str!("../../fixtures/get-risk-detection.response.json");
    let shown: Value = serde_json::from_str(shown).unwrap();
    let call = example_call::<GetRiskDetection>();
    let seen = done(run::<GetRiskDetection>(&call, [answer(200, &shown)]).0);
    assert_eq!(seen["risk_event_type"], "unfamiliarFeatures");
}

/// The documented names as ours, all the way down.
fn in_our_names(documented: &Value) -> Value {
    match documented {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let ours = match name.as_str() {
                    "@odata.type" => "odata_type".to_owned(),
                    name => our_name(name),
                };
                (ours, in_our_names(value))
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(in_our_names).collect(),
        other => other.clone(),
    }
}

/// The body that leaves is the documented one; the parameters say the same in our words.
fn check_body<O: Operation>(places: Value, documented: &str) {
    let documented: Value = serde_json::from_str(documented).unwrap();
    let mut args = in_our_names(&documented);
    let known = actions_contract::ActionInfo::of::<O>().parameters;
    let args_map = args.as_object_mut().unwrap();
    // Of comments the type is no parameter: there is one.
    args_map.retain(|name, _| name != "odata_type" || known["properties"].get(name).is_some());
    args_map.extend(places.as_object().unwrap().clone());
    let (_, asked) = run::<O>(&call::<O>(args), [refusal(400, "BadRequest", "no")]);
    let Body::Json(body) = &asked[0].body else {
        panic!("no body")
    };
    assert_eq!(*body, documented, "{}", O::ENDPOINT.id);
}

#[test]
fn every_documented_request_about_alerts_and_submissions_can_be_made() {
    check_body::<AddSecurityAlertComment>(
        json!({"alert_id": "a1"}),
        include_str!("../../fixtures/add-security-alert-comment.request.json"),
    );
    check_body::<AddSecurityIncidentComment>(
        json!({"incident_id": "1"}),
        include_str!("../../fixtures/add-security-incident-comment.request.json"),
    );
    check_body::<MergeSecurityIncidents>(
        json!({}),
        include_str!("../../fixtures/merge-security-incidents.request.json"),
    );
    check_body::<MoveSecurityAlerts>(
        json!({}),
        include_str!("../../fixtures/move-security-alerts.request.json"),
    );
    check_body::<SubmitEmailThreat>(
        json!({}),
        include_str!("../../fixtures/submit-email-threat.request.json"),
    );
    check_body::<SubmitFileThreat>(
        json!({}),
        include_str!("../../fixtures/submit-file-threat.request.json"),
    );
    check_body::<SubmitUrlThreat>(
        json!({}),
        include_str!("../../fixtures/submit-url-threat.request.json"),
    );
    check_body::<UpdateIncident>(
        json!({"incident_id": 1}),
        include_str!("../../fixtures/update-incident.request.json"),
    );
    check_body::<UpdateSecurityAlert>(
        json!({"alert_id": "a1"}),
        include_str!("../../fixtures/update-security-alert.request.json"),
    );
    check_body::<UpdateSecurityIncident>(
        json!({"incident_id": "1"}),
        include_str!("../../fixtures/update-security-incident.request.json"),
    );
}

#[test]
fn every_documented_request_about_users_and_mail_can_be_made() {
    check_body::<CreateSecurityAction>(
        json!({}),
        include_str!("../../fixtures/create-security-action.request.json"),
    );
    check_body::<InvokeIdentityAccountAction>(
        json!({"identity_account_id": "i1"}),
        include_str!("../../fixtures/invoke-identity-account-action.request.json"),
    );
    check_body::<MoveMessage>(
        json!({"user_id": "u1", "message_id": "m1"}),
        include_str!("../../fixtures/move-message.request.json"),
    );
    check_body::<RemediateEmails>(
        json!({}),
        include_str!("../../fixtures/remediate-emails.request.json"),
    );
    check_body::<UpdateDevice>(
        json!({"device_id": "d1"}),
        include_str!("../../fixtures/update-device.request.json"),
    );
    check_body::<UpdateSecureScoreControlProfile>(
        json!({"profile_id": "NonOwnerAccess"}),
        include_str!("../../fixtures/update-secure-score-control-profile.request.json"),
    );
    check_body::<UpdateUser>(
        json!({"user_id": "u1"}),
        include_str!("../../fixtures/update-user.request.json"),
    );
    let member = json!({ "group_id": "g1", "member_id": "{id}" });
    let (_, asked) =
        run::<AddGroupMember>(&call::<AddGroupMember>(member), [refusal(400, "x", "x")]);
    let documented = include_str!("../../fixtures/add-group-member.request.json");
    let documented: Value = serde_json::from_str(documented).unwrap();
    assert_eq!(asked[0].body, Body::Json(documented));
}

#[test]
fn any_spelling_of_a_verdict_leaves_as_the_endpoint_spells_it() {
    let sent = |word: &str| {
        let args = json!({ "alert_id": "a1", "determination": word });
        let call = call::<UpdateSecurityAlert>(args);
        let (_, asked) = run::<UpdateSecurityAlert>(&call, [refusal(400, "x", "x")]);
        match &asked[0].body {
            Body::Json(body) => body["determination"].as_str().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    };
    for word in ["compromisedUser", "CompromisedUser", "compromisedAccount"] {
        assert_eq!(sent(word), "compromisedAccount");
    }
    // Graph minds no letter case, and its own examples do not keep to one.
    assert_eq!(sent("MultiStagedAttack"), "MultiStagedAttack");
    assert_eq!(sent("Clean"), "notMalicious");
    assert_eq!(sent("InsufficientData"), "notEnoughDataToValidate");
}

#[test]
fn a_merged_incident_is_followed_to_the_one_it_is_part_of_and_never_in_a_circle() {
    let merged = json!({ "id": "1", "status": "redirected", "redirectIncidentId": "2" });
    let other = json!({ "id": "2", "status": "active", "redirectIncidentId": null });
    let call = call::<GetSecurityIncident>(json!({ "incident_id": "1", "expand_alerts": true }));
    let (outcome, asked) =
        run::<GetSecurityIncident>(&call, [answer(200, &merged), answer(200, &other)]);
    let incident = done(outcome);
    assert_eq!(
        (&incident["id"], &incident["merged_from"]),
        (&json!("2"), &json!(["1"]))
    );
    assert_eq!(asked[1].path, "/v1.0/security/incidents/2");
    assert_eq!(query_of(&asked[1]), [("$expand", "alerts")]);
    let circle = (0..11).map(|_| answer(200, &merged));
    let error = failed(run::<GetSecurityIncident>(&call, circle).0);
    assert!(
        error.message.contains("redirect to each other"),
        "{}",
        error.message
    );

    let call = super::call::<GetIncident>(json!({ "incident_id": "924565" }));
    let merged = json!({ "incidentId": 924565, "redirectIncidentId": 924521 });
    let other = json!({ "incidentId": 924521, "redirectIncidentId": null });
    let (outcome, asked) = run::<GetIncident>(&call, [answer(200, &merged), answer(200, &other)]);
    assert_eq!(done(outcome)["merged_from"], json!([924565]));
    assert_eq!(asked[1].path, "/api/incidents/924521");
}

#[test]
fn work_of_the_service_is_followed_by_its_link_and_never_to_another_host() {
    let begun = |link: &str| {
        let mut answer = answer(202, &json!({})).unwrap();
        answer
            .headers
            .push(("location".to_owned(), link.to_owned()));
        Ok(answer)
    };
    let mut call = example_call::<ResetUserPassword>();
    let link = "https://graph.example/v1.0/users/u1/authentication/operations/o1?aadgdc=x";
    let (state, wait) = pending(run::<ResetUserPassword>(&call, [begun(link)]).0);
    assert_eq!(wait, Millis::from_secs(2));
    call.resume = Some(state);
    let running = answer(200, &json!({ "id": "o1", "status": "running" }));
    let (outcome, asked) = run::<ResetUserPassword>(&call, [running]);
    assert_eq!(asked[0].path, "/v1.0/users/u1/authentication/operations/o1");
    assert_eq!(asked[0].method.as_str(), "GET");
    let (state, wait) = pending(outcome);
    assert_eq!(wait, Millis::from_secs(4));
    call.resume = Some(state);
    let ended = |status: &str| answer(200, &json!({ "id": "o1", "status": status }));
    let output = done(run::<ResetUserPassword>(&call, [ended("succeeded")]).0);
    assert_eq!(output["status"], "succeeded");
    let error = failed(run::<ResetUserPassword>(&call, [ended("failed")]).0);
    assert_eq!(error.kind, ErrorKind::Conflict);
    let call = example_call::<PurgeEdiscoverySearch>();
    for link in ["https://evil.example/collect", "nowhere"] {
        let outcome = run::<PurgeEdiscoverySearch>(&call, [begun(link)]).0;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    }
    let accepted = run::<PurgeEdiscoverySearch>(&call, [answer(202, &json!({}))]).0;
    assert_eq!(done(accepted)["status"], "accepted");
}

/// What a look at the service tells about an earlier try.
fn looked<O: Operation>(args: Value, seen: &Value) -> Outcome {
    let mut call = call::<O>(args);
    call.mode = Mode::Reconcile;
    run::<O>(&call, [answer(200, seen)]).0
}

#[test]
fn what_was_done_to_a_user_is_found_again_by_looking_at_the_user() {
    let user = |enabled: bool, valid_from: &str| {
        json!({
            "id": "u1",
            "accountEnabled": enabled,
            "signInSessionsValidFromDateTime": valid_from,
            "lastPasswordChangeDateTime": "2026-01-01T00:00:00Z",
        })
    };
    let (before, after) = ("2026-10-24T11:00:00Z", "2026-10-24T12:00:03Z");
    let args = || json!({ "user_id": "u1" });
    let happened = |outcome: Outcome| match outcome {
        Outcome::Done { .. } => true,
        Outcome::Nothing => false,
        other => panic!("{other:?}"),
    };
    assert!(happened(looked::<DisableUser>(
        args(),
        &user(false, before)
    )));
    assert!(!happened(looked::<DisableUser>(
        args(),
        &user(true, before)
    )));
    assert!(happened(looked::<RevokeSignInSessions>(
        args(),
        &user(true, after)
    )));
    assert!(!happened(looked::<RevokeSignInSessions>(
        args(),
        &user(true, before)
    )));
    let password = json!({ "user_id": "u1", "password_profile": { "password": "x" } });
    assert!(!happened(looked::<UpdateUser>(
        password,
        &user(true, after)
    )));
}

#[test]
fn a_confirmed_risk_is_found_again_in_the_list_unless_the_list_goes_on() {
    let looked = |seen: Value| {
        looked::<ConfirmRiskyUsersCompromised>(json!({ "user_ids": ["u1", "u2"] }), &seen)
    };
    let both = json!({ "value": [{ "id": "u2" }, { "id": "u1" }] });
    assert!(matches!(looked(both), Outcome::Done { .. }));
    assert_eq!(
        looked(json!({ "value": [{ "id": "u2" }] })),
        Outcome::Nothing
    );
    let cut = json!({ "value": [{ "id": "u2" }], "@odata.nextLink": "x" });
    assert!(matches!(looked(cut), Outcome::Unclear { .. }));
}

#[test]
fn a_success_without_content_is_one() {
    let mut nothing = answer(204, &Value::Null).unwrap();
    nothing.body = Vec::new();
    let call = example_call::<DisableUser>();
    assert_eq!(
        done(run::<DisableUser>(&call, [Ok(nothing.clone())]).0),
        json!({})
    );
    let call = example_call::<RevokeSignInSessions>();
    let revoked = done(run::<RevokeSignInSessions>(&call, [Ok(nothing.clone())]).0);
    assert_eq!(revoked, json!({ "value": true }));
    let call = example_call::<UpdateSecureScoreControlProfile>();
    let profile = done(run::<UpdateSecureScoreControlProfile>(&call, [Ok(nothing)]).0);
    assert_eq!(profile["id"], "NonOwnerAccess");
}

#[test]
fn a_list_of_targets_names_as_many_as_there_are_different_ones() {
    let target = OperationAction::of::<ConfirmRiskyUsersCompromised>();
    let target = actions_contract::Action::info(&target)
        .target
        .clone()
        .unwrap();
    assert_eq!(target.named(&json!({ "user_ids": ["u1", "u1"] })), ["u1"]);
    assert_eq!(
        target.named(&json!({ "user_ids": ["u1", "u2"] })),
        ["u1", "u2"]
    );
    let target = OperationAction::of::<RemediateEmails>();
    let target = actions_contract::Action::info(&target)
        .target
        .clone()
        .unwrap();
    let message = |to: &str| json!({ "network_message_id": "m1", "recipient_email_address": to });
    assert_eq!(
        target.named(&json!({ "analyzed_emails": [message("a"), message("b")] })),
        ["m1"]
    );
}
