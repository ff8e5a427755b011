//! The parts of `quell.yaml` that the broker owns, as they are written.
//!
//! What the types cannot say is checked by [`Config::check`], all problems at once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine_model::Millis;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Cloud, Credential, GivenRef, Limits, SecretStores};

/// The broker's part of the configuration: APIs, connections, secrets and outbound HTTP.
///
/// Each field is a key of `quell.yaml` with a type of its own, so that the whole configuration can
/// hold the fields side by side with those of other parts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Overrides of the built-in facts per API: `mde`, `xdr` (also `mtp`), `graph`.
    pub apis: BTreeMap<String, ApiOverride>,
    /// Connections by name: a directory, an application in it and its credential.
    pub connections: BTreeMap<String, Connection>,
    /// Secrets by name, for chat hooks and headers; playbooks see the name only.
    pub secrets: BTreeMap<String, GivenRef>,
    /// Where secrets are that are in no file of this machine.
    pub secret_stores: SecretStores,
    /// Which connection is used where a playbook names none.
    pub bindings: Bindings,
    /// Limits of outbound HTTP.
    pub http: Http,
}

/// Overrides of the built-in facts of an API, in every connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiOverride {
    /// Where requests go, such as `https://eu.api.security.microsoft.com`; `http` for loopback
    /// only. Built in by default.
    pub base_url: Option<String>,
    /// What is asked of the token service, such as `https://api.security.microsoft.com/.default`.
    /// Built in by default, except for Defender in the government clouds.
    pub scope: Option<String>,
    /// What the `aud` claim of a token may be, beside the resource that the scope names.
    pub audiences: Vec<String>,
    /// How often it may be called; four fifths of the documented figures by default.
    pub limits: Option<Limits>,
}

/// How the engine speaks to a tenant, by the key `context`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "context", rename_all = "snake_case")]
pub enum Connection {
    /// As the application itself, with application permissions.
    Application(ApplicationConnection),
    /// On behalf of a person, with delegated permissions.
    User(UserConnection),
    /// As one application in the tenants of many customers.
    Partner(PartnerConnection),
}

/// A connection that speaks as the application itself, with application permissions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationConnection {
    /// The cloud: `public` (default), `gcc`, `gcc_high`, `dod` or `china`.
    #[serde(default)]
    pub cloud: Cloud,
    /// The GUID of the directory; `common` and `organizations` are refused, since a token of the
    /// application belongs to exactly one directory.
    #[schemars(extend("pattern" = GUID))]
    pub tenant: String,
    /// The GUID of the application.
    #[schemars(extend("pattern" = GUID))]
    pub client_id: String,
    /// The token service, where it is not that of the cloud; `http` for loopback only.
    #[serde(default)]
    pub authority: Option<String>,
    /// The APIs it may use: `mde`, `xdr` (also `mtp`), `graph`.
    pub apis: Vec<String>,
    /// How the application proves who it is.
    pub credential: Credential,
    /// Where requests go, per API, for this connection only; `http` for loopback only.
    #[serde(default)]
    pub base_urls: BTreeMap<String, String>,
    /// How often its APIs may be called; goes over `limits` under `apis`.
    #[serde(default)]
    pub limits: Option<Limits>,
    /// GUIDs of further tenants whose runs may use this connection; none by default.
    #[serde(default)]
    pub tenants: Vec<String>,
}

/// A connection that speaks on behalf of a person, with delegated permissions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserConnection {
    /// The cloud: `public` (default), `gcc`, `gcc_high`, `dod` or `china`.
    #[serde(default)]
    pub cloud: Cloud,
    /// The GUID of the directory of the person.
    #[schemars(extend("pattern" = GUID))]
    pub tenant: String,
    /// The GUID of the application.
    #[schemars(extend("pattern" = GUID))]
    pub client_id: String,
    /// The token service, where it is not that of the cloud; `http` for loopback only.
    #[serde(default)]
    pub authority: Option<String>,
    /// The APIs it may use: `mde`, `xdr` (also `mtp`), `graph`.
    pub apis: Vec<String>,
    /// Delegated permissions per API, such as `mde: [Machine.Isolate]`; all that were consented to
    /// by default.
    #[serde(default)]
    pub scopes: BTreeMap<String, Vec<String>>,
    /// How the person signs in.
    pub sign_in: SignIn,
    /// How the application proves who it is, where it is no public client.
    #[serde(default)]
    pub credential: Option<Credential>,
    /// Who has to be signed in; anybody of the directory by default.
    #[serde(default)]
    pub expected_user: Option<ExpectedUser>,
    /// Where the refresh token is kept, encrypted, beyond the end of the process; only in memory by
    /// default. All processes that share the file share the session.
    #[serde(default)]
    pub persist_refresh_token: Option<RefreshTokenFile>,
    /// Where requests go, per API, for this connection only; `http` for loopback only.
    #[serde(default)]
    pub base_urls: BTreeMap<String, String>,
    /// How often its APIs may be called; goes over `limits` under `apis`.
    #[serde(default)]
    pub limits: Option<Limits>,
    /// GUIDs of further tenants whose runs may use this connection; none by default.
    #[serde(default)]
    pub tenants: Vec<String>,
}

