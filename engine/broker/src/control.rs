//! Calls of the command line to its own engine: the one outbound connection that is not an
//! action's. No token is involved, only the key of a person.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Url};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::SecretRef;
use crate::secret::Secrets;

/// Why an engine could not be called. Never holds the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ControlError(String);

/// What an engine answered.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null where it is not JSON.
    pub body: Value,
}

/// A client of an engine's own API.
pub struct ControlClient {
    base: Url,
    key: HeaderValue,
    client: Client,
}

/// Reads the value behind a secret reference, for keys of the configuration and the command line.
///
/// # Errors
///
/// When it is not set, empty, or a file that others may read; names the reference only.
pub fn resolve(reference: &SecretRef) -> Result<String, ControlError> {
    let secrets = Secrets::new(Arc::new(|name| std::env::var(name).ok()));
    match secrets.read(reference) {
        Ok(value) => Ok(value.expose_secret().to_owned()),
        Err(error) => Err(ControlError(error.to_string())),
    }
}

/// `text` as one segment of a path.
#[must_use]
pub fn path_segment(text: &str) -> String {
    let mut url = Url::parse("http://localhost/").expect("the constant is a URL");
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.push(text);
    }
    url.path().trim_start_matches('/').to_owned()
}

impl ControlClient {
    /// A client of the engine at `url`, which calls with `key`.
    ///
    /// # Errors
    ///
    /// When `url` is not one, or is plain `http` to another machine: the key would be seen.
    pub fn new(url: &str, key: &str) -> Result<Self, ControlError> {
        let failed = |message: &str| ControlError(format!("`{url}`: {message}"));
        let base = Url::parse(url).map_err(|error| failed(&error.to_string()))?;
        let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let loopback = host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        if base.scheme() != "https" && !loopback {
            return Err(failed("use https for an engine on another machine"));
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {key}"))
            .map_err(|_| failed("the key has characters that no header may hold"))?;
        header.set_sensitive(true);
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(60));
        if base.scheme() == "http" {
            builder = builder.tls_certs_only([]);
        }
        let client = builder
            .build()
            .map_err(|error| failed(&error.to_string()))?;
        Ok(Self {
            base,
            key: header,
            client,
        })
    }

    /// Asks for `path`.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> Result<ControlAnswer, ControlError> {
        self.send(Method::GET, path, None).await
    }

    /// Sends `body` to `path`.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<ControlAnswer, ControlError> {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<ControlAnswer, ControlError> {
        let url = self
            .base
            .join(path)
            .map_err(|error| ControlError(error.to_string()))?;
        let mut request = self
            .client
            .request(method, url)
            .header(AUTHORIZATION, self.key.clone());
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let no_engine = |error: reqwest::Error| {
            let why = error.without_url();
            ControlError(format!("no engine answers at {}: {why}", self.base))
        };
        let response = request.send().await.map_err(no_engine)?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(no_engine)?;
        Ok(ControlAnswer {
            status,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_sent_in_the_clear_to_another_machine() {
        assert!(ControlClient::new("http://soc.example:8470", "k").is_err());
        assert!(ControlClient::new("http://127.0.0.1.evil.example", "k").is_err());
        assert!(ControlClient::new("http://127.0.0.1:8470", "k").is_ok());
        assert!(ControlClient::new("https://soc.example", "k").is_ok());
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(path_segment("a/b?c#d e"), "a%2Fb%3Fc%23d%20e");
    }
}
