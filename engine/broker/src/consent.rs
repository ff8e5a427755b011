//! Waiting for an administrator who consents, where the browser comes back to this machine.

use std::time::Duration;

use actions_contract::ActionError;

use crate::broker::Broker;
use crate::error::{AuthError, AuthKind};
use crate::link::Role;
use crate::loopback::Loopback;
use crate::partner::{ConsentLink, Consented};
use crate::problems::parse_base;
use crate::target::is_loopback;

impl Broker {
    /// Makes a consent link, tells it, and waits for the answer. None where the redirect of the
    /// connection leads to another machine: its answer goes to [`Broker::consent_answer`].
    ///
    /// # Errors
    ///
    /// When there can be no link, or the administrator does not consent.
    pub async fn ask_consent(
        &self,
        connection: &str,
        tenant: &str,
        tell: &(dyn Fn(&ConsentLink) + Send + Sync),
    ) -> Result<Option<Consented>, ActionError> {
        let link = self.consent_link(connection, tenant)?;
        let redirect = match self.setup.links.get(connection).map(|link| &link.role) {
            Some(Role::Partner(partner)) => partner.redirect_uri.as_deref().and_then(parse_base),
            _ => None,
        };
        let Some(redirect) = redirect.filter(|url| url.scheme() == "http" && is_loopback(url))
        else {
            tell(&link);
            return Ok(None);
        };
        let failed = |error: AuthError| error.to_action_error(connection);
        let loopback = Loopback::bind(&redirect).await.map_err(failed)?;
        tell(&link);
        let wait = Duration::from_millis(link.expires_in.as_ms());
        match tokio::time::timeout(wait, loopback.query()).await {
            Ok(query) => self.consent_answer(&query).map(Some),
            Err(_) => {
                let reason = "nobody consented within 15 minutes";
                Err(failed(AuthError::new(AuthKind::Consent, reason)))
            }
        }
    }
}