/// A connection that speaks as one application in the tenants of many customers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartnerConnection {
    /// The cloud: `public` (default), `gcc`, `gcc_high`, `dod` or `china`.
    #[serde(default)]
    pub cloud: Cloud,
    /// The GUID of the application, which is registered for many tenants.
    #[schemars(extend("pattern" = GUID))]
    pub client_id: String,
    /// The token service, where it is not that of the cloud; `http` for loopback only.
    #[serde(default)]
    pub authority: Option<String>,
    /// The APIs it may use: `mde`, `xdr` (also `mtp`), `graph`.
    pub apis: Vec<String>,
    /// How the application proves who it is.
    pub credential: Credential,
    /// How customers consent; without it no consent link is made.
    #[serde(default)]
    pub consent: Option<Consent>,
    /// The customers, by a name of your own. Runs of other tenants are refused before anything is
    /// sent.
    pub tenants: BTreeMap<String, Customer>,
    /// Where requests go, per API, for this connection only; `http` for loopback only.
    #[serde(default)]
    pub base_urls: BTreeMap<String, String>,
    /// How often its APIs may be called, in each tenant; goes over `limits` under `apis`.
    #[serde(default)]
    pub limits: Option<Limits>,
}

/// How customers consent to the application.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Where the customer's administrator comes back, as the application is registered; `http` for
    /// loopback only.
    pub redirect_uri: String,
}

/// The tenant of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    /// The GUID of the directory.
    #[schemars(extend("pattern" = GUID))]
    pub id: String,
    /// Whether it may be reached: `active`, `pending` (default) or `suspended`.
    #[serde(default)]
    pub status: CustomerStatus,
    /// The APIs that may be used there; all of the connection by default.
    #[serde(default)]
    pub apis: Option<Vec<String>>,
}

/// Whether the tenant of a customer may be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CustomerStatus {
    /// Its runs may use the connection.
    Active,
    /// It has not consented yet: nothing is sent.
    #[default]
    Pending,
    /// It is shut out until further notice: nothing is sent.
    Suspended,
}

/// How a person signs in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum SignIn {
    /// In a browser on the same machine, with a code that comes back to it. Takes five minutes at
    /// most.
    AuthCodePkce {
        /// Where the code comes back: `http` on loopback, port 0 for any free one;
        /// `http://localhost:0` by default.
        #[serde(default)]
        redirect: Option<String>,
    },
    /// In a browser anywhere, by typing a short code that is shown here.
    DeviceCode {},
    /// With a name and a password, once per request for it. Does not work with a second factor,
    /// and gives the password to everything between here and the token service.
    Ropc {
        /// The name, such as `svc@contoso.com`.
        username: String,
        /// The reference to the password.
        password: GivenRef,
        /// Has to be true: the vendor advises against this way of signing in.
        #[serde(default)]
        accept_ropc_risk: bool,
    },
    /// With the token by which the person called an application of ours.
    OnBehalfOf {},
}

/// Who has to be signed in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedUser {
    /// The user principal name, such as `analyst@contoso.com`; case does not matter.
    pub upn: String,
}

/// Where a refresh token is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshTokenFile {
    /// The absolute path of the file, one for each connection; its directory is made with mode
    /// 0700.
    pub path: PathBuf,
    /// The reference to the key that encrypts it: 32 bytes, plain or as base64.
    pub key: GivenRef,
}

/// Which connection is used where a playbook names none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bindings {
    /// The connection; may be left out where there is only one.
    pub default: Option<String>,
}

/// Limits of outbound HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// The only hosts that `http.request` and plugins may call, `*.example.com` for all below;
    /// every public host by default. Hooks configured as secrets are not bound by it.
    pub allow_hosts: Option<Vec<String>>,
    /// Hosts that may be called although their addresses are private, such as an internal ticket
    /// system; none by default.
    pub allow_private: Vec<String>,
    /// Whether loopback may be called, over plain `http` too; false by default.
    pub allow_loopback: bool,
    /// The longest time for one request with everything it needs, the wait for its turn and the
    /// token included; 60s by default.
    pub timeout: Millis,
    /// The longest time to connect; 10s by default.
    pub connect_timeout: Millis,
    /// The largest answer in bytes; 8388608 (8 MiB) by default.
    pub response_bytes_max: u64,
    /// An HTTP proxy for everything but loopback, such as `http://proxy.corp.example:3128`; none
    /// by default, the environment is not asked. With a proxy the proxy resolves names, so it
    /// has to keep private addresses out.
    pub proxy: Option<String>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            allow_hosts: None,
            allow_private: Vec::new(),
            allow_loopback: false,
            timeout: Millis::from_secs(60),
            connect_timeout: Millis::from_secs(10),
            response_bytes_max: 8 * 1024 * 1024,
            proxy: None,
        }
    }
}

pub(crate) const GUID: &str = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$";
