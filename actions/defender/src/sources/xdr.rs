//! Incidents of Defender XDR.

use actions_contract::{ActionError, Api, MapError, Request, Response, Source, SourcePage};
use engine_model::{Alert, AlertSource, Device, Entity, TenantId, Timestamp};
use serde_json::Value;

use super::mde::{self, text, time, word};
use super::{list, object, paged, wrong};
use crate::incidents::ListIncidents;
use crate::lists::Collection;

/// What one request gives at the most.
const PAGE: usize = 100;

/// Incidents of Defender XDR, polled by the time of their last change. The entities are those of
/// all alerts of the incident.
#[derive(Clone, Copy, Debug, Default)]
pub struct XdrIncidents;

impl Source for XdrIncidents {
    fn source(&self) -> AlertSource {
        AlertSource::Xdr
    }

    fn api(&self) -> Option<Api> {
        Some(Api::Xdr)
    }

    fn poll(&self, watermark: Timestamp) -> Option<Request> {
        let request = ListIncidents::ENDPOINT
            .request(&[])
            .with_query("$filter", format!("lastUpdateTime ge {watermark}"))
            .with_query("$top", PAGE.to_string());
        Some(request)
    }

    fn page(&self, asked: &Request, response: &Response) -> Result<SourcePage, ActionError> {
        paged(ListIncidents::ENDPOINT.request(&[]), PAGE, asked, response)
    }

    fn map(&self, raw: Value, tenant: &TenantId) -> Result<Alert, MapError> {
        object(&raw)?;
        let id = match raw.get("incidentId") {
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::String(id)) if !id.is_empty() => id.clone(),
            _ => return Err(wrong("incidentId", "expected a number")),
        };
        let created_at = time(&raw, "createdTime")?
            .ok_or_else(|| wrong("createdTime", "expected a time, found nothing"))?;
        let alerts = list(&raw, "alerts");
        let evidence: Vec<Value> = alerts
            .iter()
            .flat_map(|alert| list(alert, "entities").iter().cloned())
            .collect();
        let devices = alerts.iter().flat_map(|alert| list(alert, "devices"));
        let devices: Vec<Device> = devices.filter_map(device).collect();
        let mut entities: Vec<Entity> = Vec::new();
        let of_devices = devices.iter().map(|device| Entity {
            kind: "device".to_owned(),
            device: Some(device.clone()),
            ..Entity::default()
        });
        // Several alerts of one incident name the same things.
        for entity in of_devices.chain(evidence.iter().filter_map(mde::entity)) {
            if !entities.contains(&entity) {
                entities.push(entity);
            }
        }
        Ok(Alert {
            tenant: tenant.clone(),
            source: AlertSource::Xdr,
            created_at,
            updated_at: time(&raw, "lastUpdateTime")?.unwrap_or(created_at),
            title: text(&raw, "incidentName").unwrap_or_else(|| id.clone()),
            severity: mde::severity(&raw),
            category: alerts.iter().find_map(|alert| text(alert, "category")),
            status: word(&raw, "status"),
            classification: word(&raw, "classification"),
            device: devices.into_iter().next(),
            user: entities.iter().find_map(|entity| entity.user.clone()),
            file: mde::file(&evidence),
            entities,
            id,
            raw,
        })
    }
}

fn device(item: &Value) -> Option<Device> {
    let device = Device {
        id: text(item, "mdatpDeviceId"),
        name: text(item, "deviceDnsName"),
        tags: Vec::new(),
    };
    (device.id.is_some() || device.name.is_some()).then_some(device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn documented(number: usize) -> Alert {
        let mut page: Value =
            serde_json::from_str(include_str!("../../fixtures/list-incidents.response.json"))
                .unwrap();
        let raw = page["value"][number].take();
        XdrIncidents.map(raw, &"default".parse().unwrap()).unwrap()
    }

    #[test]
    fn the_documented_incident_names_its_users_and_addresses() {
        let alert = documented(0);
        assert_eq!(
            (alert.id.as_str(), alert.severity.as_str()),
            ("924565", "medium")
        );
        assert_eq!(alert.category.as_deref(), Some("Impact"));
        let user = alert.user.unwrap();
        assert_eq!(user.upn.as_deref(), Some("testUser2@contoso.com"));
        let ips = alert
            .entities
            .iter()
            .filter_map(|entity| entity.ip.as_ref());
        assert!(ips.count() >= 1);
    }

    #[test]
    fn the_first_device_of_an_incident_is_its_device_and_all_are_entities() {
        let alert = documented(1);
        let device = alert.device.unwrap();
        assert_eq!(
            device.name.as_deref(),
            Some("user5cx.middleeast.corp.contoso.com")
        );
        assert_eq!(alert.entities[0].device.as_ref(), Some(&device));
    }

    #[test]
    fn an_incident_without_a_number_is_refused_by_name() {
        let map = |raw| XdrIncidents.map(raw, &"default".parse().unwrap());
        let error = map(json!({"createdTime": "2026-01-01T00:00:00Z"})).unwrap_err();
        assert_eq!(error.path, "incidentId");
        assert_eq!(
            map(json!({"incidentId": 1})).unwrap_err().path,
            "createdTime"
        );
    }
}
