//! The way out: what may leave, with which token, and what came back.

use std::time::Duration;

use actions_contract::{
    ActionError, Api, Body, BoxFuture, Call, Egress, EgressError, ErrorKind, HeaderText, Request,
    Response, Secret, Sent, Target,
};
use bytes::Bytes;
use engine_model::{Millis, TenantId, code};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, timeout_at};

use crate::Broker;
use crate::broker::Pass;
use crate::clients::Purpose;
use crate::errand::Errand;
use crate::error::{invalid, refused, unconfigured};
use crate::exchange::{Outgoing, secret_header};
use crate::guard::{check_effect, check_header};
use crate::link::Link;
use crate::store::Keeping;
use crate::target::join;
use crate::telemetry::{TokenEvent, TokenEventKind, TokenSubject};

const SCRUBBED: &str = "[secret]";

impl Egress for Broker {
    fn tenants(&self, connection: Option<&str>) -> Result<Vec<TenantId>, EgressError> {
        self.active_tenants(connection)
    }

    fn send<'a>(
        &'a self,
        call: &'a Call,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>> {
        Box::pin(async move {
            let begun = self.clock.now().steady_ms;
            let operation = request.operation.clone();
            let method = request.method.as_str();
            let result = match request.target {
                Target::Api(api) => self.send_to_api(call, api, &request).await,
                Target::Url(_) | Target::Link(_) | Target::SecretUrl(_) => {
                    self.send_to_url(call, &request).await
                }
            };
            let elapsed_ms = self.clock.now().steady_ms.saturating_sub(begun);
            tracing::debug!(
                run = %call.run,
                playbook = %call.playbook,
                step = call.step,
                action = %call.action,
                attempt = call.attempt,
                operation = %operation,
                method,
                status = result.as_ref().ok().map(|response| response.status),
                code = result.as_ref().err().map(|error| error.error.code.as_ref()),
                elapsed_ms,
                "request.done"
            );
            result
        })
    }
}

impl Broker {
    async fn send_to_api(
        &self,
        call: &Call,
        api: Api,
        request: &Request,
    ) -> Result<Response, EgressError> {
        check_effect(call.mode, call.effect, request.method, true).map_err(refused)?;
        let link = self.link(call)?;
        let outgoing = self.to_api(link, api, request)?;
        let deadline = self.deadline(call);
        let quota = self.quotas.of(
            link,
            link.directory(call.tenant.as_str()),
            api,
            &request.operation,
        );
        // Before the token: it would age in the line.
        let permit = match &quota {
            Some(quota) => Some(self.permit(call, quota, deadline).await?),
            None => None,
        };
        let begun_ms = self.clock.now().wall_ms;
        let errand = Errand {
            link,
            api,
            subject: TokenSubject::of(call, link, api),
            quota: quota.as_ref(),
            deadline,
        };
        let result = self.send_with_token(&errand, &outgoing).await;
        if let Some(permit) = permit {
            permit.done().await;
        }
        if let (Some(quota), Ok(response)) = (&quota, &result)
            && response.status == 429
        {
            let wait = response.retry_after.unwrap_or(Millis::ZERO);
            self.limiter.pause(quota, begun_ms, wait).await;
        }
        result
    }

    async fn send_to_url(&self, call: &Call, request: &Request) -> Result<Response, EgressError> {
        check_effect(call.mode, call.effect, request.method, false).map_err(refused)?;
        self.prepare_request(request).await?;
        let outgoing = self.to_url(request)?;
        self.send_once(&outgoing, None, self.deadline(call)).await
    }

