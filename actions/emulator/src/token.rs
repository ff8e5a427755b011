//! The token endpoint, and the reading of the tokens it gave.

use std::collections::{HashMap, HashSet};

use actions_contract::{Api, Endpoint};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use engine_model::Millis;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::options::Tenant;
use crate::reply::Reply;
use crate::seed::Seed;
use crate::wire;

/// The audience of a token for `api`.
pub(crate) const fn audience(api: Api) -> &'static str {
    match api {
        Api::Mde => "https://api.securitycenter.microsoft.com",
        Api::Xdr => "https://api.security.microsoft.com",
        Api::Graph => "https://graph.microsoft.com",
    }
}

/// The API that a resource, as scopes name it, belongs to.
fn api_of(resource: &str) -> Option<Api> {
    match resource.trim_end_matches('/').to_ascii_lowercase().as_str() {
        "https://api.securitycenter.microsoft.com"
        | "https://api.securitycenter.windows.com"
        | "https://securitycenter.onmicrosoft.com/windowsatpservice" => Some(Api::Mde),
        "https://api.security.microsoft.com" => Some(Api::Xdr),
        "https://graph.microsoft.com" => Some(Api::Graph),
        _ => None,
    }
}

/// Who calls, as the token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Caller {
    aud: String,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    pub(crate) appid: String,
    idtyp: String,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    /// What a person lets the application do, where the token is of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scp: Option<String>,
    sub: String,
    pub(crate) tid: String,
    uti: String,
    ver: String,
}

impl Caller {
    pub(crate) fn is_for(&self, api: Api) -> bool {
        self.aud == audience(api)
    }
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadToken {
    Absent,
    Unknown,
    Expired,
}

/// Why the token endpoint refuses.
struct Denial {
    status: u16,
    error: &'static str,
    number: u32,
    text: String,
}

impl Denial {
    fn new(status: u16, error: &'static str, number: u32, text: impl Into<String>) -> Self {
        Self {
            status,
            error,
            number,
            text: text.into(),
        }
    }
}

/// A token request as it arrived.
pub(crate) struct TokenRequest<'a> {
    /// The tenant in the path.
    pub(crate) tenant: &'a str,
    /// The form.
    pub(crate) form: &'a [u8],
    /// The `Authorization` header, where the client puts its secret there.
    pub(crate) authorization: Option<&'a str>,
    /// The number of the request, from which its ids derive.
    pub(crate) seq: u64,
    pub(crate) now_ms: i64,
}

/// Gives tokens and knows its own again: the signature is a digest that only it can make.
#[derive(Debug)]
pub(crate) struct Issuer {
    seed: Seed,
    lifetime: Millis,
    /// The roles that the operations of each API ask for.
    roles: HashMap<Api, HashSet<&'static str>>,
}

impl Issuer {
    pub(crate) fn new(seed: &Seed, lifetime: Millis, endpoints: &[Endpoint]) -> Self {
        let mut roles: HashMap<Api, HashSet<&'static str>> = HashMap::new();
        for endpoint in endpoints {
            roles
                .entry(endpoint.api)
                .or_default()
                .extend(endpoint.permissions.application);
        }
        Self {
            seed: seed.child("issuer"),
            lifetime,
            roles,
        }
    }

    /// Answers a token request.
    pub(crate) fn answer(&self, tenants: &[Tenant], request: &TokenRequest<'_>) -> Reply {
        match self.decide(tenants, request) {
            Ok(token) => {
                let seconds = self.lifetime.as_ms() / 1000;
                Reply::ok(json!({
                    "token_type": "Bearer",
                    "expires_in": seconds,
                    "ext_expires_in": seconds,
                    "access_token": token,
                }))
                .with_header(http::header::CACHE_CONTROL, "no-store".to_owned())
            }
            Err(denial) => self.denied(&denial, request),
        }
    }

    fn decide(&self, tenants: &[Tenant], request: &TokenRequest<'_>) -> Result<String, Denial> {
        let tenant = tenants
            .iter()
            .find(|tenant| tenant.id.eq_ignore_ascii_case(request.tenant))
            .ok_or_else(|| {
                let text = format!("Tenant '{}' not found.", request.tenant);
                Denial::new(400, "invalid_request", 90_002, text)
            })?;
        let form = String::from_utf8_lossy(request.form);
        let form: HashMap<String, String> = wire::pairs(&form).into_iter().collect();
        let field = |name: &str| {
            form.get(name).map(String::as_str).ok_or_else(|| {
                let text =
                    format!("The request body must contain the following parameter: '{name}'.");
                Denial::new(400, "invalid_request", 900_144, text)
            })
        };
        let grant = field("grant_type")?;
        if grant != "client_credentials" {
            let text = format!("The app requested an unsupported grant type '{grant}'.");
            return Err(Denial::new(400, "unsupported_grant_type", 70_003, text));
        }
        let (client, secret) = match request.authorization.and_then(basic) {
            Some(pair) => pair,
            None => (
                field("client_id")?.to_owned(),
                field("client_secret")?.to_owned(),
            ),
        };
        if !client.eq_ignore_ascii_case(&tenant.client_id) {
            let text = format!(
                "Application with identifier '{client}' was not found in the directory '{}'.",
                tenant.id
            );
            return Err(Denial::new(400, "unauthorized_client", 700_016, text));
        }
        if secret != tenant.client_secret {
            let text = format!("Invalid client secret provided for app '{client}'.");
            return Err(Denial::new(401, "invalid_client", 7_000_215, text));
        }
        let api = match form.get("resource") {
            Some(resource) => api_of(resource).ok_or_else(|| unknown_resource(resource))?,
            None => scope(field("scope")?)?,
        };
        Ok(self.issue(tenant, api, request.seq, request.now_ms))
    }

