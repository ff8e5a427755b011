//! Alerts and incidents of Microsoft Graph security.

use actions_contract::{ActionError, Api, MapError, Request, Response, Source, SourcePage};
use engine_model::{Alert, AlertSource, Device, Entity, FileEntity, Ip, TenantId, Timestamp, User};
use serde_json::Value;

use super::mde::{directory, required, text, time, word};
use super::{list, object, paged, wrong};
use crate::graph::alerts::ListSecurityAlerts;
use crate::graph::incidents::ListSecurityIncidents;
use crate::lists::Collection;

/// What one request asks for.
const ALERTS_PAGE: usize = 500;
/// The same of incidents, each with its alerts.
const INCIDENTS_PAGE: usize = 50;

/// Alerts of Microsoft Graph security, polled by the time of their last change.
#[derive(Clone, Copy, Debug, Default)]
pub struct GraphAlerts;

impl Source for GraphAlerts {
    fn source(&self) -> AlertSource {
        AlertSource::GraphAlerts
    }

    fn api(&self) -> Option<Api> {
        Some(Api::Graph)
    }

    fn poll(&self, watermark: Timestamp) -> Option<Request> {
        let request = ListSecurityAlerts::ENDPOINT
            .request(&[])
            .with_query("$filter", format!("lastUpdateDateTime ge {watermark}"))
            .with_query("$top", ALERTS_PAGE.to_string());
        Some(request)
    }

    fn page(&self, asked: &Request, response: &Response) -> Result<SourcePage, ActionError> {
        let first = ListSecurityAlerts::ENDPOINT.request(&[]);
        paged(first, ALERTS_PAGE, asked, response)
    }

    fn map(&self, raw: Value, tenant: &TenantId) -> Result<Alert, MapError> {
        object(&raw)?;
        let entities = evidence(list(&raw, "evidence").iter());
        let category = text(&raw, "category");
        of(
            raw,
            tenant,
            (AlertSource::GraphAlerts, "title"),
            Found { category, entities },
        )
    }
}

/// Incidents of Microsoft Graph security, with the entities of all their alerts.
#[derive(Clone, Copy, Debug, Default)]
pub struct GraphIncidents;

impl Source for GraphIncidents {
    fn source(&self) -> AlertSource {
        AlertSource::GraphIncidents
    }

    fn api(&self) -> Option<Api> {
        Some(Api::Graph)
    }

    fn poll(&self, watermark: Timestamp) -> Option<Request> {
        let request = ListSecurityIncidents::ENDPOINT
            .request(&[])
            .with_query("$filter", format!("lastUpdateDateTime ge {watermark}"))
            .with_query("$expand", "alerts")
            .with_query("$top", INCIDENTS_PAGE.to_string());
        Some(request)
    }

    fn page(&self, asked: &Request, response: &Response) -> Result<SourcePage, ActionError> {
        let first = ListSecurityIncidents::ENDPOINT.request(&[]);
        paged(first, INCIDENTS_PAGE, asked, response)
    }

    fn map(&self, raw: Value, tenant: &TenantId) -> Result<Alert, MapError> {
        object(&raw)?;
        let alerts = list(&raw, "alerts");
        let entities = evidence(alerts.iter().flat_map(|alert| list(alert, "evidence")));
        let category = alerts.iter().find_map(|alert| text(alert, "category"));
        let as_what = (AlertSource::GraphIncidents, "displayName");
        of(raw, tenant, as_what, Found { category, entities })
    }
}

/// What was found in an alert, or in all alerts of an incident.
struct Found {
    category: Option<String>,
    entities: Vec<Entity>,
}