    /// The request to an API, without its token.
    fn to_api(&self, link: &Link, api: Api, request: &Request) -> Result<Outgoing, EgressError> {
        let Some(route) = link.apis.get(&api) else {
            return Err(unconfigured(format!(
                "connection `{}` does not offer `{}`; see `connections.{}.apis`",
                link.name,
                api.as_str(),
                link.name
            )));
        };
        let url = join(&route.base_url, &request.path, &request.query).map_err(invalid)?;
        let peer = format!(
            "{} (`{}`)",
            api.as_str(),
            url.host_str().unwrap_or_default()
        );
        let mut outgoing = self.outgoing(Purpose::Api, url, request, peer)?;
        outgoing
            .headers
            .entry(http::header::ACCEPT)
            .or_insert(HeaderValue::from_static("application/json"));
        Ok(outgoing)
    }

    /// The request to any other URL.
    fn to_url(&self, request: &Request) -> Result<Outgoing, EgressError> {
        let not_a_url = |_| invalid("the URL cannot be read");
        match &request.target {
            Target::Url(text) => {
                let base = Url::parse(text).map_err(not_a_url)?;
                let url = join(&base, &request.path, &request.query).map_err(invalid)?;
                self.rules.check(&url, false).map_err(refused)?;
                let peer = format!("`{}`", url.host_str().unwrap_or_default());
                self.outgoing(Purpose::Web, url, request, peer)
            }
            Target::Link(text) => {
                let url = Url::parse(text).map_err(not_a_url)?;
                let is_plain = request.method == actions_contract::Method::Get
                    && request.body == Body::Empty
                    && request.headers.is_empty();
                if !is_plain {
                    return Err(invalid("a link is read, and nothing is sent along"));
                }
                self.rules.check_link(&url).map_err(refused)?;
                let peer = format!("`{}`", url.host_str().unwrap_or_default());
                self.outgoing(Purpose::Web, url, request, peer)
            }
            Target::SecretUrl(secret) => {
                let peer = format!("the hook `{}`", secret.name);
                let text = self.secret(secret)?;
                let url = Url::parse(text.expose_secret())
                    .map_err(|_| invalid(format!("{peer} is not a URL")))?;
                self.rules.check(&url, true).map_err(refused)?;
                let mut outgoing = self.outgoing(Purpose::Web, url, request, peer)?;
                outgoing.is_hook = true;
                let path = outgoing.url.path().to_owned();
                outgoing
                    .scrub
                    .extend([(text, SCRUBBED), (path.into(), SCRUBBED)]);
                Ok(outgoing)
            }
            Target::Api(_) => Err(invalid("an API is not a URL")),
        }
    }

    fn outgoing(
        &self,
        purpose: Purpose,
        url: Url,
        request: &Request,
        peer: String,
    ) -> Result<Outgoing, EgressError> {
        let method = Method::from_bytes(request.method.as_str().as_bytes())
            .map_err(|_| invalid("the method cannot be sent"))?;
        let mut outgoing = Outgoing {
            client: self.clients.get(purpose, &url).map_err(|fault| {
                let message = format!("{peer} could not be reached: {fault}");
                let kind = ErrorKind::Network;
                EgressError::unsent(ActionError::retryable(kind, code::BR0201, message, None))
            })?,
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            scrub: Vec::new(),
            peer,
            is_hook: false,
            bytes_max: self.setup.http.response_bytes_max,
            keeping: self.keeping(request)?,
        };
        self.fill(&mut outgoing, request, purpose == Purpose::Api)?;
        Ok(outgoing)
    }

    fn keeping(&self, request: &Request) -> Result<Option<Keeping>, EgressError> {
        match (request.keep_bytes_max, &self.store) {
            (None, _) => Ok(None),
            (Some(bytes_max), Some(folder)) => Ok(Some(Keeping {
                folder: folder.clone(),
                bytes_max,
            })),
            (Some(_), None) => Err(unconfigured("there is no store to keep a file in")),
        }
    }

