//! Risks, mail and posture.

use serde_json::{Value, json};

use super::made::{DAY_MS, at, display_name, location};
use crate::world::World;
use crate::world::machine::Machine;

pub(super) fn risky_user(world: &World, machine: &Machine) -> Value {
    json!({
        "id": machine.user.object_id,
        "isDeleted": false,
        "isProcessing": false,
        "riskLevel": "medium",
        "riskState": "atRisk",
        "riskDetail": "none",
        "riskLastUpdatedDateTime": at(world, 120_000),
        "userDisplayName": display_name(machine),
        "userPrincipalName": machine.user.principal,
    })
}

pub(super) fn risk_detection(world: &World, machine: &Machine) -> Value {
    let user = &machine.user;
    json!({
        "id": world.seed.hex("risk detection", 0, 64),
        "requestId": world.seed.guid("risk request", 0),
        "correlationId": world.seed.guid("risk correlation", 0),
        "riskEventType": "unfamiliarFeatures",
        "riskState": "atRisk",
        "riskLevel": "medium",
        "riskDetail": "none",
        "source": "IdentityProtection",
        "detectionTimingType": "realtime",
        "activity": "signin",
        "tokenIssuerType": "AzureAD",
        "ipAddress": world.scenario.far_ip,
        "location": location("Amsterdam", "NL"),
        "activityDateTime": at(world, 140_000),
        "detectedDateTime": at(world, 120_000),
        "lastUpdatedDateTime": at(world, 120_000),
        "userId": user.object_id,
        "userDisplayName": display_name(machine),
        "userPrincipalName": user.principal,
        "additionalInfo": "[{\"Key\":\"userAgent\",\"Value\":\"Mozilla/5.0\"}]",
    })
}

pub(super) fn risk_change(world: &World, machine: &Machine) -> Value {
    let mut change = risky_user(world, machine);
    change["id"] = json!(format!("{}-1", machine.user.object_id));
    change["userId"] = json!(machine.user.object_id);
    change["initiatedBy"] = Value::Null;
    change["activity"] = json!({ "detail": null, "riskEventTypes": ["unfamiliarFeatures"] });
    change
}

fn network_message_id(world: &World) -> String {
    world.seed.guid("network message", 0)
}

pub(super) fn analyzed_email(world: &World, machine: &Machine) -> Value {
    let message = network_message_id(world);
    json!({
        "id": format!("{message}-1311265001240363512-1"),
        "networkMessageId": message,
        "internetMessageId": format!("<{}@{}>", &message[..8], world.scenario.far_name),
        "loggedDateTime": at(world, 200_000),
        "recipientEmailAddress": machine.user.principal,
        "senderDetail": {
            "fromAddress": format!("billing@{}", world.scenario.far_name),
            "mailFromAddress": format!("bounce@{}", world.scenario.far_name),
            "domainName": world.scenario.far_name,
            "ipv4": world.scenario.far_ip,
        },
        "returnPath": format!("bounce@{}", world.scenario.far_name),
        "subject": "Invoice 4711 is overdue",
        "language": "en",
        "sizeInBytes": 48_211,
        "directionality": "inbound",
        "originalDelivery": { "action": "delivered", "location": "inbox", "latestThreats": null },
        "latestDelivery": { "action": "delivered", "location": "inbox", "latestThreats": "phish" },
        "threatTypes": ["phish"],
        "detectionMethods": ["URL detonation"],
        "alertIds": [world.demo_alert_id],
        "attachments": [],
        "urls": [{ "url": format!("https://{}/login", world.scenario.far_name) }],
        "timelineEvents": [],
    })
}

pub(super) fn message(world: &World, machine: &Machine) -> Value {
    let from = json!({
        "emailAddress": {
            "name": "Billing",
            "address": format!("billing@{}", world.scenario.far_name),
        },
    });
    let to = json!({
        "emailAddress": { "name": display_name(machine), "address": machine.user.principal },
    });
    let id = network_message_id(world);
    json!({
        "id": format!("AAMk{}", world.seed.hex("message", 0, 40)),
        "createdDateTime": at(world, 200_000),
        "lastModifiedDateTime": at(world, 199_000),
        "changeKey": world.seed.hex("change key", 0, 16),
        "categories": [],
        "receivedDateTime": at(world, 200_000),
        "sentDateTime": at(world, 203_000),
        "hasAttachments": false,
        "internetMessageId": format!("<{}@{}>", &id[..8], world.scenario.far_name),
        "subject": "Invoice 4711 is overdue",
        "bodyPreview": "Please sign in to see your invoice.",
        "importance": "normal",
        "parentFolderId": "inbox",
        "conversationId": world.seed.hex("conversation", 0, 32),
        "isDeliveryReceiptRequested": false,
        "isReadReceiptRequested": false,
        "isRead": true,
        "isDraft": false,
        "webLink": "https://outlook.office365.com/owa/?ItemID=AAMk",
        "inferenceClassification": "focused",
        "body": { "contentType": "html", "content": "<p>Please sign in to see your invoice.</p>" },
        "sender": from,
        "from": from,
        "toRecipients": [to],
        "ccRecipients": [],
        "bccRecipients": [],
        "replyTo": [],
        "flag": { "flagStatus": "notFlagged" },
        "_owner": machine.user.object_id,
    })
}

