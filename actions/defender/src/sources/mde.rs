//! Alerts of Defender for Endpoint.

use actions_contract::{ActionError, Api, MapError, Request, Response, Source, SourcePage, read};
use engine_model::{Alert, AlertSource, Device, Entity, FileEntity, Ip, TenantId, Timestamp, User};
use serde_json::Value;

use super::{described, object, paged, wrong};
use crate::alerts::ListAlerts;
use crate::lists::Collection;

/// How many alerts one request asks for.
const PAGE: usize = 1000;

/// Alerts of Defender for Endpoint, polled by the time of their last change.
#[derive(Clone, Copy, Debug, Default)]
pub struct MdeAlerts;

impl Source for MdeAlerts {
    fn source(&self) -> AlertSource {
        AlertSource::Mde
    }

    fn api(&self) -> Option<Api> {
        Some(Api::Mde)
    }

    fn poll(&self, watermark: Timestamp) -> Option<Request> {
        let request = ListAlerts::ENDPOINT
            .request(&[])
            .with_query("$filter", format!("lastUpdateTime ge {watermark}"))
            .with_query("$expand", "evidence")
            .with_query("$top", PAGE.to_string());
        Some(request)
    }

    fn page(&self, asked: &Request, response: &Response) -> Result<SourcePage, ActionError> {
        paged(ListAlerts::ENDPOINT.request(&[]), PAGE, asked, response)
    }

    fn map(&self, raw: Value, tenant: &TenantId) -> Result<Alert, MapError> {
        object(&raw)?;
        let created_at = time(&raw, "alertCreationTime")?
            .ok_or_else(|| wrong("alertCreationTime", "expected a time, found nothing"))?;
        let id = required(&raw, "id")?;
        let tenant = match text(&raw, "aadTenantId") {
            Some(own) => directory(&own)
                .ok_or_else(|| wrong("aadTenantId", format!("expected a GUID, found `{own}`")))?,
            None => tenant.clone(),
        };
        let evidence = raw
            .get("evidence")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        Ok(Alert {
            tenant,
            source: AlertSource::Mde,
            created_at,
            updated_at: time(&raw, "lastUpdateTime")?.unwrap_or(created_at),
            title: text(&raw, "title").unwrap_or_else(|| id.clone()),
            severity: severity(&raw),
            category: text(&raw, "category"),
            status: word(&raw, "status"),
            classification: word(&raw, "classification"),
            device: device(&raw),
            user: user(&raw, evidence),
            file: file(evidence),
            entities: evidence.iter().filter_map(entity).collect(),
            id,
            raw,
        })
    }
}

/// The directory's GUID, in lower case: the same directory is the same tenant however it is
/// written, and nothing else is one.
pub(super) fn directory(text: &str) -> Option<TenantId> {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let hex = groups
        .iter()
        .all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let guid = hex && lengths == [8, 4, 4, 4, 12];
    guid.then(|| text.to_ascii_lowercase().parse().ok())
        .flatten()
}

pub(super) fn text(raw: &Value, field: &str) -> Option<String> {
    raw.get(field)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

pub(super) fn required(raw: &Value, field: &str) -> Result<String, MapError> {
    text(raw, field).ok_or_else(|| match raw.get(field) {
        Some(Value::String(_)) => wrong(field, "expected a text, found an empty one"),
        Some(other) => wrong(
            field,
            format!("expected a text, found {}", described(other)),
        ),
        None => wrong(field, "expected a text, found nothing"),
    })
}

pub(super) fn time(raw: &Value, field: &str) -> Result<Option<Timestamp>, MapError> {
    match raw.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text
            .parse()
            .map(Some)
            .map_err(|error| wrong(field, format!("{error}"))),
        Some(other) => Err(wrong(
            field,
            format!("expected a time, found {}", described(other)),
        )),
    }
}

/// An enumeration in the engine's spelling: `InProgress` is `in_progress`.
pub(super) fn word(raw: &Value, field: &str) -> Option<String> {
    text(raw, field).map(|word| read::our_name(&word))
}

pub(super) fn severity(raw: &Value) -> String {
    match word(raw, "severity") {
        Some(word) if word != "un_specified" => word,
        _ => "unspecified".to_owned(),
    }
}

fn device(raw: &Value) -> Option<Device> {
    let device = Device {
        id: text(raw, "machineId"),
        name: text(raw, "computerDnsName"),
        tags: Vec::new(),
    };
    (device.id.is_some() || device.name.is_some()).then_some(device)
}

