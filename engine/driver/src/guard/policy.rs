//! The policy of a tenant: what no playbook may do, whoever wrote it.

use std::collections::BTreeMap;

use actions_contract::Facts;
use engine_model::Millis;
use engine_playbook::expr::Expr;
use engine_playbook::guard::{Approval, Entity, Guard, Limit, Never, Wanted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::wanted::holds;

/// The guard rails of a tenant: `policy.yaml`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyFile {
    /// The version of the form; `1`.
    #[schemars(required, extend("const" = 1))]
    pub version: u32,
    /// What gives a target a role; one of the rules has to hold. The vendor knows no roles.
    pub roles: BTreeMap<String, Vec<Wanted>>,
    /// Targets that are never contained and never destroyed.
    pub never: Vec<Never>,
    /// How many different targets in a span of time.
    pub limits: Vec<Limit>,
    /// How many different targets one run may contain or destroy.
    pub max_targets: Option<u32>,
    /// Effects for which people have to agree first.
    pub approval: Vec<Approval>,
    /// For how long the same effect on the same target is answered with the earlier result; `1h`
    /// when absent, `0s` for never.
    pub dedup_effects: Option<Millis>,
    /// What becomes of a target that is not exactly one object; there is one answer.
    pub unresolved_target: Unresolved,
    /// A file of assets that have tags and roles of their own, beside this one.
    pub assets: Option<String>,
    /// How long what is stored is kept.
    pub retention: Retention,
    /// The secret that holds the URL of a chat hook, told when a release fails.
    pub call: Option<String>,
}

/// What becomes of a target that is not exactly one object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unresolved {
    /// Nothing is done to it.
    #[default]
    Refuse,
}

/// How long what is stored is kept; for ever where nothing is said. The audit log is never cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Alerts that no run needs any more.
    pub alerts: Option<Millis>,
    /// Runs that are over, with their journals.
    pub runs: Option<Millis>,
    /// Effects that are over: released, failed, or destroyed for good.
    pub effects: Option<Millis>,
}

/// An asset with tags and roles of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Asset {
    /// The kind of asset; `device` when absent.
    pub entity: Option<Entity>,
    /// What it is found by; an id or a full name.
    pub id: String,
    /// Tags it has beside those of the service.
    pub tags: Vec<String>,
    /// Roles it has whatever the rules say.
    pub roles: Vec<String>,
}

/// A policy that is sound.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Its guard rails, in the form of a playbook's.
    pub guard: Guard,
    /// For how long the same effect on the same target is answered with the earlier result.
    pub dedup_effects: Millis,
    /// How long what is stored is kept.
    pub retention: Retention,
    /// The secret that holds the URL of a chat hook, told when a release fails.
    pub call: Option<String>,
    /// The digest of its text, for the audit log.
    pub digest: Option<engine_model::Digest>,
    roles: BTreeMap<String, Vec<Wanted>>,
    assets: Vec<Asset>,
}

/// For how long the same effect on the same target is answered with the earlier result.
const DEDUP: Millis = Millis::from_secs(3600);

impl Policy {
    /// The policy of a tenant that has none: targets are resolved, and nothing is done twice.
    #[must_use]
    pub fn none() -> Self {
        Self {
            dedup_effects: DEDUP,
            ..Self::default()
        }
    }

    /// Reads a policy, and the assets it names.
    ///
    /// # Errors
    ///
    /// With every problem.
    pub fn read(text: &str, assets: Option<&str>) -> Result<Self, Vec<String>> {
        let file: PolicyFile =
            serde_yaml::from_str(text).map_err(|error| vec![error.to_string()])?;
        let assets: Vec<Asset> = match assets {
            Some(text) => serde_yaml::from_str(text)
                .map_err(|error| vec![format!("the assets cannot be read: {error}")])?,
            None => Vec::new(),
        };
        let policy = Self {
            guard: Guard {
                never: file.never.clone(),
                limits: file.limits.clone(),
                max_targets: file.max_targets,
                approval: file.approval.clone(),
            },
            dedup_effects: file.dedup_effects.unwrap_or(DEDUP),
            retention: file.retention,
            call: file.call.clone(),
            digest: Some(engine_model::Digest::of(text.as_bytes())),
            roles: file.roles.clone(),
            assets,
        };
        let problems = policy.problems(&file);
        if problems.is_empty() {
            Ok(policy)
        } else {
            Err(problems)
        }
    }

    fn problems(&self, file: &PolicyFile) -> Vec<String> {
        let mut problems = Vec::new();
        if file.version != 1 {
            problems.push(format!("`version` is 1, not {}", file.version));
        }
        for (role, rules) in &self.roles {
            if rules.iter().any(Wanted::is_empty) {
                problems.push(format!("a rule of the role `{role}` asks for nothing"));
            }
            if rules.iter().any(|rule| rule.role.is_some()) {
                problems.push(format!("the role `{role}` is defined by another role"));
            }
        }
        problems.extend(
            self.undefined(&self.guard)
                .map(|role| format!("`never` names the role `{role}`, which nothing defines")),
        );
        problems.extend(rule_problems(&self.guard));
        problems
    }