pub(super) fn inbox_rule(world: &World, machine: &Machine) -> Value {
    json!({
        "id": format!("AQAAA{}=", world.seed.hex("inbox rule", 0, 6)),
        "displayName": ".",
        "sequence": 1,
        "isEnabled": true,
        "hasError": false,
        "isReadOnly": false,
        "conditions": { "subjectContains": ["invoice", "payment"] },
        "actions": {
            "stopProcessingRules": true,
            "forwardTo": [{
                "emailAddress": {
                    "name": "collect",
                    "address": format!("collect@{}", world.scenario.far_name),
                },
            }],
        },
        "_owner": machine.user.object_id,
    })
}

pub(super) fn service_principal(world: &World) -> Value {
    json!({
        "id": world.seed.guid("service principal", 0),
        "displayName": "Mail archiver",
        "accountEnabled": true,
    })
}

pub(super) fn risky_principal(world: &World) -> Value {
    json!({
        "id": world.seed.guid("service principal", 0),
        "appId": world.seed.guid("application", 0),
        "displayName": "Mail archiver",
        "servicePrincipalType": "Application",
        "isEnabled": true,
        "isProcessing": false,
        "riskLevel": "medium",
        "riskState": "atRisk",
        "riskDetail": "none",
        "riskLastUpdatedDateTime": at(world, 3_600_000),
    })
}

pub(super) fn score(world: &World) -> Value {
    json!({
        "id": format!("{}_{}", world.tenant, &at(world, DAY_MS)[..10]),
        "azureTenantId": world.tenant,
        "activeUserCount": world.fleet().len(),
        "createdDateTime": at(world, DAY_MS),
        "currentScore": 387.0,
        "enabledServices": ["HasExchange", "HasInTune"],
        "licensedUserCount": world.fleet().len(),
        "maxScore": 697.0,
        "averageComparativeScores": [{ "basis": "AllTenants", "averageScore": 37.0 }],
        "controlScores": [{
            "controlCategory": "Identity",
            "controlName": "AdminMFAV2",
            "description": "Administrators prove who they are with a second factor.",
            "score": 10.0,
        }],
        "vendorInformation": vendor(),
    })
}

fn vendor() -> Value {
    json!({
        "provider": "SecureScore",
        "providerVersion": null,
        "subProvider": null,
        "vendor": "Microsoft",
    })
}

pub(super) fn control(world: &World) -> Value {
    json!({
        "id": "AdminMFAV2",
        "azureTenantId": world.tenant,
        "actionType": "Config",
        "actionUrl": "https://security.microsoft.com/securescore",
        "controlCategory": "Identity",
        "title": "Administrators sign in with a second factor",
        "deprecated": false,
        "implementationCost": "Low",
        "lastModifiedDateTime": null,
        "maxScore": 10.0,
        "rank": 1,
        "remediation": "Demand a second factor of every administrator.",
        "remediationImpact": "Administrators need a second factor.",
        "service": "AzureAD",
        "threats": ["Account Breach"],
        "tier": "Core",
        "userImpact": "Low",
        "complianceInformation": [],
        "controlStateUpdates": [],
        "vendorInformation": vendor(),
    })
}

pub(super) fn rule(world: &World) -> Value {
    json!({
        "id": "1001",
        "displayName": "Encoded PowerShell",
        "isEnabled": true,
        "createdBy": format!("soc@{}", world.domain),
        "createdDateTime": at(world, 30 * DAY_MS),
        "lastModifiedBy": format!("soc@{}", world.domain),
        "lastModifiedDateTime": at(world, 30 * DAY_MS),
        "detectorId": world.seed.guid("rule detector", 0),
        "queryCondition": {
            "queryText": "DeviceProcessEvents | where ProcessCommandLine has '-enc'",
            "lastModifiedDateTime": at(world, 30 * DAY_MS),
        },
        "schedule": { "period": "24H", "nextRunDateTime": at(world, -DAY_MS) },
        "lastRunDetails": null,
        "detectionAction": {
            "alertTemplate": {
                "title": "Encoded PowerShell",
                "description": null,
                "severity": "medium",
                "category": "Execution",
                "recommendedActions": null,
                "mitreTechniques": ["T1059.001"],
                "impactedAssets": [],
            },
            "organizationalScope": null,
            "responseActions": [],
        },
    })
}
