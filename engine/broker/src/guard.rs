//! What may be called without a connection: public hosts, and never the doors of the broker.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use actions_contract::{EffectKind, HeaderText, Method, Mode};
use reqwest::Url;

use crate::clouds::DOORS;
use crate::setup::Setup;
use crate::target::{host_ip, is_loopback};

/// The rules for URLs, from the configuration.
#[derive(Debug)]
pub(crate) struct Rules {
    allow_hosts: Option<Vec<String>>,
    allow_private: Vec<String>,
    allow_loopback: bool,
    /// Configured hosts of APIs, token services and secret stores.
    doors: Vec<Url>,
    proxy_host: Option<String>,
}

impl Rules {
    pub(crate) fn new(setup: &Setup) -> Self {
        let mut doors = Vec::new();
        for link in setup.links.values() {
            doors.push(link.authority.clone());
            doors.extend(link.apis.values().map(|route| route.base_url.clone()));
        }
        doors.extend(setup.vault.as_ref().map(|vault| vault.address.clone()));
        let vaults = setup.key_vault.iter();
        doors.extend(vaults.flat_map(|vaults| vaults.addresses.values().cloned()));
        let http = &setup.http;
        let proxy = http
            .proxy
            .as_deref()
            .and_then(|proxy| Url::parse(proxy).ok());
        Self {
            allow_hosts: http.allow_hosts.as_ref().map(|hosts| lower(hosts)),
            allow_private: lower(&http.allow_private),
            allow_loopback: http.allow_loopback,
            doors,
            proxy_host: proxy.and_then(|url| url.host_str().map(str::to_owned)),
        }
    }

    /// Whether a URL may be called as far as it can be told without resolving its host.
    /// A hook configured as a secret is not bound by `allow_hosts`: naming it allowed it.
    pub(crate) fn check(&self, url: &Url, is_hook: bool) -> Result<(), String> {
        self.check_unless(url, is_hook, false)
    }

    /// Whether a link that a service gave may be followed. It may lead to the host of an API: it is
    /// read without a token, and an API gives nothing away without one.
    pub(crate) fn check_link(&self, url: &Url) -> Result<(), String> {
        self.check_unless(url, false, true)
    }

    fn check_unless(&self, url: &Url, is_hook: bool, is_link: bool) -> Result<(), String> {
        let Some(host) = url.host_str().map(bare) else {
            return Err("the URL names no host".to_owned());
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("credentials in a URL are not allowed; use a secret header".to_owned());
        }
        if self.is_door(url, &host) {
            // A service on this machine was allowed by who configured it.
            if is_link && is_loopback(url) {
                return Ok(());
            }
            if !is_link {
                return Err(
                    "this host is reached through a connection only: use its actions".to_owned(),
                );
            }
        }
        let named = if is_hook {
            "the host of the hook".to_owned()
        } else {
            format!("`{host}`")
        };
        if let Some(allowed) = self.allow_hosts.as_ref().filter(|_| !is_hook)
            && !allowed.iter().any(|pattern| matches(pattern, &host))
        {
            return Err(format!("{named} is not under `http.allow_hosts`"));
        }
        let address = if is_loopback(url) {
            Some(host_ip(url).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)))
        } else {
            host_ip(url)
        };
        if address.is_some_and(|address| !self.allows(&host, address)) {
            return Err(format!(
                "{named} is a private address; see `http.allow_private`"
            ));
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if is_loopback(url) => Ok(()),
            _ => Err(format!("{named} is called over https or not at all")),
        }
    }

    /// Whether `host` may be reached at `address`.
    pub(crate) fn allows(&self, host: &str, address: IpAddr) -> bool {
        let host = bare(host);
        is_public(address)
            || (self.allow_loopback && canonical(address).is_loopback())
            || self
                .allow_private
                .iter()
                .any(|pattern| matches(pattern, &host))
            || self.proxy_host.as_ref().is_some_and(|proxy| *proxy == host)
    }

    fn is_door(&self, url: &Url, host: &str) -> bool {
        let built_in = DOORS.iter().any(|door| match door.strip_prefix('.') {
            Some(domain) => host
                .strip_suffix(domain)
                .is_some_and(|rest| rest.ends_with('.')),
            None => *door == host,
        });
        built_in
            || self.doors.iter().any(|door| {
                if is_loopback(door) {
                    // Every name of loopback is the same place; the port tells services apart.
                    is_loopback(url) && door.port_or_known_default() == url.port_or_known_default()
                } else {
                    door.host_str().map(bare).as_deref() == Some(host)
                }
            })
    }
}

/// Whether a request may leave in this mode with this effect; `is_api` where it goes to an API of
/// a connection, whose hunting queries read with POST.
pub(crate) fn check_effect(
    mode: Mode,
    effect: EffectKind,
    method: Method,
    is_api: bool,
) -> Result<(), String> {
    let looks = matches!(method, Method::Get | Method::Head);
    let queries = is_api && method == Method::Post && effect == EffectKind::Read;
    if looks || queries {
        return Ok(());
    }
    let method = method.as_str();
    match mode {
        Mode::Execute if effect == EffectKind::Read => Err(format!(
            "an action that only reads may not send {method} there"
        )),
        Mode::Execute => Ok(()),
        Mode::Simulate => Err(format!("a simulated try may not send {method}")),
        Mode::Reconcile => Err(format!("a try that only finds out may not send {method}")),
    }
}

/// Whether a header may be set by an action; `is_api` where the broker adds the token itself.
pub(crate) fn check_header(name: &str, text: &HeaderText, is_api: bool) -> Result<(), String> {
    let name = name.to_ascii_lowercase();
    let by_secret = matches!(text, HeaderText::Secret(_)) && !is_api;
    let refused = match name.as_str() {
        "authorization" => !by_secret,
        name => BROKER_HEADERS.contains(&name) || name.starts_with("proxy-"),
    };
    if refused {
        Err(format!("the header `{name}` is set by the broker only"))
    } else {
        Ok(())
    }
}

/// Headers that describe the connection or the message, or carry a session.
const BROKER_HEADERS: [&str; 11] = [
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn lower(hosts: &[String]) -> Vec<String> {
    hosts
        .iter()
        .map(|host| bare(&host.to_ascii_lowercase()))
        .collect()
}

/// A host as it is compared: without brackets and the dot of the root.
fn bare(host: &str) -> String {
    let host = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.')),
        None => pattern == host,
    }
}

/// An address with the IPv4 address inside brought out, where it has one.
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let s = v6.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        _ => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match canonical(address) {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 224;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    // Only 2000::/3 is routed; inside it, Teredo, ORCHID and documentation are not.
    let routed = s[0] & 0xe000 == 0x2000;
    let special = s[0] == 0x2001 && (s[1] < 0x0200 || s[1] == 0x0db8);
    routed && !special
}
