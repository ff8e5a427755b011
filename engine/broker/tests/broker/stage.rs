//! A token service, an API and a web server in one, and a broker that is configured for them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actions_contract::{
    Api, Body, Call, EffectKind, Egress as _, EgressError, Follow, Method, Mode, Request, Response,
    Target,
};
use axum::extract::State;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine_broker::{Broker, Clock, Config, Moment, Surroundings, TokenEvent, TokenEventKind};
use engine_model::{Millis, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) const TENANT: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const OTHER_TENANT: &str = "99999999-9999-9999-9999-999999999999";
pub(crate) const CLIENT: &str = "22222222-2222-2222-2222-222222222222";
pub(crate) const SECRET: &str = "s3cr3t~of-the.application/+=";

/// The present of [`Stage::with_credential`], in seconds since the epoch.
pub(crate) const NOW_S: u64 = 2_000_000_000;

/// An answer of a server.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) after: Duration,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self {
            status,
            headers,
            body: body.into(),
            after: Duration::ZERO,
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers
            .retain(|(known, _)| *known != name || name == "set-cookie");
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn after(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }
}

/// A request as a server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

/// What the servers saw and what they will do.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) token_requests: Mutex<Vec<Seen>>,
    pub(crate) api_requests: Mutex<Vec<Seen>>,
    /// Answers of the token service; a good token once they are used up.
    pub(crate) token_replies: Mutex<VecDeque<Reply>>,
    /// What the token service always answers; comes after `token_replies`.
    pub(crate) token_always: Mutex<Option<Reply>>,
    pub(crate) api_replies: Mutex<VecDeque<Reply>>,
    /// Claims that replace those of a good token.
    pub(crate) claims: Mutex<Value>,
    pub(crate) issued: Mutex<Vec<String>>,
    pub(crate) revoked: Mutex<HashSet<String>>,
    /// What the API says to a revoked token, beside 401.
    pub(crate) challenge: Mutex<Option<String>>,
}

