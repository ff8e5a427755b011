//! The one door of these tests: requests in, status and JSON out.

use actions_contract::Api;
use actions_emulator::{Cut, Emulator, ManualClock, Options};
use axum::body::Body;
use engine_model::Millis;
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// 2026-01-01T00:00:00Z
pub(crate) const START_MS: i64 = 1_767_225_600_000;

/// An emulator with a clock that stands still, and a token for it.
pub(crate) struct Door {
    pub(crate) emulator: Emulator,
    pub(crate) clock: ManualClock,
    token: Option<String>,
}

/// What came back; no status when the connection was cut.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: Option<u16>,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The code of a refusal.
    pub(crate) fn code(&self) -> (u16, &str) {
        (
            self.status.unwrap_or(0),
            self.body["error"]["code"].as_str().unwrap_or("none"),
        )
    }

    /// A text of the body, by JSON pointer.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or("none")
    }

    /// The ids of a collection.
    pub(crate) fn ids(&self) -> Vec<&str> {
        let items = self.body["value"].as_array().expect("a collection");
        items
            .iter()
            .filter_map(|item| item["id"].as_str())
            .collect()
    }
}

impl Door {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// One second in `Pending`, two in `InProgress`.
    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::seeded(7);
        options.action_pending = Millis::from_ms(1000);
        options.action_running = Millis::from_ms(2000);
        change(&mut options);
        let clock = ManualClock::at(START_MS);
        let emulator = Emulator::with_clock(options, clock.clone());
        let door = Self {
            emulator,
            clock,
            token: None,
        };
        door.token_for(0, Api::Mde)
    }

    /// The door of tenant `number`, with a token for `api`.
    pub(crate) fn token_for(&self, number: usize, api: Api) -> Self {
        let tenant = &self.emulator.options().tenants[number].id;
        let token = self.emulator.issue_token(tenant, api);
        self.with_token(token)
    }

    /// The door of the first tenant, with a token of a person for `api`.
    pub(crate) fn user_token_for(&self, api: Api) -> Self {
        let tenant = &self.emulator.options().tenants[0].id;
        let token = self.emulator.issue_user_token(tenant, api);
        self.with_token(token)
    }

    pub(crate) fn with_token(&self, token: Option<String>) -> Self {
        Self {
            emulator: self.emulator.clone(),
            clock: self.clock.clone(),
            token,
        }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string());
        self.send_text(method, path, "application/json", body).await
    }

    pub(crate) async fn send_text(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Option<String>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("content-type", content_type);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = Body::from(body.unwrap_or_default());
        let router = self.emulator.router();
        let response = router.oneshot(request.body(body).unwrap()).await.unwrap();
        let cut = response.extensions().get::<Cut>().is_some();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: (!cut).then(|| parts.status.as_u16()),
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            bytes: bytes.to_vec(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    /// A list read with a filter.
    pub(crate) async fn filtered(&self, path: &str, filter: &str) -> Answer {
        self.get(&Self::with_query(path, &[("$filter", filter)]))
            .await
    }

    /// A path with query pairs, encoded.
    pub(crate) fn with_query<N: AsRef<str>, V: AsRef<str>>(path: &str, query: &[(N, V)]) -> String {
        let encode = |text: &str| -> String {
            let byte = |byte: u8| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            };
            text.bytes().map(byte).collect()
        };
        let pairs: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name.as_ref()), encode(value.as_ref())))
            .collect();
        if pairs.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", pairs.join("&"))
        }
    }

    pub(crate) async fn isolate(&self, machine: &str) -> Answer {
        let body = json!({ "Comment": "why [quell:mark-1]", "IsolationType": "Full" });
        self.post(&format!("/api/machines/{machine}/isolate"), body)
            .await
    }

    pub(crate) async fn hunt(&self, query: &str) -> Answer {
        self.post("/api/advancedqueries/run", json!({ "Query": query }))
            .await
    }

    /// The id of the device of the demo alert.
    pub(crate) fn victim(&self) -> String {
        self.emulator.demo_alert()["machineId"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}