/// The related user, completed by the evidence about the same account.
fn user(raw: &Value, evidence: &[Value]) -> Option<User> {
    let mut accounts = evidence.iter().filter(|item| is(item, "User")).map(account);
    let Some(related) = raw.get("relatedUser").filter(|related| related.is_object()) else {
        return accounts.next();
    };
    let (name, domain) = (text(related, "userName"), text(related, "domainName"));
    let same = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => false,
    };
    let known = accounts
        .find(|account| same(&account.name, &name) && same(&account.domain, &domain))
        .unwrap_or_default();
    let user = User {
        name,
        domain,
        ..known
    };
    (user != User::default()).then_some(user)
}

fn account(item: &Value) -> User {
    User {
        id: text(item, "aadUserId"),
        name: text(item, "accountName"),
        domain: text(item, "domainName"),
        upn: text(item, "userPrincipalName"),
        sid: text(item, "userSid"),
    }
}

/// The first file, else the file of the first process; and the hashes of all.
pub(super) fn file(evidence: &[Value]) -> Option<FileEntity> {
    let of_kind = |kind| evidence.iter().filter(move |item| is(item, kind));
    let first = of_kind("File").chain(of_kind("Process")).next()?;
    let mut hashes: Vec<String> = Vec::new();
    for hash in of_kind("File")
        .chain(of_kind("Process"))
        .filter_map(|item| hash(item, "sha256"))
    {
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
    Some(FileEntity {
        sha256_list: hashes,
        ..one_file(first)
    })
}

fn one_file(item: &Value) -> FileEntity {
    let sha256 = hash(item, "sha256");
    FileEntity {
        name: text(item, "fileName"),
        path: text(item, "filePath"),
        sha1: hash(item, "sha1"),
        sha256_list: sha256.iter().cloned().collect(),
        sha256,
    }
}

fn hash(item: &Value, field: &str) -> Option<String> {
    text(item, field).map(|hash| hash.to_ascii_lowercase())
}

fn is(item: &Value, kind: &str) -> bool {
    item.get("entityType")
        .and_then(Value::as_str)
        .is_some_and(|k| k.eq_ignore_ascii_case(kind))
}

/// A piece of evidence; of a kind that the engine has no word for, nothing, as `raw` keeps it.
pub(super) fn entity(item: &Value) -> Option<Entity> {
    let kind = text(item, "entityType")?.to_ascii_lowercase();
    let entity = Entity {
        kind: kind.clone(),
        ..Entity::default()
    };
    match kind.as_str() {
        "user" => Some(Entity {
            user: Some(account(item)),
            ..entity
        }),
        "file" => Some(Entity {
            file: Some(one_file(item)),
            ..entity
        }),
        "ip" => {
            let address = text(item, "ipAddress")?;
            Some(Entity {
                ip: Some(Ip { address }),
                ..entity
            })
        }
        "url" => Some(Entity {
            url: Some(text(item, "url")?),
            ..entity
        }),
        "registry" => Some(entity),
        "process" => Some(Entity {
            file: Some(one_file(item)),
            command_line: text(item, "processCommandLine"),
            parent: parent(item),
            ..entity
        }),
        _ => None,
    }
}

fn parent(item: &Value) -> Option<FileEntity> {
    let parent = FileEntity {
        name: text(item, "parentProcessFileName"),
        path: text(item, "parentProcessFilePath"),
        ..FileEntity::default()
    };
    (parent != FileEntity::default()).then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actions_contract::Method;
    use expect_test::expect_file;
    use serde_json::json;

    fn documented() -> Value {
        let mut page: Value = serde_json::from_str(include_str!(
            "../../fixtures/list-alerts.expand-evidence.response.json"
        ))
        .unwrap();
        page["value"][0].take()
    }

    fn map(raw: Value) -> Result<Alert, MapError> {
        MdeAlerts.map(raw, &"default".parse().unwrap())
    }

    fn answer(body: &Value) -> Response {
        let body = body.to_string().into_bytes();
        Response {
            status: 200,
            headers: Vec::new(),
            body,
            retry_after: None,
        }
    }

    #[test]
    fn the_documented_alert_becomes_an_alert() {
        let raw = documented();
        let mut alert = map(raw.clone()).unwrap();
        assert_eq!(alert.raw.take(), raw, "the vendor's JSON is kept untouched");
        let alert = serde_json::to_string_pretty(&alert).unwrap();
        expect_file!["../../fixtures/list-alerts.expand-evidence.alert.json"].assert_eq(&alert);
    }

    #[test]
    fn a_poll_asks_for_changes_since_the_watermark() {
        let at: Timestamp = "2026-10-24T12:00:00Z".parse().unwrap();
        let request = MdeAlerts.poll(at).unwrap();
        assert_eq!(
            (request.method, request.path.as_str()),
            (Method::Get, "/api/alerts")
        );
        let query: Vec<_> = request
            .query
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        assert_eq!(
            query,
            [
                "$filter=lastUpdateTime ge 2026-10-24T12:00:00.000Z",
                "$expand=evidence",
                "$top=1000"
            ]
        );
    }

    #[test]
    fn a_full_page_is_followed_by_the_next_and_a_short_one_is_the_last() {
        let first = MdeAlerts.poll(Timestamp::from_ms(0)).unwrap();
        let full = answer(&json!({ "value": vec![json!({}); PAGE] }));
        let second = MdeAlerts.page(&first, &full).unwrap().next.unwrap();
        assert!(second.query.contains(&("$skip".into(), "1000".to_owned())));
        let third = MdeAlerts.page(&second, &full).unwrap().next.unwrap();
        assert!(third.query.contains(&("$skip".into(), "2000".to_owned())));
        let short = answer(&json!({ "value": [{}] }));
        assert_eq!(MdeAlerts.page(&third, &short).unwrap().next, None);
    }

    #[test]
    fn a_link_to_another_path_is_not_followed() {
        let asked = MdeAlerts.poll(Timestamp::from_ms(0)).unwrap();
        let page = |link: &str| {
            MdeAlerts.page(
                &asked,
                &answer(&json!({ "value": [{}], "@odata.nextLink": link })),
            )
        };
        let next = page("https://evil.example/api/alerts?$skiptoken=x")
            .unwrap()
            .next
            .unwrap();
        assert_eq!(next.target, asked.target);
        assert_eq!(next.query, [("$skiptoken".into(), "x".to_owned())]);
        assert!(page("https://api.security.microsoft.com/api/machines").is_err());
    }

    #[test]
    fn an_alert_that_cannot_be_identified_is_refused_by_field() {
        for (field, value, said) in [
            ("id", Value::Null, "expected a text, found null at `id`"),
            ("id", json!(7), "expected a text, found a number at `id`"),
            (
                "id",
                json!(""),
                "expected a text, found an empty one at `id`",
            ),
            (
                "alertCreationTime",
                Value::Null,
                "found nothing at `alertCreationTime`",
            ),
            (
                "alertCreationTime",
                json!("soon"),
                "found `soon` at `alertCreationTime`",
            ),
            (
                "lastUpdateTime",
                json!(5),
                "found a number at `lastUpdateTime`",
            ),
            ("aadTenantId", json!("../x"), "at `aadTenantId`"),
            ("aadTenantId", json!("default"), "at `aadTenantId`"),
        ] {
            let mut raw = documented();
            raw[field] = value;
            let error = map(raw).unwrap_err().to_string();
            assert!(error.contains(said), "{field}: {error}");
        }
    }

    #[test]
    fn oddities_elsewhere_lose_nothing_but_themselves() {
        let mut raw = documented();
        raw["evidence"] = json!([7, { "entityType": "Teapot" }, { "entityType": "Ip" },
            { "entityType": "ip", "ipAddress": "10.1.2.3" }]);
        raw["relatedUser"] = json!("DOMAIN\\temp123");
        raw["severity"] = json!("UnSpecified");
        raw["aadTenantId"] = Value::Null;
        let alert = map(raw).unwrap();
        assert_eq!(alert.severity, "unspecified");
        assert_eq!(alert.tenant.as_str(), "default");
        assert_eq!(alert.user, None);
        let kinds: Vec<_> = alert.entities.iter().map(|e| e.kind.as_str()).collect();
        assert_eq!(kinds, ["ip"]);
    }

    #[test]
    fn files_give_their_hashes_once() {
        let hash = "AA".repeat(32);
        let mut raw = documented();
        raw["evidence"] = json!([
            { "entityType": "Process", "fileName": "p.exe", "sha256": hash },
            { "entityType": "File", "fileName": "f.dll", "sha256": hash.to_lowercase() },
        ]);
        let file = map(raw).unwrap().file.unwrap();
        assert_eq!(file.name.as_deref(), Some("f.dll"));
        assert_eq!(file.sha256_list, [hash.to_lowercase()]);
    }
}