    /// A token of `tenant` for `api`.
    pub(crate) fn issue(&self, tenant: &Tenant, api: Api, number: u64, now_ms: i64) -> String {
        self.signed(&self.claims(tenant, api, number, now_ms))
    }

    fn claims(&self, tenant: &Tenant, api: Api, number: u64, now_ms: i64) -> Caller {
        let now = now_ms.div_euclid(1000);
        let lifetime = i64::try_from(self.lifetime.as_ms() / 1000).unwrap_or(i64::MAX);
        Caller {
            aud: audience(api).to_owned(),
            iss: format!("https://sts.windows.net/{}/", tenant.id),
            iat: now,
            nbf: now,
            exp: now.saturating_add(lifetime),
            appid: tenant.client_id.clone(),
            idtyp: "app".to_owned(),
            roles: tenant
                .roles
                .iter()
                .filter(|role| self.belongs(role, api))
                .cloned()
                .collect(),
            scp: None,
            sub: self.seed.guid(&tenant.client_id, 0),
            tid: tenant.id.clone(),
            uti: URL_SAFE_NO_PAD.encode(&self.seed.digest("uti", number)[..16]),
            ver: "1.0".to_owned(),
        }
    }

    /// A token of a person of `tenant` who may do what `scopes` says.
    pub(crate) fn issue_for_user(
        &self,
        tenant: &Tenant,
        api: Api,
        scopes: String,
        now_ms: i64,
    ) -> String {
        let caller = self.claims(tenant, api, 0, now_ms);
        self.signed(&Caller {
            idtyp: "user".to_owned(),
            roles: Vec::new(),
            scp: Some(scopes),
            ..caller
        })
    }

    fn signed(&self, caller: &Caller) -> String {
        let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"EMULATED"}"#);
        let claims = URL_SAFE_NO_PAD.encode(json!(caller).to_string());
        let signature = self.signature(&header, &claims);
        format!("{header}.{claims}.{signature}")
    }

    /// A role goes into tokens of the APIs whose operations ask for it, or into all when no
    /// operation does.
    fn belongs(&self, role: &str, api: Api) -> bool {
        self.roles
            .get(&api)
            .is_some_and(|roles| roles.contains(role))
            || !self.roles.values().any(|roles| roles.contains(role))
    }

    fn signature(&self, header: &str, claims: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.seed.digest("signature", 0));
        hash.update(header);
        hash.update(".");
        hash.update(claims);
        URL_SAFE_NO_PAD.encode(hash.finalize())
    }

    /// Reads the `Authorization` header of an API request.
    pub(crate) fn caller(
        &self,
        authorization: Option<&str>,
        now_ms: i64,
    ) -> Result<Caller, BadToken> {
        let value = authorization.ok_or(BadToken::Absent)?;
        let (kind, token) = value.split_once(' ').ok_or(BadToken::Absent)?;
        if !kind.eq_ignore_ascii_case("bearer") {
            return Err(BadToken::Absent);
        }
        let (head, signature) = token.trim().rsplit_once('.').ok_or(BadToken::Unknown)?;
        let (header, claims) = head.split_once('.').ok_or(BadToken::Unknown)?;
        if self.signature(header, claims) != signature {
            return Err(BadToken::Unknown);
        }
        let claims = URL_SAFE_NO_PAD
            .decode(claims)
            .map_err(|_| BadToken::Unknown)?;
        let caller: Caller = serde_json::from_slice(&claims).map_err(|_| BadToken::Unknown)?;
        if now_ms >= caller.exp.saturating_mul(1000) {
            return Err(BadToken::Expired);
        }
        Ok(caller)
    }

    fn denied(&self, denial: &Denial, request: &TokenRequest<'_>) -> Reply {
        let trace = self.seed.guid("trace", request.seq);
        let correlation = self.seed.guid("correlation", request.seq);
        let at = wire::vendor_time(request.now_ms).replace('T', " ");
        let at = format!("{}Z", &at[..19]);
        let reply = Reply::new(
            denial.status,
            json!({
                "error": denial.error,
                "error_description": format!(
                    "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}",
                    denial.number, denial.text
                ),
                "error_codes": [denial.number],
                "timestamp": at,
                "trace_id": trace,
                "correlation_id": correlation,
            }),
        );
        reply.with_header(http::header::CACHE_CONTROL, "no-store".to_owned())
    }
}

fn unknown_resource(resource: &str) -> Denial {
    let text = format!("The resource principal named {resource} was not found in the tenant.");
    Denial::new(400, "invalid_resource", 500_011, text)
}

/// The API that a `scope` asks for: one resource with `/.default`.
fn scope(text: &str) -> Result<Api, Denial> {
    let invalid = || {
        let text =
            format!("The provided value for the input parameter 'scope' is not valid: {text}");
        Denial::new(400, "invalid_scope", 70_011, text)
    };
    let resource = text.strip_suffix("/.default").ok_or_else(invalid)?;
    if resource.contains(char::is_whitespace) {
        return Err(invalid());
    }
    api_of(resource).ok_or_else(|| unknown_resource(resource))
}

/// The client id and secret of a `Basic` header, each percent-encoded as RFC 6749 wants it.
fn basic(authorization: &str) -> Option<(String, String)> {
    let (kind, encoded) = authorization.split_once(' ')?;
    if !kind.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (client, secret) = text.split_once(':')?;
    let plain = |text: &str| wire::pairs(text).into_iter().next().map(|(name, _)| name);
    Some((plain(client)?, plain(secret)?))
}
