//! Secrets, certificates and signatures from Azure Key Vaults, asked over the broker's own client.
//!
//! Who asks is an identity of its own in the configuration, usually one of the machine. A key with
//! which a vault signs never leaves it: only a digest goes there, and the signature comes back.

use std::fmt;
use std::sync::Arc;

use actions_contract::BoxFuture;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use crate::carrier::{Carrier, Seen};
use crate::clients::Purpose;
use crate::error::{AuthError, AuthKind};
use crate::exchange::secret_header;
use crate::fetch::{ANSWER_TIMEOUT, Ask, Fetcher};
use crate::grant::Grant;
use crate::key_vault_config::{KeyVaultRef, KeyVaultSetup};
use crate::link::endpoint_of;
use crate::refusal::kind_of_status;
use crate::token::{Expected, Token};
use crate::wallet::Wallet;

const PFX: &str = "application/x-pkcs12";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    value: String,
    #[serde(default)]
    content_type: Option<String>,
}

#[derive(Deserialize)]
struct Signed {
    value: String,
}

/// Asks the vaults.
pub(crate) struct KeyVaults {
    setup: KeyVaultSetup,
    fetcher: Arc<Fetcher>,
    /// For the credential of the one who asks, which is in no store.
    wallet: Wallet,
    /// Who holds the lock asks, and the others wait for the same answer.
    token: Mutex<Option<Token>>,
}

impl fmt::Debug for KeyVaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyVaults").finish_non_exhaustive()
    }
}

impl KeyVaults {
    pub(crate) fn new(setup: KeyVaultSetup, fetcher: Arc<Fetcher>, wallet: Wallet) -> Self {
        Self {
            setup,
            fetcher,
            wallet,
            token: Mutex::default(),
        }
    }

    /// The value of a secret, or a certificate with its key, as PEM or PFX.
    pub(crate) async fn value(&self, place: &KeyVaultRef) -> Result<SecretSlice<u8>, AuthError> {
        let body = self.call(place, self.setup.value_url(place), None).await?;
        let nonsense = || fault(place, AuthKind::Server, "answered nonsense");
        let bundle: Bundle = serde_json::from_slice(&body).map_err(|_| nonsense())?;
        let text = Zeroizing::new(bundle.value);
        if bundle.content_type.as_deref() != Some(PFX) {
            return Ok(SecretSlice::from(text.as_bytes().to_vec()));
        }
        let bytes = STANDARD.decode(text.trim()).map_err(|_| nonsense())?;
        Ok(SecretSlice::from(bytes))
    }

