//! The grants: how each becomes a form, and the form an answer.

use http::header::{ACCEPT, CONTENT_TYPE};
use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, PkceCodeVerifier, RedirectUrl,
    RefreshToken, ResourceOwnerPassword, ResourceOwnerUsername, Scope, StandardRevocableToken,
    TokenUrl,
};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use crate::carrier::{Carrier, Unreachable};
use crate::refusal::{self, Failure, Refusal};
use crate::reply::Reply;

const STATEMENT_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ON_BEHALF_OF: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// By what right a token is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Grant {
    /// The application's own.
    Application,
    /// A session that began earlier.
    Refresh(SecretString),
    /// A sign-in in a browser.
    Code {
        code: SecretString,
        verifier: SecretString,
        redirect: RedirectUrl,
    },
    /// A name and a password.
    Password {
        username: String,
        password: SecretString,
    },
    /// The token by which a person called us.
    OnBehalfOf(SecretString),
    /// A sign-in in a browser elsewhere.
    Device(SecretString),
}

/// What stands in a form to prove who asks.
#[derive(Debug)]
pub(crate) enum Proven {
    Nothing,
    Secret(SecretString),
    Statement(SecretString),
}

/// A form, ready to be filled in.
pub(crate) struct Form<'a> {
    pub(crate) token_url: &'a Url,
    pub(crate) client_id: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) grant: &'a Grant,
    pub(crate) claims: &'a str,
    pub(crate) proven: &'a Proven,
}

type Client = oauth2::Client<
    Refusal,
    Reply,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// Adds what the crate does not know and sends; each grant is a type of its own there.
macro_rules! send {
    ($request:expr, $extra:expr, $carrier:expr) => {{
        let mut request = $request;
        for (name, value) in $extra {
            request = request.add_extra_param(*name, *value);
        }
        request.request_async($carrier).await.map_err(Failure::from)
    }};
}

impl Grant {
    /// Whether a person stands behind it, who could sign in again.
    pub(crate) const fn is_user(&self) -> bool {
        !matches!(self, Self::Application)
    }
}

impl Form<'_> {
    /// Sends the form once.
    pub(crate) async fn send(&self, carrier: &Carrier) -> Result<Reply, Failure> {
        let mut client = Client::new(ClientId::new(self.client_id.to_owned()))
            .set_token_uri(TokenUrl::from_url(self.token_url.clone()))
            .set_auth_type(AuthType::RequestBody);
        if let Proven::Secret(secret) = self.proven {
            client = client.set_client_secret(ClientSecret::new(text(secret)));
        }
        let extra = self.extra();
        let scope = Scope::new(self.scope.to_owned());
        match self.grant {
            Grant::Application => {
                let request = client.exchange_client_credentials().add_scope(scope);
                send!(request, &extra, carrier)
            }
            Grant::Refresh(token) => {
                let token = RefreshToken::new(text(token));
                let request = client.exchange_refresh_token(&token).add_scope(scope);
                send!(request, &extra, carrier)
            }
            Grant::Code {
                code,
                verifier,
                redirect,
            } => {
                let client = client.set_redirect_uri(redirect.clone());
                let request = client
                    .exchange_code(AuthorizationCode::new(text(code)))
                    .set_pkce_verifier(PkceCodeVerifier::new(text(verifier)))
                    .add_extra_param("scope", self.scope);
                send!(request, &extra, carrier)
            }
            Grant::Password { username, password } => {
                let username = ResourceOwnerUsername::new(username.clone());
                let password = ResourceOwnerPassword::new(text(password));
                let request = client.exchange_password(&username, &password);
                send!(request.add_scope(scope), &extra, carrier)
            }
            Grant::OnBehalfOf(assertion) => {
                let fields = [
                    ("grant_type", ON_BEHALF_OF),
                    ("assertion", assertion.expose_secret()),
                    ("requested_token_use", "on_behalf_of"),
                    ("scope", self.scope),
                ];
                self.post(&fields, &extra, carrier).await
            }
            Grant::Device(code) => {
                let fields = [
                    ("grant_type", DEVICE_CODE),
                    ("device_code", code.expose_secret()),
                ];
                self.post(&fields, &extra, carrier).await
            }
        }
    }

    fn extra(&self) -> Vec<(&str, &str)> {
        let mut extra = Vec::new();
        if !self.claims.is_empty() {
            extra.push(("claims", self.claims));
        }
        if let Proven::Statement(statement) = self.proven {
            extra.push(("client_assertion_type", STATEMENT_TYPE));
            extra.push(("client_assertion", statement.expose_secret()));
        }
        extra
    }

    /// A grant that the crate does not have.
    async fn post(
        &self,
        fields: &[(&str, &str)],
        extra: &[(&str, &str)],
        carrier: &Carrier,
    ) -> Result<Reply, Failure> {
        let form = self.filled(fields, extra);
        let answer = post(self.token_url, form, carrier).await;
        refusal::read(&answer.map_err(Failure::Unreachable)?)
    }

    fn filled(&self, fields: &[(&str, &str)], extra: &[(&str, &str)]) -> String {
        let mut form = oauth2::url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("client_id", self.client_id);
        if let Proven::Secret(secret) = self.proven {
            form.append_pair("client_secret", secret.expose_secret());
        }
        form.extend_pairs(fields.iter().chain(extra));
        form.finish()
    }
}

/// Posts a form.
pub(crate) async fn post(
    url: &Url,
    form: String,
    carrier: &Carrier,
) -> Result<oauth2::HttpResponse, Unreachable> {
    let request = http::Request::post(url.as_str())
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.into_bytes())
        .map_err(|_| Unreachable::Build)?;
    carrier.carry(request).await
}

fn text(secret: &SecretString) -> String {
    secret.expose_secret().to_owned()
}
