//! One HTTP exchange: a request that can be sent again unchanged, and its answer as a value.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use actions_contract::{ActionError, EgressError, ErrorKind, Response, Sent};
use bytes::Bytes;
use engine_model::code;
use http::{HeaderMap, HeaderValue, Method};
use reqwest::{Client, Url};
use secrecy::{ExposeSecret as _, SecretString};

use crate::clients::{innermost, private_address};
use crate::error::{invalid, refused};
use crate::retry_after;
use crate::store::{Arriving, Keeping};

/// A secret shorter than this is not searched for in answers: it would be found everywhere.
const SCRUB_BYTES_MIN: usize = 8;

/// A request ready to leave, once or twice.
pub(crate) struct Outgoing {
    pub(crate) client: Client,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What must not come back in the answer, with what stands there instead.
    pub(crate) scrub: Vec<(SecretString, &'static str)>,
    /// How the other side is called in messages; never a secret URL.
    pub(crate) peer: String,
    /// Whether the URL is a secret, so that even causes stay unsaid.
    pub(crate) is_hook: bool,
    pub(crate) bytes_max: u64,
    /// Where a good answer is kept, if it is.
    pub(crate) keeping: Option<Keeping>,
}

impl Outgoing {
    /// Sends it, `bearer` in the header where there is one, and reads the answer.
    pub(crate) async fn send(
        &self,
        bearer: Option<&SecretString>,
        now_ms: i64,
    ) -> Result<Response, EgressError> {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        *request.headers_mut() = self.headers.clone();
        if let Some(token) = bearer {
            let text = SecretString::from(format!("Bearer {}", token.expose_secret()));
            let value = secret_header(text.expose_secret())?;
            request
                .headers_mut()
                .insert(http::header::AUTHORIZATION, value);
        }
        if !self.body.is_empty() {
            *request.body_mut() = Some(self.body.clone().into());
        }
        let answer = self
            .client
            .execute(request)
            .await
            .map_err(|error| self.failed(&error))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let mut body = match &self.keeping {
            Some(keeping) if (200..300).contains(&status) => self.keep(answer, keeping).await?,
            _ => self.read(answer).await?,
        };
        let mut headers = texts(&headers);
        let token = bearer.map(|token| (token, "[token]"));
        let secrets = self
            .scrub
            .iter()
            .map(|(secret, stand_in)| (secret, *stand_in));
        for (secret, stand_in) in token.into_iter().chain(secrets) {
            scrub(&mut body, secret, stand_in);
            for (_, value) in &mut headers {
                scrub_text(value, secret, stand_in);
            }
        }
        let header = headers.iter().find(|(name, _)| name == "retry-after");
        let header = header.map(|(_, value)| value.as_str());
        let retry_after = retry_after::wait(status, header, &body, now_ms);
        Ok(Response {
            status,
            headers,
            body,
            retry_after,
        })
    }

