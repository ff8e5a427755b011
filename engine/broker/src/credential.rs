//! Credentials: as the configuration writes them, and checked.

use std::path::PathBuf;

use engine_model::code;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::key_vault_config::KeyVaultRef;
use crate::problems::Problems;
use crate::secret::SecretRef;
use crate::wallet::Candidate;
use crate::{Cloud, GivenRef, GivenRefs};

/// How an application proves who it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Credential {
    /// A client secret.
    Secret {
        /// The reference to it; a list while it is rotated: a later one is used where an earlier
        /// one is refused.
        secret: GivenRefs,
    },
    /// A certificate with an RSA key of at least 2048 bits; each request for a token carries a
    /// statement signed with PS256, good for five minutes.
    Certificate {
        /// The certificate: a PEM file, first certificate first, or a PFX file; also
        /// `azkv:vault/certificates/name`.
        certificate: GivenRef,
        /// The private key as PEM, where it is not in the same file; also
        /// `azkv-sign:vault/keys/name`, a key that signs in its vault and never leaves it.
        #[serde(default)]
        private_key: Option<GivenRef>,
        /// The password of a PFX file; none by default.
        #[serde(default)]
        password: Option<GivenRef>,
        /// Whether the certificates are sent along, for registrations that trust a subject and an
        /// issuer instead of one certificate; false by default.
        #[serde(default)]
        send_x5c: bool,
    },
    /// A token of another identity service that the application is registered to trust.
    Federated {
        /// Who gives that token.
        source: FederatedSource,
        /// The absolute path of the token's file, for `source: file` only. Read for every request.
        #[serde(default)]
        path: Option<PathBuf>,
        /// Which identity of the machine, for `source: managed_identity` only; `system` by default.
        #[serde(default)]
        identity: Option<Identity>,
    },
    /// An identity that Azure gives to the machine the engine runs on.
    ManagedIdentity {
        /// Which one: `system` (default), or one of `client_id`, `object_id`, `resource_id`.
        #[serde(default)]
        identity: Identity,
        /// Who is asked: `auto` (default), `imds` or `app_service`.
        #[serde(default)]
        endpoint: MetadataEndpoint,
    },
}

/// Who gives the token that stands for the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FederatedSource {
    /// Kubernetes with workload identity: the file that `AZURE_FEDERATED_TOKEN_FILE` names.
    WorkloadIdentity,
    /// A file at `path`.
    File,
    /// The GitHub Actions job that runs the engine.
    GithubActions,
    /// An identity that Azure gives to the machine, see `identity`.
    ManagedIdentity,
}

/// An identity that Azure gives to a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// That of the machine itself.
    #[default]
    System,
    /// The one with this application id, a GUID.
    ClientId(String),
    /// The one with this object id, a GUID.
    ObjectId(String),
    /// The one with this resource id, such as `/subscriptions/…/userAssignedIdentities/NAME`.
    ResourceId(String),
}

/// Who is asked for the token of a managed identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetadataEndpoint {
    /// App Service where `IDENTITY_ENDPOINT` and `IDENTITY_HEADER` are set, otherwise IMDS.
    #[default]
    Auto,
    /// The metadata service of virtual machines, at `169.254.169.254` or where
    /// `AZURE_POD_IDENTITY_AUTHORITY_HOST` says.
    Imds,
    /// App Service, Functions and Container Apps, at `IDENTITY_ENDPOINT`.
    AppService,
}

/// A checked credential.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// Secrets, a later one for where an earlier one is refused.
    Secrets(Vec<SecretRef>),
    Certificate(CertificateRefs),
    Federated(Federation),
    Managed(Managed),
}

/// Where a certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CertificateRefs {
    pub(crate) certificate: SecretRef,
    pub(crate) private_key: Option<SecretRef>,
    pub(crate) password: Option<SecretRef>,
    pub(crate) send_x5c: bool,
}

/// Where the token comes from that stands for the application.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Federation {
    pub(crate) from: FederatedFrom,
    /// What the token has to be for, where we ask for it.
    pub(crate) audience: &'static str,
}

/// Who is asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FederatedFrom {
    WorkloadIdentity,
    File(PathBuf),
    GithubActions,
    Managed(Managed),
}

/// An identity of the machine, and who is asked for its tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Managed {
    pub(crate) identity: Identity,
    pub(crate) endpoint: MetadataEndpoint,
}

impl Proof {
    /// Whether it needs something that a store has to be asked for.
    pub(crate) fn asks_a_store(&self) -> bool {
        let candidates = self.candidates().into_iter();
        let mut references = candidates.flat_map(Candidate::references);
        let signs_elsewhere = match self {
            Self::Certificate(refs) => refs.signing_key().is_some(),
            _ => false,
        };
        signs_elsewhere || references.any(SecretRef::is_stored)
    }
}