async fn serve(
    State(world): State<Arc<World>>,
    request: axum::extract::Request,
) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let headers = parts.headers.iter().map(|(name, value)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    let seen = Seen {
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let reply = if parts.uri.path().ends_with("/oauth2/v2.0/token") {
        world.issue(seen)
    } else {
        world.answer(seen)
    };
    tokio::time::sleep(reply.after).await;
    let mut response = reply.body.into_response();
    *response.status_mut() = reply.status.try_into().unwrap();
    response.headers_mut().clear();
    for (name, value) in reply.headers {
        response.headers_mut().append(name, value.parse().unwrap());
    }
    response
}

impl World {
    fn issue(&self, seen: Seen) -> Reply {
        let form: HashMap<String, String> =
            oauth2::url::form_urlencoded::parse(seen.body.as_bytes())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect();
        let tenant = seen.uri.split('/').nth(1).unwrap_or_default().to_owned();
        self.token_requests.lock().unwrap().push(seen);
        if let Some(reply) = self.token_replies.lock().unwrap().pop_front() {
            return reply;
        }
        if let Some(reply) = self.token_always.lock().unwrap().clone() {
            return reply;
        }
        let secret = form.get("client_secret");
        let known = secret.is_some_and(|secret| secret.starts_with(SECRET));
        if !known && !form.contains_key("client_assertion") {
            return refusal(401, "invalid_client", 7_000_215);
        }
        let mut issued = self.issued.lock().unwrap();
        let mut claims = json!({
            "aud": form["scope"].trim_end_matches("/.default"),
            "tid": tenant,
            "appid": form["client_id"],
            "uti": format!("uti-{}", issued.len() + 1),
        });
        if let (Value::Object(claims), Value::Object(other)) =
            (&mut claims, self.claims.lock().unwrap().clone())
        {
            claims.extend(other);
        }
        let token = jwt(&claims);
        issued.push(token.clone());
        let body = json!({
            "token_type": "Bearer",
            "expires_in": 3599,
            "ext_expires_in": 3599,
            "access_token": token,
        });
        Reply::new(200, body.to_string())
    }

    fn answer(&self, seen: Seen) -> Reply {
        let bearer = seen
            .headers
            .get("authorization")
            .cloned()
            .unwrap_or_default();
        self.api_requests.lock().unwrap().push(seen);
        if let Some(reply) = self.api_replies.lock().unwrap().pop_front() {
            return reply;
        }
        if let Some(token) = bearer.strip_prefix("Bearer ey")
            && self.revoked.lock().unwrap().contains(&format!("ey{token}"))
        {
            let reply = Reply::new(401, r#"{"error":{"code":"Unauthorized"}}"#);
            return match &*self.challenge.lock().unwrap() {
                Some(challenge) => reply.with("www-authenticate", challenge),
                None => reply,
            };
        }
        Reply::new(200, r#"{"ok":true}"#)
    }

    /// A field of every form that the token service was sent.
    pub(crate) fn sent(&self, field: &str) -> Vec<String> {
        let seen = self.token_requests.lock().unwrap();
        let fields = seen
            .iter()
            .flat_map(|seen| oauth2::url::form_urlencoded::parse(seen.body.as_bytes()));
        let fields = fields.filter(|(name, _)| name == field);
        fields.map(|(_, value)| value.into_owned()).collect()
    }

    pub(crate) fn token_count(&self) -> usize {
        self.token_requests.lock().unwrap().len()
    }

    pub(crate) fn api_count(&self) -> usize {
        self.api_requests.lock().unwrap().len()
    }

    pub(crate) fn api_seen(&self) -> Vec<Seen> {
        self.api_requests.lock().unwrap().clone()
    }

    pub(crate) fn revoke_all(&self) {
        self.revoked
            .lock()
            .unwrap()
            .extend(self.issued.lock().unwrap().iter().cloned());
    }

    pub(crate) fn next_token_reply(&self, reply: Reply) {
        self.token_replies.lock().unwrap().push_back(reply);
    }

    pub(crate) fn next_api_reply(&self, reply: Reply) {
        self.api_replies.lock().unwrap().push_back(reply);
    }
}

pub(crate) fn jwt(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.{}",
        part(&json!({"alg": "RS256"})),
        part(claims),
        URL_SAFE_NO_PAD.encode("sig")
    )
}

/// A refusal as the token service writes it, with a description that quotes what it should not.
pub(crate) fn refusal(status: u16, error: &str, number: u32) -> Reply {
    let body = json!({
        "error": error,
        "error_description": format!("AADSTS{number}: you sent {SECRET}"),
        "error_codes": [number],
        "trace_id": "255d1aef-8c98-452f-ac51-23d051240864",
    });
    Reply::new(status, body.to_string())
}

#[derive(Default)]
pub(crate) struct HandClock(Mutex<Moment>);

impl HandClock {
    pub(crate) fn pass_secs(&self, secs: u64) {
        let mut now = self.0.lock().unwrap();
        *now = now.plus(secs * 1000);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Moment {
        *self.0.lock().unwrap()
    }
}

pub(crate) struct Stage {
    pub(crate) world: Arc<World>,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) events: Arc<Mutex<Vec<TokenEvent>>>,
    pub(crate) environment: Arc<Mutex<HashMap<String, String>>>,
    /// Where token service and API are.
    pub(crate) origin: String,
    /// Another server, which no connection knows.
    pub(crate) web: String,
    pub(crate) broker: Arc<Broker>,
    start: (Config, Surroundings),
    /// Where the broker keeps files.
    pub(crate) store: tempfile::TempDir,
    _servers: JoinSet<()>,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(|_, _, _| {}).await
    }

    /// A stage whose configuration `change` may change, given the two origins.
    pub(crate) async fn with(change: impl FnOnce(&mut Value, &str, &str)) -> Self {
        let world = Arc::new(World::default());
        let mut servers = JoinSet::new();
        let mut origins = Vec::new();
        for _ in 0..2 {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            origins.push(format!("http://{}", listener.local_addr().unwrap()));
            let router = axum::Router::new()
                .fallback(serve)
                .with_state(Arc::clone(&world));
            servers.spawn(async move { axum::serve(listener, router).await.unwrap() });
        }
        let [origin, web] = <[String; 2]>::try_from(origins).unwrap();
        let mut config = config(&origin);
        config["connections"]["prod"]["limits"] = json!("off");
        change(&mut config, &origin, &web);
        let environment: Arc<Mutex<HashMap<String, String>>> = Arc::default();
        environment
            .lock()
            .unwrap()
            .insert("APP_SECRET".to_owned(), SECRET.to_owned());
        let clock = Arc::new(HandClock::default());
        let events: Arc<Mutex<Vec<TokenEvent>>> = Arc::default();
        let (variables, log) = (Arc::clone(&environment), Arc::clone(&events));
        let store = tempfile::tempdir().unwrap();
        let surroundings = Surroundings {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            environment: Arc::new(move |name| variables.lock().unwrap().get(name).cloned()),
            chance: Arc::new(|| 1.0),
            observer: Some(Arc::new(move |event| {
                log.lock().unwrap().push(event.clone())
            })),
            store: Some(store.path().to_owned()),
            ..Surroundings::default()
        };
        let config: Config = serde_json::from_value(config).unwrap();
        let broker = Arc::new(Broker::new(&config, surroundings.clone()).unwrap());
        Self {
            world,
            clock,
            events,
            environment,
            origin,
            web,
            broker,
            start: (config, surroundings),
            store,
            _servers: servers,
        }
    }

    /// Another broker that starts with the same configuration.
    pub(crate) fn restarted(&self) -> Broker {
        let (config, surroundings) = &self.start;
        Broker::new(config, surroundings.clone()).unwrap()
    }

    /// A stage in 2033 with a credential for its connection `prod`; certificates are valid then.
    pub(crate) async fn with_credential(credential: Value) -> Self {
        let stage = Self::with(|config, _, _| {
            config["connections"]["prod"]["credential"] = credential;
        })
        .await;
        stage.clock.pass_secs(NOW_S);
        stage
    }

    pub(crate) fn set_env(&self, name: &str, value: &str) {
        self.environment
            .lock()
            .unwrap()
            .insert(name.to_owned(), value.to_owned());
    }

    pub(crate) async fn send(
        &self,
        call: &Call,
        request: Request,
    ) -> Result<Response, EgressError> {
        self.broker.send(call, request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Response, EgressError> {
        self.send(&call(), api_request(Method::Get, path)).await
    }

    /// The code of the error that a plain request ends with.
    pub(crate) async fn code(&self) -> String {
        self.get("/api/machines")
            .await
            .unwrap_err()
            .error
            .code
            .into_owned()
    }

    pub(crate) fn kinds(&self) -> Vec<TokenEventKind> {
        self.events
            .lock()
            .unwrap()
            .iter()
            .map(|event| event.kind)
            .collect()
    }
}

pub(crate) fn config(origin: &str) -> Value {
    json!({
        "connections": {
            "prod": {
                "context": "application",
                "tenant": TENANT,
                "client_id": CLIENT,
                "authority": origin,
                "apis": ["mde", "mtp", "graph"],
                "base_urls": { "mde": origin, "xdr": origin, "graph": origin },
                "credential": { "type": "secret", "secret": "env:APP_SECRET" },
            },
        },
    })
}

pub(crate) fn call() -> Call {
    Call {
        run: format!("run_{}", "a".repeat(26)).parse().unwrap(),
        playbook: "contain-host".parse().unwrap(),
        step: "steps.look".to_owned(),
        tenant: TENANT.parse().unwrap(),
        connection: None,
        action: "defender.get-machine".parse().unwrap(),
        effect: EffectKind::Read,
        mode: Mode::Execute,
        idem: "k".to_owned(),
        attempt: 1,
        args: Value::Null,
        resume: None,
        begun_at: Timestamp::from_ms(0),
        now: Timestamp::from_ms(0),
        time_left: Millis::from_secs(30),
        follow: Follow::default(),
    }
}

pub(crate) fn contain() -> Call {
    Call {
        effect: EffectKind::Contain,
        ..call()
    }
}

pub(crate) fn request(target: Target, method: Method, path: &str) -> Request {
    Request {
        target,
        method,
        path: path.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Body::Empty,
        keep_bytes_max: None,
        operation: "defender.get-machine".into(),
    }
}

pub(crate) fn api_request(method: Method, path: &str) -> Request {
    request(Target::Api(Api::Mde), method, path)
}