    async fn read(&self, mut answer: reqwest::Response) -> Result<Vec<u8>, EgressError> {
        if answer
            .content_length()
            .is_some_and(|length| length > self.bytes_max)
        {
            return Err(self.too_large(self.bytes_max));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.failed(&error))? {
            if (body.len() + chunk.len()) as u64 > self.bytes_max {
                return Err(self.too_large(self.bytes_max));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Writes an answer into the store as it arrives, and tells what is there then.
    async fn keep(
        &self,
        mut answer: reqwest::Response,
        keeping: &Keeping,
    ) -> Result<Vec<u8>, EgressError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let max = keeping.bytes_max;
        if answer.content_length().is_some_and(|length| length > max) {
            return Err(self.too_large(max));
        }
        let media_type = answer.headers().get(http::header::CONTENT_TYPE);
        let media_type = media_type.and_then(|text| text.to_str().ok().map(str::to_owned));
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut arriving =
            Arriving::begin(&keeping.folder, number).map_err(|error| unkept(&error))?;
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.failed(&error))? {
            if arriving.size_bytes() + chunk.len() as u64 > max {
                return Err(self.too_large(max));
            }
            arriving.write(&chunk).map_err(|error| unkept(&error))?;
        }
        let kept = arriving.end(media_type).map_err(|error| unkept(&error))?;
        Ok(serde_json::to_vec(&kept).expect("texts and a number serialise"))
    }

    fn too_large(&self, bytes_max: u64) -> EgressError {
        let message = format!(
            "the answer of {} is larger than {bytes_max} bytes",
            self.peer
        );
        let error = ActionError::permanent(ErrorKind::InvalidOutput, code::BR0205, message);
        EgressError {
            error,
            sent: Sent::Maybe,
        }
    }

    fn failed(&self, error: &reqwest::Error) -> EgressError {
        if error.is_builder() {
            return invalid(format!("the request to {} could not be built", self.peer));
        }
        if let Some(private) = private_address(error) {
            return refused(format!("{} may not be called: {private}", self.peer));
        }
        let sent = if error.is_connect() {
            Sent::No
        } else {
            Sent::Maybe
        };
        let cause = if self.is_hook {
            String::new()
        } else {
            format!(": {}", innermost(error))
        };
        let (kind, code, what) = if error.is_timeout() {
            (ErrorKind::Timeout, code::BR0202, "did not answer in time")
        } else if sent == Sent::No {
            (ErrorKind::Network, code::BR0201, "could not be reached")
        } else {
            (ErrorKind::Network, code::BR0201, "broke the connection off")
        };
        let message = format!("{} {what}{cause}", self.peer);
        EgressError {
            error: ActionError::retryable(kind, code, message, None),
            sent,
        }
    }
}

/// The store could not take a file: the disk is full, or not ours.
fn unkept(error: &io::Error) -> EgressError {
    let message = format!("the answer could not be kept: {error}");
    let error = ActionError::retryable(ErrorKind::Unavailable, code::ST0104, message, None);
    EgressError {
        error,
        sent: Sent::Maybe,
    }
}

/// A header value that no log shows.
pub(crate) fn secret_header(text: &str) -> Result<HeaderValue, EgressError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| invalid("a secret has a character that no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "set-cookie" | "set-cookie2"))
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

/// Replaces a secret that a service sent back, as echo services and error pages do.
fn scrub(body: &mut Vec<u8>, secret: &SecretString, stand_in: &str) {
    let needle = secret.expose_secret();
    if needle.len() < SCRUB_BYTES_MIN || body.len() < needle.len() {
        return;
    }
    // One pass, whatever comes back: the service knows the secret and can repeat it very often. A
    // secret is text, so it lies within text, even where the body as a whole is none.
    let mut kept = Vec::with_capacity(body.len());
    for chunk in body.utf8_chunks() {
        kept.extend_from_slice(chunk.valid().replace(needle, stand_in).as_bytes());
        kept.extend_from_slice(chunk.invalid());
    }
    *body = kept;
}

fn scrub_text(text: &mut String, secret: &SecretString, stand_in: &str) {
    let needle = secret.expose_secret();
    if needle.len() >= SCRUB_BYTES_MIN && text.contains(needle) {
        *text = text.replace(needle, stand_in);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_comes_back_is_replaced_everywhere() {
        let secret = SecretString::from("hunter2hunter2");
        let mut body = b"hunter2hunter2 and hunter2hunter2hunter2hunter2".to_vec();
        scrub(&mut body, &secret, "[token]");
        assert_eq!(body, b"[token] and [token][token]");
        let mut bytes = b"\xff\xc3hunter2hunter2\xfe".to_vec();
        scrub(&mut bytes, &secret, "[token]");
        assert_eq!(bytes, b"\xff\xc3[token]\xfe");
        let mut short = b"a b a".to_vec();
        scrub(&mut short, &SecretString::from("a"), "[token]");
        assert_eq!(short, b"a b a");
    }

    #[test]
    fn a_service_that_repeats_a_secret_without_end_does_not_hold_the_engine() {
        let mut body = b"hunter2hunter2".repeat(500_000);
        scrub(&mut body, &SecretString::from("hunter2hunter2"), "[token]");
        assert_eq!(body.len(), 500_000 * "[token]".len());
        let almost = format!("{}b", "a".repeat(2000));
        let mut body = vec![b'a'; 4_000_000];
        scrub(&mut body, &SecretString::from(almost), "[token]");
        assert_eq!(body.len(), 4_000_000);
    }
}
