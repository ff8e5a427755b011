//! From an HTTP request to an answer, through log, faults, token and role.

use std::time::Duration;

use actions_contract::Endpoint;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use engine_model::Timestamp;
use http::header;
use serde_json::json;

use crate::behaviour::Cx;
use crate::emulator::Emulator;
use crate::fault::{Fault, RetryIn, Work};
use crate::listen::Cut;
use crate::log::LogEntry;
use crate::reply::{Refusal, Reply};
use crate::route::Found;
use crate::seed::hex;
use crate::token::{BadToken, Caller, TokenRequest};
use crate::wire;

const BODY_BYTES_MAX: usize = 4 << 20;

/// The name of the token endpoint in the log and in faults.
const TOKEN: &str = "token";

/// What a request is about.
pub(crate) enum Subject {
    Token { tenant: String },
    Operation { index: usize, values: Vec<String> },
    OtherMethods(Vec<&'static str>),
    Nothing,
}

/// A request as it arrived, before anything was decided.
pub(crate) struct Incoming {
    seq: u64,
    /// The path without its query.
    pub(crate) path: String,
    query: Vec<(String, String)>,
    body: Bytes,
    authorization: Option<String>,
    subject: Subject,
    operation: Option<&'static str>,
    caller: Result<Caller, BadToken>,
    pub(crate) tenant: Option<String>,
    pub(crate) machine: Option<String>,
}

impl Incoming {
    /// The operation, as log and faults name it.
    pub(crate) const fn operation(&self) -> Option<&'static str> {
        self.operation
    }
}

/// Serves everything outside `/emulator`.
pub(crate) async fn handle(State(emulator): State<Emulator>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return http::StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let incoming = emulator.arrive(&parts, body);
    let Some((id, fault)) = emulator.faults().claim(&incoming) else {
        return emulator.perform(&incoming).into_response();
    };
    emulator.log_book().struck(incoming.seq, fault.name());
    let held = match fault {
        Fault::Status {
            status,
            retry_after_s,
            retry_in,
        } => {
            let reply = broken(status, retry_after_s, retry_in);
            emulator.log_book().ended(incoming.seq, status, None);
            return reply.into_response();
        }
        Fault::Slow { ms } => {
            let reply = emulator.perform(&incoming);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            return reply.into_response();
        }
        Fault::CutBefore => return Cut.into_response(),
        Fault::CutAfter => {
            emulator.perform(&incoming);
            return Cut.into_response();
        }
        Fault::Hold => Work::Answer(emulator.perform(&incoming)),
        Fault::HoldBefore => Work::Perform(Box::new(incoming)),
    };
    match emulator.faults().park(id, held).await {
        Ok(reply) => reply.into_response(),
        // The emulator was reset.
        Err(_) => Cut.into_response(),
    }
}

/// The answer of a service that is not itself.
fn broken(status: u16, retry_after_s: Option<u64>, retry_in: RetryIn) -> Reply {
    let (code, mut message) = match status {
        429 => ("TooManyRequests", "Too many requests".to_owned()),
        503 => (
            "ServiceUnavailable",
            "The service is unavailable".to_owned(),
        ),
        500 => (
            "InternalServerError",
            "No error message, please retry the operation".to_owned(),
        ),
        _ => ("Emulated", format!("Status {status} was ordered")),
    };
    if let (Some(seconds), RetryIn::Body) = (retry_after_s, retry_in) {
        message.push_str(&format!(". Try again in {seconds} seconds"));
    }
    let reply = Reply::new(
        status,
        json!({ "error": { "code": code, "message": message } }),
    );
    match (retry_after_s, retry_in) {
        (Some(seconds), RetryIn::Header) => {
            reply.with_header(header::RETRY_AFTER, seconds.to_string())
        }
        _ => reply,
    }
}

/// `/{tenant}/oauth2/v2.0/token`, or the older form without the version.
fn token_tenant(method: &http::Method, path: &str) -> Option<String> {
    let (tenant, rest) = path.strip_prefix('/')?.split_once('/')?;
    let token = matches!(rest, "oauth2/v2.0/token" | "oauth2/token");
    (token && method == http::Method::POST).then(|| wire::segment(tenant))
}

