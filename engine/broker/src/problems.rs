//! Problems of a configuration, collected while its values are parsed.

use actions_contract::Api;
use engine_model::{Code, Diagnostic, Severity, Span, code};
use reqwest::Url;

use crate::secret::{RefError, SecretRef};
use crate::target::is_loopback;
use crate::{Cloud, GivenRef, Limits, SecretStores};

/// The API of this name; Threat Protection is the 2020 name of XDR.
pub(crate) fn api_named(name: &str) -> Option<Api> {
    match name.to_ascii_lowercase().as_str() {
        "mde" => Some(Api::Mde),
        "xdr" | "mtp" | "microsoft threat protection" => Some(Api::Xdr),
        "graph" => Some(Api::Graph),
        _ => None,
    }
}

/// The names joined for people.
pub(crate) fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        format!("`{}`", names.join("`, `"))
    }
}

/// Parses a base URL without a trailing slash, query or credentials.
pub(crate) fn parse_base(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    (plain && is_secure(&url)).then_some(url)
}

/// Whether nobody else can read along: https, or plain http within this machine.
pub(crate) fn is_secure(url: &Url) -> bool {
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
    secure && url.has_host()
}

/// Collects problems and goes on.
#[derive(Default)]
pub(crate) struct Problems {
    pub(crate) all: Vec<Diagnostic>,
    /// References to what stores hold, with their places.
    stored: Vec<(String, SecretRef)>,
}

impl Problems {
    pub(crate) fn add(&mut self, code: Code, path: String, message: String, help: &str) {
        self.all.push(Diagnostic {
            code,
            severity: Severity::Error,
            path,
            span: Span::default(),
            message,
            help: Some(help.to_owned()),
            fix: None,
        });
    }

    /// The host or scope of an API is neither built in nor given.
    pub(crate) fn add_incomplete(&mut self, api: Api, cloud: Cloud, at: &str) {
        let (api, cloud) = (api.as_str(), cloud.as_str());
        self.add(
            code::CF0101,
            at.to_owned(),
            format!("the host or scope of `{api}` in the cloud `{cloud}` is not built in"),
            &format!("set `apis.{api}.scope`, and `base_url` where the cloud has no host for it"),
        );
    }

    /// Limits are off for a host that is not this machine.
    pub(crate) fn add_unlimited(&mut self, api: Api, at: &str) {
        let api = api.as_str();
        self.add(
            code::CF0101,
            at.to_owned(),
            format!("`{api}` is not on this machine, so its limits cannot be off"),
            "leave `limits` out, or raise its figures",
        );
    }

    pub(crate) fn limits(&mut self, path: &str, limits: Option<&Limits>) {
        for key in limits.map(Limits::zeros).unwrap_or_default() {
            self.add(
                code::CF0101,
                format!("{path}.{key}"),
                "a limit of zero lets nothing through".to_owned(),
                "leave the key out for the documented figure",
            );
        }
    }

    pub(crate) fn guid(&mut self, path: &str, text: &str) -> Option<String> {
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        let valid =
            lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
        if !valid {
            let shown: String = text.chars().take(40).collect();
            let message = format!("`{shown}` is not a GUID");
            let help = "take the id, not a name or `common`: one directory, one application";
            self.add(code::CF0101, path.to_owned(), message, help);
        }
        valid.then(|| text.to_ascii_lowercase())
    }

    pub(crate) fn url(&mut self, path: &str, text: &str) -> Option<Url> {
        let url = parse_base(text);
        if url.is_none() {
            self.add(
                code::CF0101,
                path.to_owned(),
                "this is not an https URL without credentials and query".to_owned(),
                "plain http is for loopback only, such as `http://127.0.0.1:9000`",
            );
        }
        url
    }

    pub(crate) fn scope(&mut self, path: &str, text: &str) {
        if !text.ends_with("/.default") || text.contains(char::is_whitespace) {
            self.add(
                code::CF0101,
                path.to_owned(),
                "the scope of an application is one resource with `/.default`".to_owned(),
                "write it as `https://api.security.microsoft.com/.default`",
            );
        }
    }

    pub(crate) fn api(&mut self, path: &str, name: &str) -> Option<Api> {
        let api = api_named(name);
        if api.is_none() {
            let message = format!("there is no API `{name}`");
            self.add(
                code::CF0101,
                path.to_owned(),
                message,
                "APIs: `mde`, `xdr`, `graph`",
            );
        }
        api
    }

    /// A store would be asked for what is needed to ask it.
    pub(crate) fn add_circle(&mut self, path: String) {
        self.add(
            code::CF0101,
            path,
            "a store would be asked for the secret by which it is asked".to_owned(),
            "take it from a file, the environment or systemd",
        );
    }

    /// Tells the references that no configured store can follow.
    pub(crate) fn check_stores(&mut self, stores: &SecretStores) {
        for (path, reference) in std::mem::take(&mut self.stored) {
            let missing = match reference {
                SecretRef::Vault(_) if stores.vault.is_none() => "vault",
                SecretRef::KeyVault(_) if stores.key_vault.is_none() => "key_vault",
                _ => continue,
            };
            self.add(
                code::CF0101,
                path,
                format!("`{reference}` needs `secret_stores.{missing}`"),
                "say there where the store is, and how the engine proves who it is",
            );
        }
    }

    /// A reference to something that can be read.
    pub(crate) fn reference(&mut self, path: &str, given: &GivenRef) -> Option<SecretRef> {
        let reference = self.key_reference(path, given)?;
        if reference.signing_key().is_none() {
            return Some(reference);
        }
        self.add(
            code::CF0101,
            path.to_owned(),
            "a key that signs in its vault cannot be read".to_owned(),
            "it can be the `private_key` of a certificate; else write `azkv:vault/secrets/name`",
        );
        None
    }

    /// A reference to something that can be read, or to a key that signs where it is.
    pub(crate) fn key_reference(&mut self, path: &str, given: &GivenRef) -> Option<SecretRef> {
        match given.get() {
            Ok(reference) => {
                if reference.is_stored() {
                    self.stored.push((path.to_owned(), reference.clone()));
                }
                Some(reference.clone())
            }
            Err(error) => {
                let code = if error == RefError::Bare {
                    code::CF0103
                } else {
                    code::CF0101
                };
                let help = "write `env:NAME`, `file:/absolute/path`, `systemd:name`, \
                            `vault:mount/path#field` or `azkv:vault/secrets/name`, \
                            and replace a secret that was written into a file";
                self.add(code, path.to_owned(), error.to_string(), help);
                None
            }
        }
    }
}