fn of(
    raw: Value,
    tenant: &TenantId,
    (source, title): (AlertSource, &str),
    found: Found,
) -> Result<Alert, MapError> {
    let id = required(&raw, "id")?;
    let created_at = time(&raw, "createdDateTime")?
        .ok_or_else(|| wrong("createdDateTime", "expected a time, found nothing"))?;
    let tenant = match text(&raw, "tenantId") {
        Some(own) => directory(&own)
            .ok_or_else(|| wrong("tenantId", format!("expected a GUID, found `{own}`")))?,
        None => tenant.clone(),
    };
    let Found { category, entities } = found;
    let files: Vec<&FileEntity> = entities
        .iter()
        .filter_map(|one| one.file.as_ref())
        .collect();
    let mut hashes: Vec<String> = files
        .iter()
        .filter_map(|file| file.sha256.clone())
        .collect();
    hashes.dedup();
    let file = files.first().map(|first| FileEntity {
        sha256_list: hashes,
        ..(*first).clone()
    });
    Ok(Alert {
        tenant,
        source,
        created_at,
        updated_at: time(&raw, "lastUpdateDateTime")?.unwrap_or(created_at),
        title: text(&raw, title).unwrap_or_else(|| id.clone()),
        severity: match word(&raw, "severity").as_deref() {
            Some(known @ ("informational" | "low" | "medium" | "high")) => known.to_owned(),
            _ => "unspecified".to_owned(),
        },
        category,
        status: word(&raw, "status"),
        classification: word(&raw, "classification"),
        device: entities.iter().find_map(|entity| entity.device.clone()),
        user: entities.iter().find_map(|entity| entity.user.clone()),
        file,
        entities,
        id,
        raw,
    })
}

/// The things that evidence names, each once.
fn evidence<'v>(items: impl Iterator<Item = &'v Value>) -> Vec<Entity> {
    let mut entities: Vec<Entity> = Vec::new();
    for entity in items.filter_map(entity) {
        if !entities.contains(&entity) {
            entities.push(entity);
        }
    }
    entities
}

/// A piece of evidence; of a kind that the engine has no word for, nothing, as `raw` keeps it.
fn entity(item: &Value) -> Option<Entity> {
    let kind = text(item, "@odata.type")?;
    let kind = kind.rsplit('.').next()?.strip_suffix("Evidence")?;
    let named = |kind: &str| Entity {
        kind: kind.to_owned(),
        ..Entity::default()
    };
    match kind {
        "device" => Some(Entity {
            device: Some(Device {
                id: text(item, "mdeDeviceId"),
                name: text(item, "deviceDnsName"),
                tags: list(item, "tags")
                    .iter()
                    .filter_map(|tag| tag.as_str().map(str::to_owned))
                    .collect(),
            }),
            ..named("device")
        }),
        "user" => Some(Entity {
            user: account(item.get("userAccount")?),
            ..named("user")
        }),
        "mailbox" | "analyzedMessage" => Some(Entity {
            user: recipient(item),
            ..named("mail")
        }),
        "file" => Some(Entity {
            file: file(item.get("fileDetails")?),
            ..named("file")
        }),
        "process" => Some(Entity {
            file: item.get("imageFile").and_then(file),
            command_line: text(item, "processCommandLine"),
            parent: item.get("parentProcessImageFile").and_then(file),
            user: item.get("userAccount").and_then(account),
            ..named("process")
        }),
        "ip" => Some(Entity {
            ip: Some(Ip {
                address: text(item, "ipAddress")?,
            }),
            ..named("ip")
        }),
        "url" => Some(Entity {
            url: Some(text(item, "url")?),
            ..named("url")
        }),
        "registryKey" | "registryValue" => Some(named("registry")),
        _ => None,
    }
}

/// Whose mailbox it is, or who got the mail.
fn recipient(item: &Value) -> Option<User> {
    let known = item
        .get("userAccount")
        .and_then(account)
        .unwrap_or_default();
    let address = text(item, "primaryAddress").or_else(|| text(item, "recipientEmailAddress"));
    let user = User {
        upn: address.or(known.upn),
        name: text(item, "displayName").or(known.name),
        ..known
    };
    (user != User::default()).then_some(user)
}

fn account(item: &Value) -> Option<User> {
    let user = User {
        id: text(item, "azureAdUserId"),
        name: text(item, "accountName"),
        domain: text(item, "domainName"),
        upn: text(item, "userPrincipalName"),
        sid: text(item, "userSid"),
    };
    (user != User::default()).then_some(user)
}

