//! Guard rails as they are written: in a playbook's `guard`, and in the policy of a tenant.

use actions_contract::EffectKind;
use engine_model::Millis;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits on what a playbook may do to the world. The tenant's policy holds as well; of two rules
/// the stricter one decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// Targets that are never contained and never destroyed, each as `{device: {…}}`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<Never>,
    /// How many different targets in a span of time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// How many different targets one run may contain or destroy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_targets: Option<u32>,
    /// Effects for which people have to agree first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approval: Vec<Approval>,
}

impl Guard {
    /// The roles that its rules name.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        let matches = self.never.iter().flat_map(Never::wanted);
        matches.filter_map(|(_, wanted)| wanted.role.as_deref())
    }
}

/// Targets of one kind, and what they have to be like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct Never {
    /// Devices like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Wanted>,
    /// Domains like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<Wanted>,
    /// Files like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Wanted>,
    /// Addresses like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<Wanted>,
    /// Messages like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<Wanted>,
    /// Links like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Wanted>,
    /// Accounts like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Wanted>,
}

impl Never {
    /// What is given, by the kind of target.
    pub fn wanted(&self) -> impl Iterator<Item = (Entity, &Wanted)> {
        [
            (Entity::Device, &self.device),
            (Entity::Domain, &self.domain),
            (Entity::File, &self.file),
            (Entity::Ip, &self.ip),
            (Entity::Mail, &self.mail),
            (Entity::Url, &self.url),
            (Entity::User, &self.user),
        ]
        .into_iter()
        .filter_map(|(entity, wanted)| Some((entity, wanted.as_ref()?)))
    }
}

/// A kind of target.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words of alerts and actions")]
pub enum Entity {
    Device,
    Domain,
    File,
    Ip,
    Mail,
    Url,
    User,
}

impl Entity {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Domain => "domain",
            Self::File => "file",
            Self::Ip => "ip",
            Self::Mail => "mail",
            Self::Url => "url",
            Self::User => "user",
        }
    }
}

/// What a target has to be like; everything that is given has to hold. Case does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("minProperties" = 1))]
pub struct Wanted {
    /// One of its ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its full name, or the first part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A pattern for its name, with `*` and `?`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_glob: Option<String>,
    /// One of its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// A group that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How the name of its operating system begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_prefix: Option<String>,
    /// A role that the policy gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl Wanted {
    /// Whether it asks for nothing, and so would hold for everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How many different targets in a span of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// `contain` or `destroy`.
    pub effect: Guarded,
    /// How many different targets at the most; `0` for none at all.
    pub max: u32,
    /// The span of time.
    pub per: Millis,
    /// Whose effects are counted together.
    pub scope: LimitScope,
}

/// An effect that is guarded. Releases are never held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "documented at `EffectKind`")]
pub enum Guarded {
    Contain,
    Destroy,
}

impl Guarded {
    /// Whether an action of this effect is meant.
    #[must_use]
    pub const fn is(self, effect: EffectKind) -> bool {
        matches!(
            (self, effect),
            (Self::Contain, EffectKind::Contain) | (Self::Destroy, EffectKind::Destroy)
        )
    }
}

/// Whose effects are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitScope {
    /// Those of one playbook.
    Playbook,
    /// Those through one connection.
    Connection,
    /// All of the tenant.
    Tenant,
}

impl LimitScope {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Playbook => "playbook",
            Self::Connection => "connection",
            Self::Tenant => "tenant",
        }
    }
}

/// An effect for which people have to agree first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// `contain` or `destroy`.
    pub effect: Guarded,
    /// An expression over `target`, `action`, `effect` and `playbook`: people are asked only where
    /// it is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// How many different people have to agree.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub quorum: u32,
    /// Everybody with one of these roles may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// These people may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// How long there is time; no answer is a no.
    #[serde(default = "half_an_hour")]
    pub timeout: Millis,
    /// Where they are told, by the names of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<String>,
}

const fn one() -> u32 {
    1
}

const fn half_an_hour() -> Millis {
    Millis::from_secs(30 * 60)
}