    /// Roles that the rules of `guard` name and nothing defines: they would protect nothing.
    pub fn undefined<'a>(&'a self, guard: &'a Guard) -> impl Iterator<Item = &'a str> {
        guard.roles().filter(|role| {
            let by_asset = self
                .assets
                .iter()
                .any(|a| a.roles.iter().any(|r| r == role));
            !self.roles.contains_key(*role) && !by_asset
        })
    }

    /// The facts with what this policy adds to them: tags and roles.
    #[must_use]
    pub fn judged(&self, mut facts: Facts) -> Facts {
        for asset in &self.assets {
            let entity = asset.entity.unwrap_or(Entity::Device);
            let by_id = Wanted {
                id: Some(asset.id.clone()),
                ..Wanted::default()
            };
            let by_name = Wanted {
                name: Some(asset.id.clone()),
                ..Wanted::default()
            };
            let meant = holds(&by_id, &facts) || holds(&by_name, &facts);
            if facts.entity == entity.as_str() && meant {
                facts.tags.extend(asset.tags.iter().cloned());
                facts.roles.extend(asset.roles.iter().cloned());
            }
        }
        for (role, rules) in &self.roles {
            if rules.iter().any(|rule| holds(rule, &facts)) && !facts.roles.contains(role) {
                facts.roles.push(role.clone());
            }
        }
        facts.roles.sort_unstable();
        facts.roles.dedup();
        facts
    }
}

/// What is wrong with rules by themselves.
fn rule_problems(guard: &Guard) -> Vec<String> {
    let mut problems = Vec::new();
    for never in &guard.never {
        if never.wanted().count() != 1 || never.wanted().any(|(_, wanted)| wanted.is_empty()) {
            let text = serde_json::to_string(never).unwrap_or_default();
            problems.push(format!(
                "`never` names one kind of target and asks for something: {text}"
            ));
        }
    }
    for limit in &guard.limits {
        if limit.per == Millis::ZERO {
            problems.push("a limit counts over no time: `per` is 0".to_owned());
        }
    }
    for rule in &guard.approval {
        if let Some(Err(error)) = rule.when.as_deref().map(Expr::parse) {
            problems.push(format!(
                "`when` of an approval cannot be read: {}",
                error.message
            ));
        }
        if rule.roles.is_empty() && rule.users.is_empty() {
            problems.push("an approval names nobody who may agree".to_owned());
        }
        if rule.quorum == 0 {
            problems.push("an approval needs a `quorum` of at least 1".to_owned());
        }
    }
    problems
}

/// A rule of a playbook that is weaker than the tenant's, which therefore decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weaker {
    /// The path of the rule below `guard`.
    pub path: String,
    /// What is weaker.
    pub message: String,
}

impl Policy {
    /// The rules of `guard` that let more through than the same rule of this policy does.
    #[must_use]
    pub fn weaker(&self, guard: &Guard) -> Vec<Weaker> {
        let mut weaker = Vec::new();
        for (index, own) in guard.limits.iter().enumerate() {
            let same = |theirs: &&Limit| theirs.effect == own.effect && theirs.scope == own.scope;
            let mut stricter = self.guard.limits.iter().filter(same);
            if let Some(theirs) =
                stricter.find(|theirs| own.max > theirs.max && own.per <= theirs.per)
            {
                weaker.push(Weaker {
                    path: format!("limits[{index}]"),
                    message: format!(
                        "the tenant allows {} per {}, this limit {} per {}",
                        theirs.max, theirs.per, own.max, own.per
                    ),
                });
            }
        }
        for (index, own) in guard.approval.iter().enumerate() {
            let same = |theirs: &&Approval| theirs.effect == own.effect && theirs.when.is_none();
            let mut stricter = self.guard.approval.iter().filter(same);
            if let Some(theirs) = stricter.find(|theirs| own.quorum < theirs.quorum) {
                weaker.push(Weaker {
                    path: format!("approval[{index}]"),
                    message: format!(
                        "the tenant asks {} people, this rule {}",
                        theirs.quorum, own.quorum
                    ),
                });
            }
        }
        if let (Some(own), Some(theirs)) = (guard.max_targets, self.guard.max_targets)
            && own > theirs
        {
            weaker.push(Weaker {
                path: "max_targets".to_owned(),
                message: format!("the tenant allows {theirs} targets of one run, not {own}"),
            });
        }
        weaker
    }
}

/// The file of assets that a policy names.
#[must_use]
pub fn assets_of(text: &str) -> Option<String> {
    let file: PolicyFile = serde_yaml::from_str(text).ok()?;
    file.assets
}