fn file(item: &Value) -> Option<FileEntity> {
    let hash = |field| text(item, field).map(|hash| hash.to_ascii_lowercase());
    let sha256 = hash("sha256");
    let file = FileEntity {
        name: text(item, "fileName"),
        path: text(item, "filePath"),
        sha1: hash("sha1"),
        sha256_list: sha256.iter().cloned().collect(),
        sha256,
    };
    (file != FileEntity::default()).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(source: &dyn Source, raw: Value) -> Alert {
        source.map(raw, &"default".parse().unwrap()).unwrap()
    }

    fn first(text: &str) -> Value {
        let mut page: Value = serde_json::from_str(text).unwrap();
        page["value"][0].take()
    }

    #[test]
    fn the_documented_alert_names_device_process_and_file() {
        let raw = first(include_str!(
            "../../fixtures/list-security-alerts.response.json"
        ));
        let alert = map(&GraphAlerts, raw.clone());
        assert_eq!(alert.raw, raw, "the vendor's JSON is kept untouched");
        assert_eq!(
            alert.tenant.as_str(),
            "b3c1b5fc-828c-45fa-a1e1-10d74f6d6e9c"
        );
        assert_eq!(
            (alert.severity.as_str(), alert.status.as_deref()),
            ("low", Some("new"))
        );
        let device = alert.device.unwrap();
        let id = "73e7e2de709dff64ef64b1d0c30e67fab63279db";
        assert_eq!(
            (device.id.as_deref(), device.name.as_deref()),
            (Some(id), Some("tempDns"))
        );
        assert_eq!(device.tags, ["Test Machine"]);
        let kinds: Vec<&str> = alert.entities.iter().map(|one| one.kind.as_str()).collect();
        assert_eq!(kinds, ["device", "file", "process", "registry"]);
        let process = &alert.entities[2];
        assert_eq!(process.command_line.as_deref(), Some("\"MsSense.exe\""));
        let parent = process.parent.as_ref().unwrap();
        assert_eq!(parent.name.as_deref(), Some("services.exe"));
        assert_eq!(alert.file.unwrap().sha256_list.len(), 1);
        assert_eq!(alert.user.unwrap().name.as_deref(), Some("SYSTEM"));
    }

    #[test]
    fn the_documented_incident_has_the_entities_of_its_alerts() {
        let raw = first(include_str!(
            "../../fixtures/list-security-incidents.expand-alerts.response.json"
        ));
        let named: usize = list(&raw, "alerts")
            .iter()
            .map(|alert| list(alert, "evidence").len())
            .sum();
        let alert = map(&GraphIncidents, raw);
        assert_eq!(alert.source, AlertSource::GraphIncidents);
        assert!(
            named > 0 && !alert.entities.is_empty(),
            "{named} pieces of evidence"
        );
        assert!(alert.entities.len() <= named);
        assert!(alert.category.is_some());
    }

    #[test]
    fn a_poll_asks_for_changes_since_the_watermark_and_follows_links() {
        let at: Timestamp = "2026-10-24T12:00:00Z".parse().unwrap();
        let asked = GraphIncidents.poll(at).unwrap();
        assert!(
            asked
                .query
                .contains(&("$expand".into(), "alerts".to_owned()))
        );
        let since = "lastUpdateDateTime ge 2026-10-24T12:00:00.000Z";
        assert!(asked.query.contains(&("$filter".into(), since.to_owned())));
        let answer = |body: Value| Response {
            status: 200,
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
            retry_after: None,
        };
        let last = GraphIncidents
            .page(&asked, &answer(json!({"value": [{}]})))
            .unwrap();
        assert!(last.next.is_none() && last.alerts.len() == 1);
        let many = vec![json!({}); INCIDENTS_PAGE];
        let more = GraphIncidents
            .page(&asked, &answer(json!({ "value": many })))
            .unwrap();
        let next = more.next.unwrap();
        assert!(
            next.query
                .contains(&("$skip".into(), INCIDENTS_PAGE.to_string()))
        );
    }
}
