//! Tokens of other identity services that stand for an application.

use std::io::Read as _;
use std::path::Path;

use http::header::{ACCEPT, AUTHORIZATION};
use oauth2::HttpResponse;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::carrier::Carrier;
use crate::clients::Purpose;
use crate::credential::{FederatedFrom, Federation};
use crate::error::{AuthError, AuthKind};
use crate::exchange::secret_header;
use crate::fetch::Fetcher;
use crate::refusal::kind_of_status;

const FILE_BYTES_MAX: u64 = 64 * 1024;

impl Fetcher {
    /// The token as it is now. Never kept: it lives for minutes, and whoever reads it once at the
    /// start is locked out an hour later.
    pub(crate) async fn federated(
        &self,
        federation: &Federation,
    ) -> Result<SecretString, AuthError> {
        match &federation.from {
            FederatedFrom::WorkloadIdentity => {
                let name = "AZURE_FEDERATED_TOKEN_FILE";
                let Some(path) = self.secrets.variable(name) else {
                    return Err(unread(format!("`{name}` is not set")));
                };
                read_file(Path::new(&path))
            }
            FederatedFrom::File(path) => read_file(path),
            FederatedFrom::GithubActions => self.github(federation.audience).await,
            FederatedFrom::Managed(managed) => {
                let reply = self.managed(managed, federation.audience).await?;
                Ok(SecretString::from(reply.access_token.into_secret()))
            }
        }
    }

    async fn github(&self, audience: &str) -> Result<SecretString, AuthError> {
        let variable = |name: &str| {
            let missing = || {
                unread(format!(
                    "`{name}` is not set; the job needs `id-token: write`"
                ))
            };
            self.secrets.variable(name).ok_or_else(missing)
        };
        let url = variable("ACTIONS_ID_TOKEN_REQUEST_URL")?;
        let token = SecretString::from(variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?);
        let mut url = Url::parse(&url)
            .ok()
            .filter(crate::problems::is_secure)
            .ok_or_else(|| unread("`ACTIONS_ID_TOKEN_REQUEST_URL` is not an https URL".into()))?;
        url.query_pairs_mut().append_pair("audience", audience);
        let bearer = SecretString::from(format!("Bearer {}", token.expose_secret()));
        let header = secret_header(bearer.expose_secret())
            .map_err(|_| unread("`ACTIONS_ID_TOKEN_REQUEST_TOKEN` cannot be sent".into()))?;
        let request = http::Request::get(url.as_str())
            .header(AUTHORIZATION, header)
            .header(ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| unread("the request for the job's token cannot be built".into()))?;
        let client = self.client(Purpose::Idp, &url)?;
        let carrier = Carrier::new(client, self.clock.now().wall_ms);
        let answer = carrier.carry(request).await.map_err(|cause| {
            let reason = format!("the job's identity: {cause}");
            AuthError::new(AuthKind::Network, reason)
        })?;
        self.read_github(&answer, &carrier)
    }

    fn read_github(
        &self,
        answer: &HttpResponse,
        carrier: &Carrier,
    ) -> Result<SecretString, AuthError> {
        #[derive(Deserialize)]
        struct Job {
            value: String,
        }
        let seen = carrier.seen();
        let job = serde_json::from_slice::<Job>(answer.body());
        if let (200, Ok(job)) = (answer.status().as_u16(), job) {
            return Ok(job.value.into());
        }
        let kind = kind_of_status(seen.status).unwrap_or(AuthKind::Secret);
        let mut error = AuthError::new(kind, "GitHub gave no token for the job");
        error.http_status = seen.status;
        error.retry_after = seen.retry_after;
        Err(error)
    }
}

fn unread(reason: String) -> AuthError {
    AuthError::new(AuthKind::Secret, reason)
}

/// The orchestrator hands the file out with modes of its own choice, so none is asked for.
fn read_file(path: &Path) -> Result<SecretString, AuthError> {
    let fault = |reason: &str| unread(format!("the token file `{}` {reason}", path.display()));
    let file = std::fs::File::open(path).map_err(|_| fault("cannot be read"))?;
    let mut text = String::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    let text = SecretString::from(text);
    match read {
        Ok(length) if length as u64 > FILE_BYTES_MAX => Err(fault("is larger than 64 KiB")),
        Ok(_) if text.expose_secret().trim().is_empty() => Err(fault("is empty")),
        Ok(_) => Ok(text.expose_secret().trim().into()),
        Err(_) => Err(fault("cannot be read")),
    }
}