impl CertificateRefs {
    /// The key that signs in its vault, where the private key is one.
    pub(crate) fn signing_key(&self) -> Option<&KeyVaultRef> {
        self.private_key.as_ref().and_then(SecretRef::signing_key)
    }
}

impl Credential {
    /// Parses the references, or tells every problem below `at`.
    pub(crate) fn build(&self, at: &str, cloud: Cloud, problems: &mut Problems) -> Option<Proof> {
        match self {
            Self::Secret { secret } => Some(Proof::Secrets(secrets(secret, at, problems))),
            Self::Certificate {
                certificate,
                private_key,
                password,
                send_x5c,
            } => {
                let private_key = private_key
                    .as_ref()
                    .and_then(|given| problems.key_reference(&format!("{at}.private_key"), given));
                let password = password
                    .as_ref()
                    .and_then(|given| problems.reference(&format!("{at}.password"), given));
                let certificate = problems.reference(&format!("{at}.certificate"), certificate)?;
                Some(Proof::Certificate(CertificateRefs {
                    certificate,
                    private_key,
                    password,
                    send_x5c: *send_x5c,
                }))
            }
            Self::Federated {
                source,
                path,
                identity,
            } => {
                let given = (*source, path.as_ref(), identity.as_ref());
                let from = federated(given, at, problems)?;
                let audience = cloud.exchange_audience();
                Some(Proof::Federated(Federation { from, audience }))
            }
            Self::ManagedIdentity { identity, endpoint } => {
                let identity = checked(identity, at, problems)?;
                let endpoint = *endpoint;
                Some(Proof::Managed(Managed { identity, endpoint }))
            }
        }
    }
}

fn secrets(given: &GivenRefs, at: &str, problems: &mut Problems) -> Vec<SecretRef> {
    let at = format!("{at}.secret");
    if given.0.is_empty() {
        problems.add(
            code::CF0101,
            at.clone(),
            "no secret reference is given".to_owned(),
            "write one, such as `env:QUELL_CLIENT_SECRET`",
        );
    }
    let references = given.0.iter();
    references
        .filter_map(|given| problems.reference(&at, given))
        .collect()
}

fn federated(
    (source, path, identity): (FederatedSource, Option<&PathBuf>, Option<&Identity>),
    at: &str,
    problems: &mut Problems,
) -> Option<FederatedFrom> {
    if path.is_some() && source != FederatedSource::File {
        let message = "`path` belongs to `source: file` only".to_owned();
        problems.add(code::CF0101, format!("{at}.path"), message, "remove it");
    }
    if identity.is_some() && source != FederatedSource::ManagedIdentity {
        let message = "`identity` belongs to `source: managed_identity` only".to_owned();
        problems.add(code::CF0101, format!("{at}.identity"), message, "remove it");
    }
    match source {
        FederatedSource::WorkloadIdentity => Some(FederatedFrom::WorkloadIdentity),
        FederatedSource::GithubActions => Some(FederatedFrom::GithubActions),
        FederatedSource::File => {
            let path = path.filter(|path| path.is_absolute());
            if path.is_none() {
                problems.add(
                    code::CF0101,
                    format!("{at}.path"),
                    "`source: file` needs an absolute `path`".to_owned(),
                    "write it as `/var/run/secrets/tokens/azure`",
                );
            }
            path.cloned().map(FederatedFrom::File)
        }
        FederatedSource::ManagedIdentity => {
            let identity = checked(&identity.cloned().unwrap_or_default(), at, problems)?;
            let endpoint = MetadataEndpoint::Auto;
            Some(FederatedFrom::Managed(Managed { identity, endpoint }))
        }
    }
}

fn checked(identity: &Identity, at: &str, problems: &mut Problems) -> Option<Identity> {
    let at = |key: &str| format!("{at}.identity.{key}");
    match identity {
        Identity::System => Some(Identity::System),
        Identity::ClientId(id) => problems.guid(&at("client_id"), id).map(Identity::ClientId),
        Identity::ObjectId(id) => problems.guid(&at("object_id"), id).map(Identity::ObjectId),
        Identity::ResourceId(id) => {
            let valid = id.starts_with("/subscriptions/") && !id.contains(char::is_whitespace);
            if !valid {
                problems.add(
                    code::CF0101,
                    at("resource_id"),
                    "this is not the resource id of an identity".to_owned(),
                    "it begins with `/subscriptions/`",
                );
            }
            valid.then(|| identity.clone())
        }
    }
}
