//! A machine in Azure or a GitHub job, as far as it tells who it is: IMDS, App Service, and the
//! token endpoint of a job. Strict about what the real ones are strict about.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::stage::{CLIENT, TENANT, jwt};

pub(crate) const IDENTITY_HEADER: &str = "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a";
pub(crate) const JOB_TOKEN: &str = "bearer-of-the-job";

/// Status, headers and body.
type Answer = (u16, Vec<(&'static str, String)>, String);

/// What the machine was asked and what it will answer.
#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) asked: Mutex<Vec<HashMap<String, String>>>,
    /// A good token once they are used up.
    pub(crate) replies: Mutex<VecDeque<Answer>>,
    /// Members that replace those of a good answer.
    pub(crate) fields: Mutex<Value>,
}

pub(crate) struct Running {
    pub(crate) machine: Arc<Machine>,
    pub(crate) origin: String,
    _server: JoinSet<()>,
}

impl Machine {
    pub(crate) async fn start() -> Running {
        let machine = Arc::new(Self::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&machine));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Running {
            machine,
            origin,
            _server: server,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(crate) fn next_reply(&self, status: u16, headers: &[(&'static str, &str)], body: &str) {
        let headers = headers
            .iter()
            .map(|(name, text)| (*name, (*text).to_owned()));
        let reply = (status, headers.collect(), body.to_owned());
        self.replies.lock().unwrap().push_back(reply);
    }

    fn token(&self, query: &HashMap<String, String>) -> Value {
        let claims = json!({
            "aud": query["resource"], "tid": TENANT, "appid": CLIENT,
            "uti": format!("mi-{}", self.count()),
        });
        // As IMDS does it, numbers are texts.
        let mut body = json!({
            "access_token": jwt(&claims), "token_type": "Bearer", "resource": query["resource"],
            "expires_in": "86399", "expires_on": "2000086399", "not_before": "1999999999",
        });
        if let (Value::Object(body), Value::Object(other)) =
            (&mut body, self.fields.lock().unwrap().clone())
        {
            body.extend(other);
            body.retain(|_, value| !value.is_null());
        }
        body
    }
}

async fn answer(
    State(machine): State<Arc<Machine>>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let header = |name: &str| {
        let value = headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default().to_owned()
    };
    let mut asked = query.clone();
    asked.insert("path".to_owned(), uri.path().to_owned());
    machine.asked.lock().unwrap().push(asked);
    if let Some((status, headers, body)) = machine.replies.lock().unwrap().pop_front() {
        let mut response = body.into_response();
        *response.status_mut() = status.try_into().unwrap();
        for (name, text) in headers {
            response.headers_mut().insert(name, text.parse().unwrap());
        }
        return response;
    }
    let version = query.get("api-version").map(String::as_str);
    let allowed = match uri.path() {
        "/metadata/identity/oauth2/token" => {
            header("metadata") == "true" && version == Some("2018-02-01")
        }
        "/msi/token" => {
            header("x-identity-header") == IDENTITY_HEADER && version == Some("2019-08-01")
        }
        "/job" => {
            let authorized = header("authorization") == format!("Bearer {JOB_TOKEN}");
            if !authorized {
                return StatusCode::UNAUTHORIZED.into_response();
            }
            let value = format!("job-{}-{}", query["audience"], machine.count());
            return axum::Json(json!({ "count": 1, "value": value })).into_response();
        }
        _ => false,
    };
    let proxied = headers.contains_key("x-forwarded-for") || headers.contains_key("via");
    if !allowed || proxied || !query.contains_key("resource") {
        let body = json!({ "error": "invalid_request", "error_description": "no" });
        return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
    }
    axum::Json(machine.token(&query)).into_response()
}
