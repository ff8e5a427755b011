//! Advanced hunting: one query language, three services.

use std::sync::Arc;

use actions_contract::{
    Action, ActionError, ActionInfo, Api, BoxFuture, Call, Egress, Endpoint, Method, Next,
    Operation, OperationAction, Outcome, Permissions, Rate, Request, Response, json as body_of,
    read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::entities::{HuntingColumn, HuntingResult};
use crate::{LOOK, given};

const HUNTING_RATE: Rate = Rate {
    per_minute: Some(45),
    per_hour: None,
};

/// Runs a hunting query in Defender XDR.
///
/// Looks at 30 days and gives at most 100,000 rows; a query may take three minutes. The vendor
/// recommends `graph.run-hunting-query` in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunAdvancedHuntingQuery {
    /// The query.
    #[schemars(length(min = 1), extend("x-language" = "kql"))]
    pub query: String,
}

impl Operation for RunAdvancedHuntingQuery {
    type Output = HuntingResult;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.run-advanced-hunting-query",
        title: "Run a hunting query in Defender XDR",
        api: Api::Xdr,
        method: Method::Post,
        path: "/api/advancedhunting/run",
        permissions: Permissions {
            application: &["AdvancedHunting.Read.All"],
            delegated: &["AdvancedHunting.Read"],
        },
        rate: HUNTING_RATE,
        source: "https://learn.microsoft.com/defender-xdr/api-advanced-hunting",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            query: EXAMPLE_QUERY.to_owned(),
        }
    }

    fn example_output() -> HuntingResult {
        example(include_str!(
            "../fixtures/run-advanced-hunting-query.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[])
            .with_json(json!({ "Query": given("query", &self.query)? })))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        _: Option<HuntingResult>,
    ) -> Result<Next<HuntingResult>, ActionError> {
        rows(body_of(response)?).map(Next::Done)
    }
}

/// Runs a hunting query in Defender for Endpoint.
///
/// Knows the tables of devices only. Looks at 30 days and gives at most 100,000 rows or 124 MB; a
/// query may take 200 seconds, all queries of a tenant ten minutes an hour. The vendor recommends
/// `graph.run-hunting-query` in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunAdvancedQuery {
    /// The query.
    #[schemars(length(min = 1), extend("x-language" = "kql"))]
    pub query: String,
}

impl Operation for RunAdvancedQuery {
    type Output = HuntingResult;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.run-advanced-query",
        title: "Run a hunting query in Defender for Endpoint",
        method: Method::Post,
        path: "/api/advancedqueries/run",
        permissions: Permissions {
            application: &["AdvancedQuery.Read.All"],
            delegated: &["AdvancedQuery.Read"],
        },
        rate: Rate {
            per_minute: Some(45),
            per_hour: Some(1500),
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/run-advanced-query-api",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            query: EXAMPLE_QUERY.to_owned(),
        }
    }

    fn example_output() -> HuntingResult {
        example(include_str!("../fixtures/run-advanced-query.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[])
            .with_json(json!({ "Query": given("query", &self.query)? })))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        _: Option<HuntingResult>,
    ) -> Result<Next<HuntingResult>, ActionError> {
        rows(body_of(response)?).map(Next::Done)
    }
}

/// Runs a hunting query through Microsoft Graph.
///
/// Looks at 30 days unless `timespan` says otherwise, and gives at most 100,000 rows; a query may
/// take three minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunHuntingQuery {
    /// The query.
    #[schemars(length(min = 1), extend("x-language" = "kql"))]
    pub query: String,
    /// How far back to look: an ISO 8601 duration such as `P90D`, or an interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timespan: Option<String>,
}

impl Operation for RunHuntingQuery {
    type Output = HuntingResult;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.run-hunting-query",
        title: "Run a hunting query through Microsoft Graph",
        api: Api::Graph,
        method: Method::Post,
        path: "/v1.0/security/runHuntingQuery",
        permissions: Permissions {
            application: &["ThreatHunting.Read.All"],
            delegated: &["ThreatHunting.Read.All"],
        },
        rate: HUNTING_RATE,
        source: "https://learn.microsoft.com/graph/api/security-security-runhuntingquery",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            query: EXAMPLE_QUERY.to_owned(),
            timespan: Some("P90D".to_owned()),
        }
    }

    fn example_output() -> HuntingResult {
        example(include_str!("../fixtures/run-hunting-query.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let mut body = json!({ "Query": given("query", &self.query)? });
        if let Some(timespan) = &self.timespan {
            body["Timespan"] = json!(timespan);
        }
        Ok(Self::ENDPOINT.request(&[]).with_json(body))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        _: Option<HuntingResult>,
    ) -> Result<Next<HuntingResult>, ActionError> {
        rows(body_of(response)?).map(Next::Done)
    }
}

/// The service that `defender.run-hunting-query` asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HuntingApi {
    /// Defender XDR.
    #[default]
    Xdr,
    /// Defender for Endpoint.
    Mde,
    /// Microsoft Graph.
    Graph,
}

