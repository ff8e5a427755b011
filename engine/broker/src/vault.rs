//! Secrets from a Vault: its key-value store of version 2, asked over the broker's own client.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use engine_model::code;
use reqwest::Url;
use reqwest::header::HeaderValue;
use schemars::JsonSchema;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::carrier::Carrier;
use crate::clients::{Clients, Purpose};
use crate::clock::{Clock, Moment};
use crate::error::{AuthError, AuthKind};
use crate::problems::Problems;
use crate::secret::{GivenRef, SecretRef, Secrets};

/// A token of the store is not used in its last seconds.
const MARGIN_S: u64 = 30;

/// A place in a key-value store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VaultRef {
    mount: String,
    path: String,
    field: String,
    version: Option<u32>,
}

impl VaultRef {
    /// Reads `mount/path#field`, optionally with `?version=N`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (place, field) = text.split_once('#')?;
        let (mount, path) = place.split_once('/')?;
        let (field, version) = match field.split_once("?version=") {
            Some((field, version)) => (field, Some(version.parse().ok()?)),
            None => (field, None),
        };
        let plain = |text: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            !text.is_empty() && text != "." && text != ".." && text.chars().all(allowed)
        };
        let valid = plain(mount) && plain(field) && path.split('/').all(plain);
        valid.then(|| Self {
            mount: mount.to_owned(),
            path: path.to_owned(),
            field: field.to_owned(),
            version,
        })
    }
}

impl fmt::Display for VaultRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}#{}", self.mount, self.path, self.field)?;
        match self.version {
            Some(version) => write!(f, "?version={version}"),
            None => Ok(()),
        }
    }
}

/// A Vault.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VaultConfig {
    /// Its address, such as `https://vault.corp.example:8200`; `http` for loopback only.
    pub address: String,
    /// The namespace, where it has any.
    #[serde(default)]
    pub namespace: Option<String>,
    /// How the engine proves who it is.
    pub auth: VaultAuth,
}

/// How the engine proves to a Vault who it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum VaultAuth {
    /// With a token in a file that an agent renews; it is read for every request.
    TokenFile {
        /// The absolute path of the file.
        path: PathBuf,
    },
    /// With a role and its secret.
    AppRole {
        /// The id of the role.
        role_id: String,
        /// The reference to the secret of the role.
        secret_id: GivenRef,
        /// Where the method is mounted; `approle` by default.
        #[serde(default)]
        mount: Option<String>,
    },
}

/// A Vault after the check.
#[derive(Clone, Debug)]
pub(crate) struct VaultSetup {
    pub(crate) address: Url,
    namespace: Option<HeaderValue>,
    auth: Proof,
}

#[derive(Clone, Debug)]
enum Proof {
    Token(SecretRef),
    Role {
        id: String,
        secret: SecretRef,
        mount: String,
    },
}

impl VaultConfig {
    pub(crate) fn build(&self, at: &str, problems: &mut Problems) -> Option<VaultSetup> {
        let address = problems.url(&format!("{at}.address"), &self.address);
        let auth = match &self.auth {
            VaultAuth::TokenFile { path } => Some(Proof::Token(SecretRef::File(path.clone()))),
            VaultAuth::AppRole {
                role_id,
                secret_id,
                mount,
            } => problems
                .reference(&format!("{at}.auth.secret_id"), secret_id)
                .map(|secret| Proof::Role {
                    id: role_id.clone(),
                    secret,
                    mount: mount.clone().unwrap_or_else(|| "approle".to_owned()),
                }),
        };
        if let Some(Proof::Role { secret, .. }) = &auth
            && secret.is_stored()
        {
            problems.add_circle(format!("{at}.auth.secret_id"));
        }
        let namespace = self.namespace.as_deref().map(HeaderValue::from_str);
        let namespace = namespace.transpose();
        if namespace.is_err() {
            problems.add(
                code::CF0101,
                format!("{at}.namespace"),
                "a header cannot carry this name".to_owned(),
                "write it as the store shows it, such as `soc/prod`",
            );
        }
        Some(VaultSetup {
            address: address?,
            namespace: namespace.ok()?,
            auth: auth?,
        })
    }
}

#[derive(Deserialize)]
struct Login {
    auth: LoginAuth,
}

#[derive(Deserialize)]
struct LoginAuth {
    client_token: String,
    lease_duration: u64,
}

#[derive(Deserialize)]
struct Answer {
    data: Versioned,
}

#[derive(Deserialize)]
struct Versioned {
    data: BTreeMap<String, Value>,
}

/// Asks a Vault for secrets.
pub(crate) struct Vault {
    setup: VaultSetup,
    clients: Arc<Clients>,
    secrets: Arc<Secrets>,
    clock: Arc<dyn Clock>,
    /// The token of a role; who holds the lock asks, and the others wait for the same answer.
    token: Mutex<Option<(SecretString, Moment)>>,
}

