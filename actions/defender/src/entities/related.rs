//! What alerts are about: domains, addresses, accounts, files.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::VendorTime;

/// A domain that an alert is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelatedDomain {
    /// Its name.
    pub host: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An address that an alert is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelatedIp {
    /// The address.
    pub id: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An account, as devices have seen it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefenderUser {
    /// Domain and account, as `contoso\\user1`.
    pub id: String,
    /// The account.
    pub account_name: Option<String>,
    /// Its domain.
    pub account_domain: Option<String>,
    /// Its security identifier.
    pub account_sid: Option<String>,
    /// Its first logon that was seen.
    pub first_seen: Option<VendorTime>,
    /// Its latest logon that was seen.
    pub last_seen: Option<VendorTime>,
    /// The device it uses most.
    pub most_prevalent_machine_id: Option<String>,
    /// The device it uses least.
    pub least_prevalent_machine_id: Option<String>,
    /// How it logs on, separated by commas: `Interactive, Network`.
    pub logon_types: Option<String>,
    /// On how many devices it has logged on.
    pub log_on_machines_count: Option<i64>,
    /// Whether it administers its domain.
    pub is_domain_admin: Option<bool>,
    /// Whether it was only ever seen over the network.
    pub is_only_network_user: Option<bool>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A file, as the service knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefenderFile {
    /// SHA-1 of the content.
    pub sha1: Option<String>,
    /// SHA-256 of the content.
    pub sha256: Option<String>,
    /// MD5 of the content.
    pub md5: Option<String>,
    /// How often it was seen in the world.
    pub global_prevalence: Option<i64>,
    /// When it was first seen in the world.
    pub global_first_observed: Option<VendorTime>,
    /// When it was last seen in the world.
    pub global_last_observed: Option<VendorTime>,
    /// Its length in bytes.
    pub size: Option<i64>,
    /// Its type.
    pub file_type: Option<String>,
    /// Whether it is a program for Windows.
    pub is_pe_file: Option<bool>,
    /// Who published it.
    pub file_publisher: Option<String>,
    /// The product it belongs to.
    pub file_product_name: Option<String>,
    /// Who signed it.
    pub signer: Option<String>,
    /// Who issued the certificate of the signer.
    pub issuer: Option<String>,
    /// Thumbprint of that certificate.
    pub signer_hash: Option<String>,
    /// Whether the signature is good.
    pub is_valid_certificate: Option<bool>,
    /// What the service takes it for: `Malware`, `Pua`, `Clean`, `Unknown`.
    pub determination_type: Option<String>,
    /// The name of what it is taken for.
    pub determination_value: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
