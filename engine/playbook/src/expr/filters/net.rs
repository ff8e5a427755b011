//! Filters on addresses, names and links.

use std::net::IpAddr;

use super::super::value::Text;
use super::*;

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "in_cidr",
        summary: "Whether an IP address lies in a network, or in one of a list of networks.",
        input: Kinds::TEXT,
        params: &[required("networks", Kinds::TEXT.or(Kinds::LIST))],
        result: |_, _| Type::Bool,
        writes: None,
        example: ("'10.1.2.3' | in_cidr('10.0.0.0/8')", "true"),
        run: in_cidr,
    },
    Filter {
        name: "is_private_ip",
        summary: "Whether an IP address cannot be reached from the internet: private, shared, \
                  loopback, link-local, unique local.",
        input: Kinds::TEXT,
        params: &[],
        result: |_, _| Type::Bool,
        writes: None,
        example: ("'192.168.0.7' | is_private_ip", "true"),
        run: |call, _| {
            let ip = address(call.text())?;
            Ok(Val::Bool(PRIVATE.iter().any(|network| {
                network_of(network).is_ok_and(|network| network.contains(ip))
            })))
        },
    },
    Filter {
        name: "domain_of",
        summary: "The host of a URL or the domain of a mail address, in lower case.",
        input: Kinds::TEXT,
        params: &[],
        result: |_, _| Type::Text,
        writes: None,
        example: (
            "'https://user@Login.Example:8443/x?y' | domain_of",
            r#""login.example""#,
        ),
        run: domain_of,
    },
    Filter {
        name: "defang",
        summary: "An address or link that cannot be clicked.",
        input: Kinds::TEXT,
        params: &[],
        result: |_, _| Type::Text,
        writes: None,
        example: (
            "'http://evil.example' | defang",
            r#""hxxp[://]evil[.]example""#,
        ),
        run: |call, budget| {
            budget.make(call.text().len() * 3)?;
            let text = call
                .text()
                .replace("://", "[://]")
                .replace('.', "[.]")
                .replace('@', "[@]");
            Ok(scheme(&text, "http", "hxxp").into())
        },
    },
    Filter {
        name: "refang",
        summary: "Undoes `defang`.",
        input: Kinds::TEXT,
        params: &[],
        result: |_, _| Type::Text,
        writes: None,
        example: (
            "'hxxp[://]evil[.]example' | refang",
            r#""http://evil.example""#,
        ),
        run: |call, budget| {
            budget.make(call.text().len())?;
            let text = call
                .text()
                .replace("[://]", "://")
                .replace("[.]", ".")
                .replace("[@]", "@");
            Ok(scheme(&text, "hxxp", "http").into())
        },
    },
];

const PRIVATE: [&str; 10] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "0.0.0.0/8",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

#[derive(Clone, Copy)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    fn contains(self, ip: IpAddr) -> bool {
        let shared = match (self.address, ip) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            _ => return false,
        };
        shared >= u32::from(self.prefix)
    }
}

/// An address; an IPv4 address written as IPv6 counts as IPv4.
fn address(text: &str) -> Result<IpAddr, Fault> {
    text.trim()
        .parse::<IpAddr>()
        .map(|ip| ip.to_canonical())
        .map_err(|_| Fault::new("the text is no IP address"))
}

fn network_of(text: &str) -> Result<Network, Fault> {
    let error = || Fault::new(format!("`{text:.50}` is no network such as `10.0.0.0/8`"));
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.trim().parse().map_err(|_| error())?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Some(longest), |prefix| prefix.parse().ok());
    let prefix = prefix
        .filter(|prefix| *prefix <= longest)
        .ok_or_else(error)?;
    Ok(Network { address, prefix })
}

fn in_cidr<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let ip = address(call.text())?;
    let Val::List(networks) = &call.args[0] else {
        let network = network_of(call.text_arg(0).unwrap_or_default())?;
        return Ok(Val::Bool(network.contains(ip)));
    };
    let mut found = false;
    for network in networks.iter() {
        budget.elements(4)?;
        let text = network
            .as_str()
            .ok_or_else(|| Fault::new(format!("a network is text, found {}", network.kind())))?;
        // Every network is read, so that a mistake in one shows before it matters.
        found |= network_of(text)?.contains(ip);
    }
    Ok(Val::Bool(found))
}

fn domain_of<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let text = call.text().trim();
    budget.make(text.len() * 3)?;
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    // Browsers read a backslash as a slash, so an attacker may use it to hide the real host.
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host
        .strip_prefix('[')
        .and_then(|inner| inner.split_once(']'))
    {
        Some((inner, _)) => inner,
        None => host.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.');
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(Fault::new("the text has no domain"));
    }
    Ok(Val::Text(Text::from(host.to_lowercase())))
}

/// The text with its scheme changed, where it has this one.
fn scheme(text: &str, from: &str, to: &str) -> String {
    match text.get(..from.len()) {
        Some(start) if start.eq_ignore_ascii_case(from) => format!("{to}{}", &text[from.len()..]),
        _ => text.to_owned(),
    }
}