impl Vault {
    pub(crate) fn new(
        setup: VaultSetup,
        clients: Arc<Clients>,
        secrets: Arc<Secrets>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            setup,
            clients,
            secrets,
            clock,
            token: Mutex::default(),
        }
    }

    /// The value of a field.
    pub(crate) async fn value(&self, place: &VaultRef) -> Result<SecretSlice<u8>, AuthError> {
        let mut url = self.setup.address.clone();
        url.set_path(&format!("/v1/{}/data/{}", place.mount, place.path));
        if let Some(version) = place.version {
            url.set_query(Some(&format!("version={version}")));
        }
        let reference = SecretRef::Vault(Box::new(place.clone()));
        let mut is_again = false;
        let body = loop {
            let shown = self.token().await?;
            let request = http::Request::get(url.as_str());
            let (status, body) = self.send(request, Some(&shown), Vec::new()).await?;
            match status {
                200 => break body,
                // The token of a role may have been revoked before its time.
                403 if !is_again && self.drop_token(&shown).await => is_again = true,
                403 => return Err(refused(&reference, "refuses to show it")),
                404 => return Err(refused(&reference, "does not have it")),
                _ => return Err(away(&reference, AuthKind::Server, "failed")),
            }
        };
        let answer: Option<Answer> = serde_json::from_slice(&body).ok();
        let mut fields = answer.map(|answer| answer.data.data).unwrap_or_default();
        match fields.remove(&place.field) {
            Some(Value::String(text)) => Ok(SecretSlice::from(text.into_bytes())),
            Some(_) => Err(refused(&reference, "holds no text in this field")),
            None => Err(refused(&reference, "has no such field")),
        }
    }

    /// Forgets the token of a role that was not taken; false where another cannot be had.
    async fn drop_token(&self, shown: &SecretString) -> bool {
        let mut held = self.token.lock().await;
        let is_shown = |(token, _): &mut (SecretString, Moment)| {
            token.expose_secret() == shown.expose_secret()
        };
        // Where it was replaced meanwhile there is another already.
        held.take_if(is_shown).is_some() || held.is_some()
    }

    /// The token by which the store is asked.
    async fn token(&self) -> Result<SecretString, AuthError> {
        let setup = &self.setup;
        let (id, secret, mount) = match &setup.auth {
            Proof::Token(file) => return Ok(self.secrets.read(file)?),
            Proof::Role { id, secret, mount } => (id, secret, mount),
        };
        let mut held = self.token.lock().await;
        if let Some((token, until)) = &*held
            && !until.is_reached(self.clock.now())
        {
            return Ok(token.clone());
        }
        let secret = self.secrets.read(secret)?;
        let form = json!({ "role_id": id, "secret_id": secret.expose_secret() });
        let form = Zeroizing::new(form.to_string());
        let mut url = setup.address.clone();
        url.set_path(&format!("/v1/auth/{mount}/login"));
        let request = http::Request::post(url.as_str());
        let sent = self.send(request, None, form.as_bytes().to_vec());
        let failed =
            |kind, reason: &str| AuthError::new(kind, format!("the secret store {reason}"));
        let login: Option<Login> = match sent.await? {
            (200, body) => serde_json::from_slice(&body).ok(),
            (400 | 403, _) => return Err(failed(AuthKind::Secret, "refuses the role")),
            _ => return Err(failed(AuthKind::Server, "failed")),
        };
        let Some(Login { auth }) = login else {
            return Err(failed(AuthKind::Server, "answered nonsense"));
        };
        let life_s = auth.lease_duration.saturating_sub(MARGIN_S);
        let until = self.clock.now().plus(life_s.saturating_mul(1000));
        let token = SecretString::from(auth.client_token);
        *held = Some((token.clone(), until));
        Ok(token)
    }

    async fn send(
        &self,
        request: http::request::Builder,
        token: Option<&SecretString>,
        body: Vec<u8>,
    ) -> Result<(u16, Zeroizing<Vec<u8>>), AuthError> {
        let setup = &self.setup;
        let failed =
            |kind, reason: &str| AuthError::new(kind, format!("the secret store {reason}"));
        let client = self.clients.get(Purpose::Idp, &setup.address);
        let client = client.map_err(|fault| AuthError::new(AuthKind::Network, fault))?;
        let mut request = request.header("x-vault-request", "true");
        if let Some(namespace) = &setup.namespace {
            request = request.header("x-vault-namespace", namespace);
        }
        if let Some(token) = token {
            let header = HeaderValue::from_str(token.expose_secret());
            let mut header =
                header.map_err(|_| failed(AuthKind::Secret, "has a token that cannot be sent"))?;
            header.set_sensitive(true);
            request = request.header("x-vault-token", header);
        }
        let request = request
            .body(body)
            .map_err(|_| failed(AuthKind::Secret, "has an address that cannot be sent to"))?;
        let carrier = Carrier::new(client, self.clock.now().wall_ms);
        let answer = carrier.carry(request).await;
        let answer = answer.map_err(|_| failed(AuthKind::Network, "could not be reached"))?;
        let status = answer.status().as_u16();
        Ok((status, Zeroizing::new(answer.into_body())))
    }
}

fn refused(reference: &SecretRef, reason: &str) -> AuthError {
    let reason = format!("the store of the secret `{reference}` {reason}");
    AuthError::new(AuthKind::Secret, reason)
}

/// The store itself is in trouble.
fn away(reference: &SecretRef, kind: AuthKind, reason: &str) -> AuthError {
    AuthError::new(
        kind,
        format!("the store of the secret `{reference}` {reason}"),
    )
}
