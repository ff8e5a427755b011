//! One request to an API: its turn, its token, and what follows when the API rejects the token.

use actions_contract::{ActionError, Api, Call, EgressError, ErrorKind, Response};
use engine_model::code;
use tokio::time::Instant;

use crate::Broker;
use crate::exchange::Outgoing;
use crate::limit_config::Quota;
use crate::limiter::{Ask, Closed, Permit};
use crate::link::Link;
use crate::slot::Rejection;
use crate::telemetry::TokenSubject;

/// For whom a request leaves, and until when.
pub(crate) struct Errand<'a> {
    pub(crate) link: &'a Link,
    pub(crate) api: Api,
    pub(crate) subject: TokenSubject,
    pub(crate) quota: Option<&'a Quota>,
    pub(crate) deadline: Instant,
}

impl Broker {
    /// Waits until the limit of the API lets the request pass.
    pub(crate) async fn permit<'a>(
        &'a self,
        call: &'a Call,
        quota: &'a Quota,
        deadline: Instant,
    ) -> Result<Permit<'a>, EgressError> {
        let ask = Ask {
            quota,
            lane: call.effect.into(),
            run: &call.run,
            deadline,
        };
        self.limiter.pass(ask).await.map_err(|closed| {
            tracing::info!(
                run = %call.run,
                step = call.step,
                tenant = quota.bucket.tenant,
                api = quota.bucket.api.as_str(),
                class = quota.bucket.class,
                lane = ask.lane.as_str(),
                wait_ms = closed.wait.as_ms(),
                "quota.refused"
            );
            limited(quota, closed)
        })
    }

    pub(crate) async fn send_with_token(
        &self,
        errand: &Errand<'_>,
        outgoing: &Outgoing,
    ) -> Result<Response, EgressError> {
        let (link, api, subject) = (errand.link, errand.api, &errand.subject);
        let pass = self.pass(link, api, subject, errand.deadline).await?;
        self.tell_used(subject, &pass);
        let response = self
            .send_once(outgoing, Some(&pass), errand.deadline)
            .await?;
        if response.status != 401 {
            return Ok(response);
        }
        // A 401 was not executed, whatever the method: the same request may go again, once.
        if self.cache.reject(&pass.key, subject, &pass.grasp.token) == Rejection::TooSoon {
            return Err(rejected(link, api));
        }
        let pass = self.pass(link, api, subject, errand.deadline).await?;
        if let Some(quota) = errand.quota {
            self.limiter.charge(quota).await;
        }
        self.tell_used(subject, &pass);
        let response = self
            .send_once(outgoing, Some(&pass), errand.deadline)
            .await?;
        if response.status == 401 {
            Err(rejected(link, api))
        } else {
            Ok(response)
        }
    }
}

/// The limit of an API is used up for longer than the call has time.
fn limited(quota: &Quota, closed: Closed) -> EgressError {
    let open_at = chrono::DateTime::from_timestamp_millis(closed.open_at_ms)
        .map_or_else(String::new, |at| {
            at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
        });
    let message = format!(
        "{}: {}; the next call is possible at {open_at}",
        quota.bucket,
        closed.obstacle.as_str()
    );
    let (kind, wait) = (ErrorKind::RateLimited, Some(closed.wait));
    EgressError::unsent(ActionError::retryable(kind, code::BR0203, message, wait))
}

fn rejected(link: &Link, api: Api) -> EgressError {
    let message = format!(
        "connection `{}`: {} rejects a fresh token; check `cloud`, `scope` and the host of the API",
        link.name,
        api.as_str()
    );
    EgressError::unsent(ActionError::permanent(
        ErrorKind::Unauthorized,
        code::BR0105,
        message,
    ))
}