/// `defender.run-hunting-query`: the same query, the same rows, whichever service is configured.
pub struct HuntingAction {
    info: ActionInfo,
    chosen: Arc<dyn Action>,
}

impl HuntingAction {
    /// The action that asks `api`.
    #[must_use]
    pub fn new(api: HuntingApi) -> Self {
        let chosen: Arc<dyn Action> = match api {
            HuntingApi::Xdr => Arc::new(OperationAction::of::<RunAdvancedHuntingQuery>()),
            HuntingApi::Mde => Arc::new(OperationAction::of::<RunAdvancedQuery>()),
            HuntingApi::Graph => Arc::new(OperationAction::of::<RunHuntingQuery>()),
        };
        // The parameters are those that every service understands.
        let shared = ActionInfo::of::<RunAdvancedHuntingQuery>();
        let facts = chosen.info();
        let info = ActionInfo {
            id: "defender.run-hunting-query"
                .parse()
                .expect("it is `family.name`"),
            title: "Run a hunting query".to_owned(),
            description: format!(
                "Runs a hunting query in the service that the configuration names.\n\n\
                 Here it is `{}`. Looks at 30 days and gives at most 100,000 rows.",
                facts.id,
            ),
            parameters: shared.parameters,
            example: shared.example,
            ..facts.clone()
        };
        Self { info, chosen }
    }
}

impl Action for HuntingAction {
    fn info(&self) -> &ActionInfo {
        &self.info
    }

    fn call<'a>(&'a self, call: &'a Call, egress: &'a dyn Egress) -> BoxFuture<'a, Outcome> {
        self.chosen.call(call, egress)
    }
}

const EXAMPLE_QUERY: &str = "DeviceProcessEvents\n\
    | where InitiatingProcessFileName =~ \"powershell.exe\"\n\
    | project Timestamp, FileName, InitiatingProcessFileName\n\
    | limit 2";

/// Reads the rows; the three services differ in how they spell `schema` and `results`.
fn rows(answer: Value) -> Result<HuntingResult, ActionError> {
    let Value::Object(answer) = answer else {
        return Err(read::unreadable("expected an object"));
    };
    let mut columns = None;
    let mut rows = None;
    let mut stats = None;
    for (name, value) in answer {
        match (name.to_ascii_lowercase().as_str(), value) {
            ("schema", Value::Array(items)) => {
                columns = Some(items.into_iter().map(column).collect::<Result<_, _>>()?);
            }
            ("results", Value::Array(items)) => {
                rows = Some(items.into_iter().map(row).collect::<Result<_, _>>()?);
            }
            ("stats", Value::Object(given)) => stats = Some(given),
            _ => {}
        }
    }
    Ok(HuntingResult {
        schema: columns.ok_or_else(|| read::unreadable("expected a list at `Schema`"))?,
        rows: rows.ok_or_else(|| read::unreadable("expected a list at `Results`"))?,
        stats,
    })
}

fn column(item: Value) -> Result<HuntingColumn, ActionError> {
    let text = |key: &str| {
        let field = item.as_object().and_then(|fields| {
            fields
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(key))
                .map(|(_, value)| value)
        });
        field
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| read::unreadable(&format!("expected a text at `Schema[].{key}`")))
    };
    Ok(HuntingColumn {
        name: text("Name")?,
        kind: text("Type")?,
    })
}

fn row(item: Value) -> Result<Map<String, Value>, ActionError> {
    match item {
        Value::Object(mut row) => {
            row.retain(|name, _| !name.contains("@odata."));
            Ok(row)
        }
        _ => Err(read::unreadable("expected objects in `Results`")),
    }
}

fn example(text: &str) -> HuntingResult {
    let answer = serde_json::from_str(text).expect("documented examples are JSON");
    rows(answer).expect("documented examples have the documented shape")
}
