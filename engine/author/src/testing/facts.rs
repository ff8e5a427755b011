//! Targets: what guard rails find behind an id, without a directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use actions_contract::{
    Action, ActionError, ActionInfo, BoxFuture, Call, Egress, ErrorKind, Facts, Outcome, Resolver,
};
use engine_model::code;
use serde_json::Value;

use super::stage::Stage;
use super::syntax::{TargetFacts, TargetSeen, TargetWord};

/// The parameter under which a look-up is given its text.
const PARAM: &str = "text";

/// Looks a target up: as the test says, else as actions have shown it, else it is its own text.
pub(super) struct LookUp {
    info: Arc<ActionInfo>,
    stage: Arc<Stage>,
    targets: Arc<BTreeMap<String, TargetSeen>>,
    entity: &'static str,
    facts: fn(&Value) -> Option<Facts>,
}

/// The same kinds of targets as `resolvers` find, found on the stage.
pub(super) fn resolvers(
    resolvers: &[Resolver],
    stage: &Arc<Stage>,
    targets: &Arc<BTreeMap<String, TargetSeen>>,
) -> Vec<Resolver> {
    let of = |resolver: &Resolver| Resolver {
        entity: resolver.entity,
        action: Arc::new(LookUp {
            info: Arc::new(resolver.action.info().clone()),
            stage: Arc::clone(stage),
            targets: Arc::clone(targets),
            entity: resolver.entity,
            facts: resolver.facts,
        }),
        param: PARAM,
        facts: |output| serde_json::from_value(output.clone()).ok(),
    };
    resolvers.iter().map(of).collect()
}

impl LookUp {
    fn find(&self, text: &str) -> Result<Facts, ActionError> {
        let listed = self.targets.iter().find(|(key, seen)| match seen {
            TargetSeen::Word(_) => *key == text,
            TargetSeen::Facts(facts) => {
                *key == text
                    || [&facts.id, &facts.name]
                        .into_iter()
                        .flatten()
                        .any(|own| own == text)
            }
        });
        match listed {
            Some((_, TargetSeen::Word(word))) => Err(self.not_one(*word, text)),
            Some((key, TargetSeen::Facts(facts))) => Ok(self.listed(key, facts)),
            None => Ok(self
                .shown(text)
                .unwrap_or_else(|| Facts::of_text(self.entity, text))),
        }
    }

    fn listed(&self, key: &str, facts: &TargetFacts) -> Facts {
        Facts {
            name: facts.name.clone(),
            tags: facts.tags.clone(),
            groups: facts.groups.clone(),
            os: facts.os.clone(),
            ..Facts::of_text(self.entity, facts.id.as_deref().unwrap_or(key))
        }
    }

    /// The object as an action gave it before.
    fn shown(&self, text: &str) -> Option<Facts> {
        let outputs = self.stage.outputs().into_iter();
        let mut facts = outputs.filter_map(|output| (self.facts)(&output));
        facts.find(|facts| facts.id == text || facts.name.as_deref() == Some(text))
    }

    fn not_one(&self, word: TargetWord, text: &str) -> ActionError {
        let entity = self.entity;
        match word {
            TargetWord::Missing => ActionError::permanent(
                ErrorKind::NotFound,
                code::AC0102,
                format!("there is no {entity} `{text}`"),
            ),
            TargetWord::Ambiguous => ActionError::permanent(
                ErrorKind::TargetAmbiguous,
                code::GR0105,
                format!("several are meant by `{text}`"),
            ),
            TargetWord::Unreachable => ActionError::permanent(
                ErrorKind::Unavailable,
                code::AC0111,
                "the directory does not answer",
            ),
        }
    }
}

impl Action for LookUp {
    fn info(&self) -> &ActionInfo {
        &self.info
    }

    fn call<'a>(&'a self, call: &'a Call, _: &'a dyn Egress) -> BoxFuture<'a, Outcome> {
        let text = call.args[PARAM].as_str().unwrap_or_default();
        let found = self.find(text);
        Box::pin(async move {
            match found {
                Ok(facts) => Outcome::Done {
                    output: serde_json::to_value(facts).unwrap_or_default(),
                },
                Err(error) => Outcome::Failed { error },
            }
        })
    }
}
