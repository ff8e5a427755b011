//! The HTTP clients, one per purpose, each built when it is first needed.
//!
//! A machine without certificate roots can still talk to loopback: the client for plain `http`
//! loads none.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, NoProxy, Proxy, Url};

use crate::Http;
use crate::guard::Rules;

/// What a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// The token service.
    Idp,
    /// An API of a connection.
    Api,
    /// Any other URL: private addresses are refused as they are resolved.
    Web,
    /// The metadata service of the machine, over plain `http` and never through a proxy.
    Metadata,
    /// Plain `http` to loopback, whatever it is for.
    Plain,
}

/// The HTTP clients of a broker.
pub(crate) struct Clients {
    connect_timeout: Duration,
    proxy: Option<String>,
    rules: Arc<Rules>,
    built: Mutex<HashMap<Purpose, Client>>,
}

impl Clients {
    pub(crate) fn new(http: &Http, rules: Arc<Rules>) -> Self {
        Self {
            connect_timeout: http.connect_timeout.to_std(),
            proxy: http.proxy.clone(),
            rules,
            built: Mutex::default(),
        }
    }

    /// The client for a URL; what went wrong, in one clause, where it cannot be built.
    pub(crate) fn get(&self, purpose: Purpose, url: &Url) -> Result<Client, String> {
        let purpose = if url.scheme() == "http" && purpose != Purpose::Metadata {
            Purpose::Plain
        } else {
            purpose
        };
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = built.get(&purpose) {
            return Ok(client.clone());
        }
        let client = self.build(purpose).map_err(|error| {
            format!(
                "this machine cannot open TLS connections: {}",
                innermost(&error)
            )
        })?;
        built.insert(purpose, client.clone());
        Ok(client)
    }

    fn build(&self, purpose: Purpose) -> reqwest::Result<Client> {
        let mut builder = Client::builder()
            .user_agent(concat!("quell/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .redirect(Policy::none())
            .referer(false)
            .no_proxy();
        builder = match purpose {
            Purpose::Plain | Purpose::Metadata => {
                return builder
                    .tls_certs_only([])
                    .dns_resolver(Arc::new(Local))
                    .build();
            }
            Purpose::Web => builder.dns_resolver(Arc::new(Guarded(Arc::clone(&self.rules)))),
            Purpose::Idp | Purpose::Api => builder,
        };
        if let Some(proxy) = &self.proxy {
            let local = NoProxy::from_string("localhost,127.0.0.0/8,::1");
            builder = builder.proxy(Proxy::all(proxy)?.no_proxy(local));
        }
        builder.https_only(true).build()
    }
}

/// Resolves names and keeps private addresses out; the connection is made to what was checked, so
/// that a name cannot answer twice.
struct Guarded(Arc<Rules>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = Arc::clone(&self.0);
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            match found
                .iter()
                .find(|address| !rules.allows(host, address.ip()))
            {
                Some(address) => Err(PrivateAddress(address.ip()).into()),
                None => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

/// Resolves every name to this machine: plain `http` reaches nothing else, whatever the network's
/// resolver makes of `x.localhost`.
struct Local;

impl Resolve for Local {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses = [
            IpAddr::from(Ipv4Addr::LOCALHOST),
            IpAddr::from(Ipv6Addr::LOCALHOST),
        ];
        let found = addresses.map(|address| SocketAddr::new(address, 0));
        Box::pin(async move { Ok(Box::new(found.into_iter()) as Addrs) })
    }
}

/// A public name led to a private address.
#[derive(Debug)]
pub(crate) struct PrivateAddress(IpAddr);

impl fmt::Display for PrivateAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it resolves to the private address {}", self.0)
    }
}

impl std::error::Error for PrivateAddress {}

/// The last cause of a failure. Never the failure itself: its text quotes the URL, which may be a
/// secret.
pub(crate) fn innermost(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = "no cause given".to_owned();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}

/// Whether a request was kept from a private address.
pub(crate) fn private_address(error: &reqwest::Error) -> Option<&PrivateAddress> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(private) = error.downcast_ref() {
            return Some(private);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn rules(http: Http) -> Arc<Rules> {
        let setup = Config {
            http,
            ..Config::default()
        }
        .build()
        .unwrap();
        Arc::new(Rules::new(&setup))
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_refused_as_it_is_resolved() {
        let resolve = async |http| {
            let found = Guarded(rules(http))
                .resolve("localhost".parse().unwrap())
                .await;
            found
                .map(Iterator::count)
                .map_err(|error| error.is::<PrivateAddress>())
        };
        assert_eq!(resolve(Http::default()).await, Err(true));
        let open = Http {
            allow_private: vec!["LocalHost".to_owned()],
            ..Http::default()
        };
        assert!(resolve(open).await.unwrap() > 0);
        let open = Http {
            allow_loopback: true,
            ..Http::default()
        };
        assert!(resolve(open).await.unwrap() > 0);
        let other = Http {
            allow_private: vec!["other".to_owned()],
            ..Http::default()
        };
        assert_eq!(resolve(other).await, Err(true));
    }

    #[tokio::test]
    async fn a_proxy_may_have_a_private_address_and_others_still_may_not() {
        let http = Http {
            proxy: Some("http://localhost:3128".to_owned()),
            ..Http::default()
        };
        let rules = rules(http);
        assert!(rules.allows("localhost", Ipv4Addr::LOCALHOST.into()));
        assert!(!rules.allows("other", Ipv4Addr::LOCALHOST.into()));
    }

    #[tokio::test]
    async fn plain_http_never_leaves_the_machine() {
        let found = Local
            .resolve("evil.localhost".parse().unwrap())
            .await
            .unwrap();
        assert!(
            found
                .map(|address| address.ip())
                .all(|address| address.is_loopback())
        );
    }
}