/// The mark that the engine leaves in comments.
fn mark(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, after) = text.split_once("[quell:")?;
    after.split_once(']').map(|(mark, _)| mark.to_owned())
}

impl Emulator {
    /// Reads a request and notes it in the log.
    fn arrive(&self, parts: &http::request::Parts, body: Bytes) -> Incoming {
        let now_ms = self.now_ms();
        let path = parts.uri.path();
        let authorization = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let subject = self.subject(&parts.method, path);
        let caller = self.issuer().caller(authorization.as_deref(), now_ms);
        let tenant = match (&subject, &caller) {
            (Subject::Token { tenant }, _) => Some(tenant.clone()),
            (_, Ok(caller)) => Some(caller.tid.clone()),
            _ => None,
        };
        let (operation, machine) = match &subject {
            Subject::Token { .. } => (Some(TOKEN), None),
            Subject::Operation { index, values } => {
                let endpoint = self.endpoint(*index);
                (
                    Some(endpoint.id),
                    self.machine_of(endpoint, values, tenant.as_deref()),
                )
            }
            _ => (None, None),
        };
        let secret = matches!(subject, Subject::Token { .. });
        let seq = self.log_book().arrived(LogEntry {
            seq: 0,
            at: Timestamp::from_ms(now_ms),
            tenant: tenant.clone(),
            method: parts.method.to_string(),
            path: parts
                .uri
                .path_and_query()
                .map_or_else(String::new, ToString::to_string),
            operation: operation.map(str::to_owned),
            machine: machine.clone(),
            status: None,
            role_missing: None,
            fault: None,
            mark: if secret { None } else { mark(&body) },
            body_sha256: (!secret && !body.is_empty()).then(|| body_digest(&body)),
        });
        Incoming {
            seq,
            path: path.to_owned(),
            query: wire::pairs(parts.uri.query().unwrap_or_default()),
            body,
            authorization,
            subject,
            operation,
            caller,
            tenant,
            machine,
        }
    }

    /// What a request line is about.
    fn subject(&self, method: &http::Method, path: &str) -> Subject {
        if let Some(tenant) = token_tenant(method, path) {
            return Subject::Token { tenant };
        }
        match self.routes().find(method.as_str(), path) {
            Found::Operation { index, values } => Subject::Operation { index, values },
            Found::OtherMethods(methods) => Subject::OtherMethods(methods),
            Found::Nothing => Subject::Nothing,
        }
    }

    /// The id of the machine that a path names: itself, by DNS name, or by one of its actions.
    fn machine_of(
        &self,
        endpoint: &Endpoint,
        values: &[String],
        tenant: Option<&str>,
    ) -> Option<String> {
        let value = values.first()?;
        let path = endpoint.path;
        let world = tenant.and_then(|tenant| self.world(tenant));
        if path.starts_with("/api/machines/{") {
            let known = world.and_then(|world| Some(world.machine(value)?.id.clone()));
            Some(known.unwrap_or_else(|| value.clone()))
        } else if path.starts_with("/api/machineactions/{") {
            world.and_then(|world| Some(world.action(value)?.machine_id.clone()))
        } else {
            None
        }
    }

    /// Does what a request asks for, and notes how it ended.
    pub(crate) fn perform(&self, incoming: &Incoming) -> Reply {
        let now_ms = self.now_ms();
        let reply = match &incoming.subject {
            Subject::Token { tenant } => self.issuer().answer(
                &self.options().tenants,
                &TokenRequest {
                    tenant,
                    form: &incoming.body,
                    authorization: incoming.authorization.as_deref(),
                    seq: incoming.seq,
                    now_ms,
                },
            ),
            Subject::Operation { index, values } => {
                self.dispatch(self.endpoint(*index), values, incoming)
            }
            Subject::OtherMethods(methods) => {
                let refusal = Refusal::new(405, "MethodNotAllowed", "The method is not allowed");
                self.refuse(refusal, None, incoming)
                    .with_header(header::ALLOW, methods.join(", "))
            }
            Subject::Nothing => {
                let message = format!("No operation has the path {}", incoming.path);
                self.refuse(Refusal::new(404, "NotFound", message), None, incoming)
            }
        };
        self.log_book()
            .ended(incoming.seq, reply.status, reply.role_missing.clone());
        reply
    }