    /// The signature of a key of a vault over a SHA-256 digest, with PS256, as it stands in a
    /// statement.
    ///
    /// Of a type of its own: the token for it may itself be asked for with a statement.
    pub(crate) fn sign<'a>(
        &'a self,
        place: &'a KeyVaultRef,
        digest: &[u8],
    ) -> BoxFuture<'a, Result<String, AuthError>> {
        let body = json!({ "alg": "PS256", "value": URL_SAFE_NO_PAD.encode(digest) });
        Box::pin(async move {
            let url = self.setup.sign_url(place);
            let answer = self.call(place, url, Some(body.to_string())).await?;
            let signed: Option<Signed> = serde_json::from_slice(&answer).ok();
            let nonsense = || fault(place, AuthKind::Server, "answered nonsense");
            Ok(signed.ok_or_else(nonsense)?.value)
        })
    }

    /// One question; a second time with another token where the vault does not take the first.
    async fn call(
        &self,
        place: &KeyVaultRef,
        url: Option<Url>,
        body: Option<String>,
    ) -> Result<Zeroizing<Vec<u8>>, AuthError> {
        let url = url.ok_or_else(|| fault(place, AuthKind::Secret, "has no address"))?;
        let mut rejected = None;
        loop {
            let (serial, token) = self.token(place, rejected).await?;
            let (seen, answer) = self.send(place, &url, &token, body.as_deref()).await?;
            let reason = match seen.status.unwrap_or_default() {
                200 => return Ok(answer),
                401 if rejected.is_none() => {
                    rejected = Some(serial);
                    continue;
                }
                401 => "does not take a fresh token",
                403 => "refuses it; give the identity the role for it",
                404 => "does not have it",
                _ => {
                    // Never throttled: that would be said of the token service.
                    let is_passing = kind_of_status(seen.status).is_some();
                    let kind = if is_passing {
                        AuthKind::Server
                    } else {
                        AuthKind::Secret
                    };
                    let mut error = fault(place, kind, "failed");
                    error.http_status = seen.status;
                    error.retry_after = seen.retry_after.filter(|_| is_passing);
                    return Err(error);
                }
            };
            return Err(fault(place, AuthKind::Secret, reason));
        }
    }

    async fn send(
        &self,
        place: &KeyVaultRef,
        url: &Url,
        token: &SecretString,
        body: Option<&str>,
    ) -> Result<(Seen, Zeroizing<Vec<u8>>), AuthError> {
        let bearer = SecretString::from(format!("Bearer {}", token.expose_secret()));
        let unfit = || fault(place, AuthKind::Secret, "cannot be asked");
        let header = secret_header(bearer.expose_secret()).map_err(|_| unfit())?;
        let request = match body {
            None => http::Request::get(url.as_str()),
            Some(_) => http::Request::post(url.as_str()).header(CONTENT_TYPE, "application/json"),
        };
        let request = request
            .header(AUTHORIZATION, header)
            .header(ACCEPT, "application/json")
            .body(body.unwrap_or_default().as_bytes().to_vec())
            .map_err(|_| unfit())?;
        let client = self.fetcher.client(Purpose::Idp, url)?;
        let carrier = Carrier::new(client, self.fetcher.clock.now().wall_ms);
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, carrier.carry(request)).await;
        let Ok(answer) = answer else {
            return Err(fault(place, AuthKind::Timeout, "did not answer in time"));
        };
        let away = |_| fault(place, AuthKind::Network, "could not be reached");
        let body = Zeroizing::new(answer.map_err(away)?.into_body());
        Ok((carrier.seen(), body))
    }

    /// A token for the vaults, and its number; another one than that which a vault rejected.
    async fn token(
        &self,
        place: &KeyVaultRef,
        rejected: Option<u64>,
    ) -> Result<(u64, SecretString), AuthError> {
        let mut held = self.token.lock().await;
        let now = self.fetcher.clock.now();
        let good = |token: &&Token| Some(token.serial) != rejected && token.is_live(now);
        if let Some(token) = held.as_ref().filter(good) {
            return Ok((token.serial, token.secret.clone()));
        }
        let serial = held.as_ref().map_or(1, |token| token.serial + 1);
        let issued = self.fetch().await.map_err(|error| unproven(place, error))?;
        let token = held.insert(Token::new(issued, serial, 0.0));
        Ok((serial, token.secret.clone()))
    }

    async fn fetch(&self) -> Result<crate::token::Issued, AuthError> {
        let setup = &self.setup;
        let resource = format!("https://{}", setup.domain);
        let none = || AuthError::new(AuthKind::Secret, "no secret is configured");
        let mut refusal = None;
        for candidate in setup.proof.candidates() {
            let asked = match self.wallet.show(candidate).await {
                Ok(shown) => {
                    let ask = Ask {
                        token_url: endpoint_of(
                            &setup.authority,
                            &setup.tenant,
                            "oauth2/v2.0/token",
                        ),
                        scope: format!("{resource}/.default"),
                        grant: Grant::Application,
                        evidence: shown.evidence,
                        expected: Expected {
                            tenant: setup.tenant.clone(),
                            client_id: setup.client_id.clone(),
                            audiences: vec![resource.clone(), VAULT_APPLICATION.to_owned()],
                            user: None,
                        },
                        // Nothing here answers a challenge, so none is asked for.
                        claims: String::new(),
                    };
                    self.fetcher.fetch(ask).await
                }
                Err(error) => Err(error),
            };
            match asked {
                Ok(issued) => return Ok(issued),
                // A later one is for where an earlier one is refused or missing.
                Err(error) if matches!(error.kind, AuthKind::Credential | AuthKind::Secret) => {
                    refusal.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(refusal.unwrap_or_else(none))
    }
}

/// Key Vault itself, as an audience.
const VAULT_APPLICATION: &str = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093";

fn fault(place: &KeyVaultRef, kind: AuthKind, reason: &str) -> AuthError {
    AuthError::new(kind, format!("the key vault of `{place}` {reason}"))
}

/// The vault was not asked, since there is no token for it. What is wrong is not the credential of
/// the connection, so nobody shall take it for that.
fn unproven(place: &KeyVaultRef, mut error: AuthError) -> AuthError {
    if !error.kind.is_transient() {
        error.kind = AuthKind::Secret;
    }
    error.reason = format!(
        "there is no token for the key vault of `{place}`: {}",
        error.reason
    );
    error
}
