//! A door for the benchmarks of this crate; nothing else may use it.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use actions_contract::Api;
use secrecy::SecretString;

use crate::cache::{Cache, Fetch};
use crate::challenge::Challenge;
use crate::clock::{Clock, SystemClock};
use crate::key::{KeyFacts, Principal, Sealer, TokenKey};
use crate::telemetry::{Telemetry, TokenSubject};
use crate::token::Issued;

/// For more tenants nothing is asked, so that what is measured is the cache alone.
const KEYS_MAX: usize = 100;

/// A cache with a fresh token per tenant, each as long as the vendor's.
#[expect(missing_debug_implementations, reason = "holds tokens")]
pub struct TokenShelf {
    cache: Cache,
    keys: Vec<TokenKey>,
    subject: TokenSubject,
}

impl TokenShelf {
    /// Fetches a token for each tenant.
    pub async fn filled(tenants: usize) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let credential = Sealer::new().fingerprint("secret");
        let key = |tenant: usize| {
            TokenKey::from(KeyFacts {
                authority: "https://login.microsoftonline.com/".to_owned(),
                tenant: format!("{tenant:08}-1111-1111-1111-111111111111"),
                client_id: "22222222-2222-2222-2222-222222222222".to_owned(),
                principal: Principal::App,
                scope: "https://api.securitycenter.microsoft.com/.default".to_owned(),
                credential,
            })
        };
        let subject = TokenSubject {
            connection: "prod".to_owned(),
            tenant: String::new(),
            client_id: String::new(),
            api: Api::Mde,
            run: None,
            step: None,
            attempt: None,
        };
        let mut shelf = Self {
            cache: Cache::with_room(
                tenants,
                Arc::clone(&clock),
                Arc::new(|| 0.5),
                Telemetry::new(None),
            ),
            keys: Vec::new(),
            subject,
        };
        for tenant in 0..tenants {
            let fetch = |_: Option<&Challenge>| -> Fetch {
                let sent = clock.now();
                let issued = Issued {
                    secret: SecretString::from("t".repeat(1800)),
                    expires_in: Some(3599),
                    refresh_in: None,
                    name: "uti-0123456789abcdef".to_owned(),
                    sent,
                };
                Box::new(move || Box::pin(async move { Ok(issued) }))
            };
            let got = shelf.cache.get(&key(tenant), &shelf.subject, fetch).await;
            got.expect("the fetch gives a token");
        }
        // Keys of the callers' own, as far as the benchmark calls: they are no part of the cache.
        shelf.keys = (0..tenants.min(KEYS_MAX)).map(key).collect();
        shelf
    }

    /// Takes the token of a tenant from the cache; false where it would have to wait.
    pub fn get(&self, tenant: usize) -> bool {
        let fetch = |_: Option<&Challenge>| -> Fetch { unreachable!("every token is fresh") };
        let got = pin!(self.cache.get(&self.keys[tenant], &self.subject, fetch));
        let polled = got.poll(&mut Context::from_waker(Waker::noop()));
        matches!(polled, Poll::Ready(Ok(_)))
    }
}
