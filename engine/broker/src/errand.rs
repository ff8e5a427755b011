//! One request to an API: its turn, its token, and what follows when the API rejects the token.

use actions_contract::{ActionError, Api, Call, EgressError, ErrorKind, Response};
use engine_model::code;
use tokio::time::Instant;

use crate::Broker;
use crate::challenge::Challenge;
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

    /// Sends the request with a token; again, once per cause, with another token where the API
    /// rejects it. A 401 was not executed, whatever the method.
    pub(crate) async fn send_with_token(
        &self,
        errand: &Errand<'_>,
        outgoing: &Outgoing,
    ) -> Result<Response, EgressError> {
        let (link, api, subject) = (errand.link, errand.api, &errand.subject);
        let (mut was_rejected, mut was_challenged) = (false, false);
        loop {
            let pass = self.pass(link, api, subject, errand.deadline).await?;
            if let Some(quota) = errand.quota
                && (was_rejected || was_challenged)
            {
                self.limiter.charge(quota).await;
            }
            self.tell_used(subject, &pass);
            let sent = self.send_once(outgoing, Some(&pass), errand.deadline);
            let response = sent.await?;
            if response.status != 401 {
                return Ok(response);
            }
            let token = &pass.grasp.token;
            let Some(challenge) = Challenge::of(&response) else {
                if was_rejected
                    || self.cache.reject(&pass.key, subject, token) == Rejection::TooSoon
                {
                    return Err(rejected(link, api));
                }
                was_rejected = true;
                continue;
            };
            if was_challenged
                || self.cache.challenge(&pass.key, subject, token, challenge) == Rejection::Loop
            {
                return Err(unsatisfied(link, api));
            }
            was_challenged = true;
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

fn unsatisfied(link: &Link, api: Api) -> EgressError {
    let message = format!(
        "connection `{}`: {} asks for claims that the token service does not give; check the \
         conditional access policies of the tenant",
        link.name,
        api.as_str()
    );
    EgressError::unsent(ActionError::permanent(
        ErrorKind::Unauthorized,
        code::BR0114,
        message,
    ))
}