    /// Puts body and headers in.
    fn fill(
        &self,
        outgoing: &mut Outgoing,
        request: &Request,
        is_api: bool,
    ) -> Result<(), EgressError> {
        let content_type = match &request.body {
            Body::Empty => None,
            Body::Json(value) => {
                let bytes =
                    serde_json::to_vec(value).map_err(|_| invalid("the body is not JSON"))?;
                outgoing.body = bytes.into();
                Some("application/json")
            }
            Body::Bytes {
                content_type,
                bytes,
            } => {
                outgoing.body = Bytes::copy_from_slice(bytes);
                Some(content_type.as_ref())
            }
        };
        if let Some(content_type) = content_type {
            let value = HeaderValue::from_str(content_type)
                .map_err(|_| invalid("the media type of the body cannot be sent"))?;
            outgoing.headers.insert(http::header::CONTENT_TYPE, value);
        }
        for (name, text) in &request.headers {
            check_header(name, text, is_api).map_err(refused)?;
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| invalid(format!("`{name}` is not the name of a header")))?;
            let value = match text {
                HeaderText::Text(text) => HeaderValue::from_str(text)
                    .map_err(|_| invalid(format!("the header `{name}` cannot be sent")))?,
                HeaderText::Secret(secret) => {
                    let text = self.secret(secret)?;
                    let value = secret_header(text.expose_secret())?;
                    outgoing.scrub.push((text, SCRUBBED));
                    value
                }
            };
            outgoing.headers.insert(header, value);
        }
        Ok(())
    }

    fn secret(&self, secret: &Secret) -> Result<SecretString, EgressError> {
        let unread = |message: String| {
            let kind = ErrorKind::Unauthorized;
            EgressError::unsent(ActionError::permanent(kind, code::BR0106, message))
        };
        let Some(reference) = self.setup.secrets.get(&secret.name) else {
            let name = &secret.name;
            return Err(unread(format!(
                "there is no secret `{name}` under `secrets`"
            )));
        };
        self.secrets
            .read(reference)
            .map_err(|error| unread(error.to_string()))
    }

    fn deadline(&self, call: &Call) -> Instant {
        let time = call.time_left.min(self.setup.http.timeout);
        // Tokio's own clock, since the wait is Tokio's.
        Instant::now() + Duration::from_millis(time.as_ms())
    }

    pub(crate) async fn pass(
        &self,
        link: &Link,
        api: Api,
        subject: &TokenSubject,
        deadline: Instant,
    ) -> Result<Pass, EgressError> {
        match timeout_at(deadline, self.token(link, api, subject)).await {
            Ok(pass) => {
                pass.map_err(|error| EgressError::unsent(error.to_action_error(&link.name)))
            }
            Err(_) => {
                let message = format!("connection `{}`: no token within the time left", link.name);
                let kind = ErrorKind::Timeout;
                Err(EgressError::unsent(ActionError::retryable(
                    kind,
                    code::BR0202,
                    message,
                    None,
                )))
            }
        }
    }

    pub(crate) async fn send_once(
        &self,
        outgoing: &Outgoing,
        pass: Option<&Pass>,
        deadline: Instant,
    ) -> Result<Response, EgressError> {
        let bearer = pass.map(|pass| &pass.grasp.token.secret);
        let now_ms = self.clock.now().wall_ms;
        if deadline <= Instant::now() {
            return Err(too_late(outgoing, Sent::No));
        }
        match timeout_at(deadline, outgoing.send(bearer, now_ms)).await {
            Ok(result) => result,
            Err(_) => Err(too_late(outgoing, Sent::Maybe)),
        }
    }

    pub(crate) fn tell_used(&self, subject: &TokenSubject, pass: &Pass) {
        let grasp = &pass.grasp;
        let mut event = TokenEvent::new(TokenEventKind::Used, subject, grasp.epoch);
        event.source = Some(grasp.source);
        event.token = Some(grasp.token.name.clone());
        event.ttl_s = Some(grasp.token.ttl_s(self.clock.now()));
        self.telemetry.tell(&event);
    }
}

fn too_late(outgoing: &Outgoing, sent: Sent) -> EgressError {
    let message = format!("{} did not answer within the time left", outgoing.peer);
    let error = ActionError::retryable(ErrorKind::Timeout, code::BR0202, message, None);
    EgressError { error, sent }
}
