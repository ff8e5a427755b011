//! A directory with one person in it, strict about refresh tokens, and a broker for that person.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use actions_contract::{Egress as _, EgressError, Method, Response};
use axum::extract::State;
use axum::response::IntoResponse as _;
use engine_broker::{Broker, Clock, Config, Surroundings, TokenEventKind};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::stage::{CLIENT, HandClock, Reply, TENANT, api_request, call, jwt};

pub(crate) const PERSON: &str = "55555555-5555-5555-5555-555555555555";
pub(crate) const NAME: &str = "analyst@contoso.example";
pub(crate) const PASSWORD: &str = "pa55word~of the person";

type Form = HashMap<String, String>;

/// What the directory knows and was asked.
#[derive(Default)]
pub(crate) struct Directory {
    pub(crate) forms: Mutex<Vec<Form>>,
    pub(crate) replies: Mutex<VecDeque<Reply>>,
    /// The one refresh token that is good; none once the family is revoked.
    pub(crate) current: Mutex<Option<String>>,
    pub(crate) spent: Mutex<HashSet<String>>,
    /// Whether a refresh token is replaced when it is used.
    pub(crate) keeps: Mutex<bool>,
    /// The nonce of the last authorization.
    pub(crate) nonce: Mutex<String>,
    pub(crate) identity: Mutex<Value>,
    pub(crate) bearers: Mutex<Vec<String>>,
    issued: Mutex<usize>,
}

async fn serve(
    State(directory): State<Arc<Directory>>,
    request: axum::extract::Request,
) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let form: Form = oauth2::url::form_urlencoded::parse(&body)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let path = parts.uri.path();
    let reply = if path == format!("/{TENANT}/oauth2/v2.0/token") {
        directory.token(form)
    } else if path == format!("/{TENANT}/oauth2/v2.0/devicecode") {
        directory.forms.lock().unwrap().push(form);
        let start = json!({
            "device_code": "device-code-of-the-person", "user_code": "ABCD-EFGH",
            "verification_uri": "https://login.example/device", "expires_in": 900, "interval": 1,
            "message": "go there",
        });
        Reply::new(200, start.to_string())
    } else {
        let bearer = parts.headers["authorization"].to_str().unwrap().to_owned();
        directory.bearers.lock().unwrap().push(bearer);
        Reply::new(200, "{}")
    };
    tokio::time::sleep(reply.after).await;
    let mut response = reply.body.into_response();
    *response.status_mut() = reply.status.try_into().unwrap();
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

impl Directory {
    fn token(&self, form: Form) -> Reply {
        self.forms.lock().unwrap().push(form.clone());
        if let Some(reply) = self.replies.lock().unwrap().pop_front() {
            return reply;
        }
        let revoked = || refusal(400, "invalid_grant", 70_000);
        if form["grant_type"] == "refresh_token" {
            let shown = &form["refresh_token"];
            let mut current = self.current.lock().unwrap();
            if current.as_ref() != Some(shown) {
                if self.spent.lock().unwrap().contains(shown) {
                    *current = None;
                }
                return revoked();
            }
        }
        Reply::new(200, self.answer(&form).to_string())
    }

    fn answer(&self, form: &Form) -> Value {
        let mut issued = self.issued.lock().unwrap();
        *issued += 1;
        let scope = form.get("scope").map_or("", String::as_str);
        let resource = scope.split(' ').next().unwrap().rsplit_once('/');
        let resource = resource.map_or("https://api.securitycenter.microsoft.com", |pair| pair.0);
        let token = jwt(&json!({
            "aud": resource, "tid": TENANT, "appid": CLIENT, "oid": PERSON,
            "uti": format!("person-{issued}"),
        }));
        let mut identity = json!({
            "aud": CLIENT, "tid": TENANT, "oid": PERSON, "preferred_username": NAME,
            "nonce": *self.nonce.lock().unwrap(),
        });
        if let (Value::Object(identity), Value::Object(other)) =
            (&mut identity, self.identity.lock().unwrap().clone())
        {
            identity.extend(other);
        }
        let mut body = json!({
            "token_type": "Bearer", "expires_in": 3600, "access_token": token,
            "id_token": jwt(&identity),
        });
        let is_refresh = form["grant_type"] == "refresh_token";
        if !(is_refresh && *self.keeps.lock().unwrap()) && scope.contains("offline_access")
            || form["grant_type"].contains("device_code")
        {
            let next = format!("refresh-token-number-{issued}-of-the-person");
            let before = self.current.lock().unwrap().replace(next.clone());
            self.spent.lock().unwrap().extend(before);
            body["refresh_token"] = json!(next);
        }
        body
    }