    fn refuse(&self, refusal: Refusal, of: Option<&Endpoint>, incoming: &Incoming) -> Reply {
        let correlation = self.correlation(incoming.seq);
        refusal.reply(of.map(|endpoint| endpoint.api), &correlation, self.now_ms())
    }

    /// Hands the request to the behaviour of its operation.
    fn dispatch(&self, endpoint: &Endpoint, values: &[String], incoming: &Incoming) -> Reply {
        let caller = match self.admit(endpoint, incoming) {
            Ok(caller) => caller,
            Err(reply) => return *reply,
        };
        let Some(behaviour) = crate::behaviour::of(endpoint.id) else {
            let base_url = self.base_url();
            if let Some(reply) = crate::echo::answer(endpoint.id, &incoming.query, &base_url) {
                return reply;
            }
            let message = format!("The emulator does not serve {}", endpoint.id);
            let refusal = Refusal::new(501, "NotImplemented", message);
            return self.refuse(refusal, Some(endpoint), incoming);
        };
        let base_url = self.base_url();
        let Some(mut world) = self.world(&caller.tid) else {
            let refusal = Refusal::new(401, "Unauthorized", "The tenant is unknown");
            return self.refuse(refusal, Some(endpoint), incoming);
        };
        let mut cx = Cx {
            world: &mut world,
            now_ms: self.now_ms(),
            values,
            query: &incoming.query,
            body: &incoming.body,
            caller,
            path: &incoming.path,
            base_url: &base_url,
        };
        let result = behaviour(&mut cx);
        drop(world);
        result.unwrap_or_else(|refusal| self.refuse(refusal, Some(endpoint), incoming))
    }

    /// Checks token, audience and role.
    fn admit<'a>(
        &self,
        endpoint: &Endpoint,
        incoming: &'a Incoming,
    ) -> Result<&'a Caller, Box<Reply>> {
        let unauthorized = |message: &str| {
            let refusal = Refusal::new(401, "Unauthorized", message);
            let challenge =
                format!("Bearer error=\"invalid_token\", error_description=\"{message}\"");
            let reply = self.refuse(refusal, Some(endpoint), incoming);
            Box::new(reply.with_header(header::WWW_AUTHENTICATE, challenge))
        };
        let caller = match &incoming.caller {
            Ok(caller) => caller,
            Err(BadToken::Absent) => return Err(unauthorized("A bearer token is missing")),
            Err(BadToken::Unknown) => return Err(unauthorized("The signature is invalid")),
            Err(BadToken::Expired) => return Err(unauthorized("The token is expired")),
        };
        if !caller.is_for(endpoint.api) {
            return Err(unauthorized("The audience is invalid"));
        }
        if let Some(scopes) = &caller.scp {
            return self.admit_user(endpoint, scopes, incoming).map(|()| caller);
        }
        let wanted = endpoint.permissions.application;
        if caller
            .roles
            .iter()
            .any(|role| wanted.contains(&role.as_str()))
        {
            return Ok(caller);
        }
        let needed = wanted.join(", ");
        let message = format!(
            "Application {} is missing application roles. API required roles: {needed}, \
             application roles: {}.",
            caller.appid,
            caller.roles.join(", ")
        );
        let refusal = Refusal::new(403, "Forbidden", message);
        let mut reply = self.refuse(refusal, Some(endpoint), incoming);
        reply.role_missing = Some(needed);
        Err(Box::new(reply))
    }

    /// Checks what a person lets the application do.
    fn admit_user(
        &self,
        endpoint: &Endpoint,
        scopes: &str,
        incoming: &Incoming,
    ) -> Result<(), Box<Reply>> {
        let wanted = endpoint.permissions.delegated;
        if scopes.split(' ').any(|scope| wanted.contains(&scope)) {
            return Ok(());
        }
        let needed = wanted.join(", ");
        let message = format!("The token has none of these scopes: {needed}.");
        let refusal = Refusal::new(403, "Forbidden", message);
        let mut reply = self.refuse(refusal, Some(endpoint), incoming);
        reply.role_missing = Some(needed);
        Err(Box::new(reply))
    }
}

fn body_digest(body: &[u8]) -> String {
    use sha2::Digest as _;
    hex(&sha2::Sha256::digest(body))
}
