//! Tokens of managed identities, from the metadata service of the machine.
//!
//! Never through a proxy and never along a redirect: the service answers whoever asks from this
//! machine. The platform keeps its tokens for up to a day, so a new permission shows late.

use chrono::DateTime;
use oauth2::basic::BasicTokenType;
use oauth2::{AccessToken, HttpRequest};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::carrier::Carrier;
use crate::clients::Purpose;
use crate::credential::{Identity, Managed, MetadataEndpoint};
use crate::error::{AuthError, AuthKind};
use crate::exchange::secret_header;
use crate::fetch::{ANSWER_TIMEOUT, Fetcher};
use crate::refusal::{is_plain, kind_of_status};
use crate::reply::{Reply, seconds};
use engine_model::Millis;

const IMDS: &str = "http://169.254.169.254";
/// While the service is being updated it asks to come back later.
const GONE_PAUSE: Millis = Millis::from_secs(10);

/// How the metadata service answers.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default)]
    expires_on: Option<serde_json::Value>,
    #[serde(default, deserialize_with = "seconds")]
    refresh_in: Option<u64>,
}

impl Fetcher {
    /// Asks for a token of an identity of the machine, for a resource.
    pub(crate) async fn managed(
        &self,
        managed: &Managed,
        resource: &str,
    ) -> Result<Reply, AuthError> {
        let (url, request) = self.metadata_request(managed, resource)?;
        let now_ms = self.clock.now().wall_ms;
        let carrier = Carrier::new(self.client(Purpose::Metadata, &url)?, now_ms);
        let answer = match tokio::time::timeout(ANSWER_TIMEOUT, carrier.carry(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                let reason = "the metadata service of this machine could not be reached";
                return Err(AuthError::new(AuthKind::Network, reason));
            }
            Err(_) => {
                let reason = "the metadata service of this machine did not answer in time";
                return Err(AuthError::new(AuthKind::Timeout, reason));
            }
        };
        let status = answer.status().as_u16();
        if status != 200 {
            let mut error = refused(status, answer.body());
            error.retry_after = carrier.seen().retry_after.or(error.retry_after);
            return Err(error);
        }
        let answer: Answer = serde_json::from_slice(answer.body()).map_err(|_| {
            let reason = "the metadata service of this machine answered nonsense";
            AuthError::new(AuthKind::Server, reason)
        })?;
        let until = answer.expires_on.as_ref().and_then(epoch_s);
        let left =
            until.map(|until| u64::try_from(until.saturating_sub(now_ms / 1000)).unwrap_or(0));
        Ok(Reply {
            access_token: AccessToken::new(answer.access_token),
            token_type: BasicTokenType::Bearer,
            expires_in: answer.expires_in.or(left),
            refresh_in: answer.refresh_in,
            refresh_token: None,
            id_token: None,
        })
    }

    fn metadata_request(
        &self,
        managed: &Managed,
        resource: &str,
    ) -> Result<(Url, HttpRequest), AuthError> {
        let variable = |name: &str| self.secrets.variable(name);
        let app_service = variable("IDENTITY_ENDPOINT").zip(variable("IDENTITY_HEADER"));
        let (endpoint, secret) = match (managed.endpoint, app_service) {
            (MetadataEndpoint::Auto | MetadataEndpoint::AppService, Some((endpoint, secret))) => {
                (endpoint, Some(SecretString::from(secret)))
            }
            (MetadataEndpoint::AppService, None) => {
                let reason = "`IDENTITY_ENDPOINT` or `IDENTITY_HEADER` is not set";
                return Err(AuthError::new(AuthKind::Secret, reason));
            }
            (MetadataEndpoint::Auto | MetadataEndpoint::Imds, _) => {
                let host = variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");
                let host = host.unwrap_or_else(|| IMDS.to_owned());
                let host = host.trim_end_matches('/');
                (format!("{host}/metadata/identity/oauth2/token"), None)
            }
        };
        let wrong = || {
            let reason = "the URL of the metadata service cannot be used";
            AuthError::new(AuthKind::Configuration, reason)
        };
        let mut url = Url::parse(&endpoint).map_err(|_| wrong())?;
        if !is_near(&url) {
            return Err(wrong());
        }
        let (version, resource_id) = match secret {
            Some(_) => ("2019-08-01", "mi_res_id"),
            None => ("2018-02-01", "msi_res_id"),
        };
        url.query_pairs_mut()
            .append_pair("api-version", version)
            .append_pair("resource", resource);
        let (name, id) = match &managed.identity {
            Identity::System => ("", ""),
            Identity::ClientId(id) => ("client_id", id.as_str()),
            Identity::ObjectId(id) => ("object_id", id.as_str()),
            Identity::ResourceId(id) => (resource_id, id.as_str()),
        };
        if !name.is_empty() {
            url.query_pairs_mut().append_pair(name, id);
        }
        let builder = http::Request::get(url.as_str());
        let builder = match secret {
            None => builder.header("metadata", "true"),
            Some(secret) => {
                let value = secret_header(secret.expose_secret()).map_err(|_| wrong())?;
                builder.header("x-identity-header", value)
            }
        };
        let request = builder.body(Vec::new()).map_err(|_| wrong())?;
        Ok((url, request))
    }
}

/// Whether the service is on this machine or its link, where plain `http` is seen by nobody.
fn is_near(url: &Url) -> bool {
    let near = match crate::target::host_ip(url) {
        Some(std::net::IpAddr::V4(address)) => address.is_link_local() || address.is_loopback(),
        _ => crate::target::is_loopback(url),
    };
    url.scheme() == "http" && near
}

fn refused(status: u16, body: &[u8]) -> AuthError {
    #[derive(Deserialize)]
    struct Word {
        error: String,
    }
    let (kind, reason) = match status {
        404 | 410 => (
            AuthKind::Server,
            "the metadata service of this machine is not ready",
        ),
        400 => (
            AuthKind::Configuration,
            "the machine does not have the identity, or the resource is unknown",
        ),
        _ => (
            kind_of_status(Some(status)).unwrap_or(AuthKind::Configuration),
            "the metadata service of this machine refused the request",
        ),
    };
    let mut error = AuthError::new(kind, reason);
    error.http_status = Some(status);
    error.retry_after = (status == 410).then_some(GONE_PAUSE);
    let word = serde_json::from_slice::<Word>(body).ok();
    error.error = word
        .map(|word| word.error)
        .filter(|word| is_plain(word, 64));
    error
}

/// A time as seconds since the epoch: a number, a text with one, or a date.
fn epoch_s(value: &serde_json::Value) -> Option<i64> {
    let Some(text) = value.as_str() else {
        return value.as_i64();
    };
    let text = text.trim();
    let date = |date: DateTime<chrono::FixedOffset>| date.timestamp();
    text.parse()
        .ok()
        .or_else(|| DateTime::parse_from_rfc3339(text).ok().map(date))
        .or_else(|| {
            DateTime::parse_from_str(text, "%m/%d/%Y %H:%M:%S %:z")
                .ok()
                .map(date)
        })
}