    pub(crate) fn next_reply(&self, reply: Reply) {
        self.replies.lock().unwrap().push_back(reply);
    }

    pub(crate) fn count(&self, grant: &str) -> usize {
        let forms = self.forms.lock().unwrap();
        let grants = forms.iter().filter_map(|form| form.get("grant_type"));
        grants.filter(|given| given.contains(grant)).count()
    }

    pub(crate) fn last(&self) -> Form {
        self.forms.lock().unwrap().last().unwrap().clone()
    }
}

pub(crate) fn refusal(status: u16, error: &str, number: u32) -> Reply {
    crate::stage::refusal(status, error, number)
}

pub(crate) struct PeopleStage {
    pub(crate) directory: Arc<Directory>,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) config: Value,
    pub(crate) broker: Arc<Broker>,
    pub(crate) kinds: Arc<Mutex<Vec<TokenEventKind>>>,
    _server: JoinSet<()>,
}

impl PeopleStage {
    /// A stage with one connection, whose keys `change` replaces.
    pub(crate) async fn new(change: Value) -> Self {
        let directory = Arc::new(Directory::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new()
            .fallback(serve)
            .with_state(Arc::clone(&directory));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let mut connection = json!({
            "context": "user", "tenant": TENANT, "client_id": CLIENT, "authority": origin,
            "limits": "off",
            "apis": ["mde", "xdr"], "base_urls": { "mde": origin, "xdr": origin },
            "scopes": { "mde": ["Machine.Isolate", "Alert.ReadWrite"] },
            "sign_in": { "type": "device_code" },
        });
        let object = connection.as_object_mut().unwrap();
        object.extend(change.as_object().unwrap().clone());
        let config = json!({ "connections": { "analyst": connection } });
        let clock = Arc::new(HandClock::default());
        let kinds = Arc::default();
        let broker = broker(&config, &clock, &kinds);
        Self {
            directory,
            clock,
            config,
            broker,
            kinds,
            _server: server,
        }
    }

    /// Another process with the same configuration.
    pub(crate) fn another(&self) -> Arc<Broker> {
        broker(&self.config, &self.clock, &self.kinds)
    }

    pub(crate) async fn get(&self) -> Result<Response, EgressError> {
        get(&self.broker).await
    }

    pub(crate) async fn code(&self) -> String {
        self.get().await.unwrap_err().error.code.into_owned()
    }
}

pub(crate) async fn get(broker: &Broker) -> Result<Response, EgressError> {
    broker
        .send(&call(), api_request(Method::Get, "/api/machines"))
        .await
}

/// A broker with that configuration, alone in its process.
pub(crate) fn broker_of(config: &Value) -> Arc<Broker> {
    broker(config, &Arc::default(), &Arc::default())
}

fn broker(
    config: &Value,
    clock: &Arc<HandClock>,
    kinds: &Arc<Mutex<Vec<TokenEventKind>>>,
) -> Arc<Broker> {
    let kinds = Arc::clone(kinds);
    let surroundings = Surroundings {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        environment: Arc::new(|name| match name {
            "PERSON_PASSWORD" => Some(PASSWORD.to_owned()),
            "RT_KEY" => Some("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n".to_owned()),
            "RT_OTHER_KEY" => Some("x".repeat(32)),
            "APP_SECRET" => Some(crate::stage::SECRET.to_owned()),
            _ => None,
        }),
        chance: Arc::new(|| 1.0),
        observer: Some(Arc::new(move |event| {
            kinds.lock().unwrap().push(event.kind)
        })),
        ..Surroundings::default()
    };
    let config: Config = serde_json::from_value(config.clone()).unwrap();
    Arc::new(Broker::new(&config, surroundings).unwrap())
}
