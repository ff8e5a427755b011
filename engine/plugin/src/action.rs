//! A plugin's action as the engine calls it.

use std::sync::{Arc, RwLock};

use actions_contract::{
    Action, ActionError, ActionInfo, BoxFuture, Call, Egress, ErrorKind, Outcome,
};
use engine_model::{Digest, code};
use serde_json::{Value, json};

use crate::version::Version;

/// One plugin in every version that is installed, the newest first.
pub(crate) struct Family(RwLock<Vec<Arc<Version>>>);

impl Family {
    pub(crate) fn of(version: Arc<Version>) -> Self {
        Self(RwLock::new(vec![version]))
    }

    /// The version that serves new steps.
    fn newest(&self) -> Option<Arc<Version>> {
        self.read(|versions| versions.first().cloned())
    }

    /// The version with this digest.
    fn with_digest(&self, digest: &Digest) -> Option<Arc<Version>> {
        self.read(|versions| versions.iter().find(|v| v.digest == *digest).cloned())
    }

    fn read<T>(&self, look: impl FnOnce(&[Arc<Version>]) -> T) -> T {
        look(&self.0.read().unwrap_or_else(|broken| broken.into_inner()))
    }

    /// Adds a version that serves from now on, or one that only ends what waits on it.
    pub(crate) fn add(&self, version: Arc<Version>, newest: bool) {
        let mut versions = self.0.write().unwrap_or_else(|broken| broken.into_inner());
        versions.retain(|other| other.digest != version.digest);
        let at = if newest { 0 } else { versions.len() };
        versions.insert(at, version);
    }
}

/// One action of a plugin.
pub(crate) struct PluginAction {
    pub(crate) family: Arc<Family>,
    pub(crate) info: ActionInfo,
    /// Its name without the family.
    pub(crate) name: String,
}

/// What a step keeps while it waits: which version it waits on, and that version's own state.
pub(crate) fn kept(digest: &Digest, state: &Value) -> Value {
    json!({ "digest": digest, "state": state })
}

/// The digest and the state of [`kept`].
fn found(kept: &Value) -> Option<(Digest, Value)> {
    let digest = serde_json::from_value(kept.get("digest")?.clone()).ok()?;
    Some((digest, kept.get("state")?.clone()))
}

impl PluginAction {
    async fn attempt(&self, call: &Call, egress: &dyn Egress) -> Outcome {
        let (version, resume) = match call.resume.as_ref().map(found) {
            None => (self.family.newest(), None),
            Some(Some((digest, state))) => (self.family.with_digest(&digest), Some(state)),
            Some(None) => (None, None),
        };
        let action = version
            .as_ref()
            .and_then(|version| version.actions.iter().find(|a| a.name == self.name));
        let (Some(version), Some(action)) = (&version, action) else {
            let error = ActionError::permanent(
                ErrorKind::Unsupported,
                code::PL0207,
                format!(
                    "the version of `{}` that this step waits on is not installed any more",
                    call.action
                ),
            );
            return Outcome::Failed { error };
        };
        let call = Call {
            resume,
            ..call.clone()
        };
        match version.attempt(action, &call, egress).await {
            Outcome::Pending {
                state,
                resume_after,
                note,
            } => Outcome::Pending {
                state: kept(&version.digest, &state),
                resume_after,
                note,
            },
            outcome => outcome,
        }
    }
}

impl Action for PluginAction {
    fn info(&self) -> &ActionInfo {
        &self.info
    }

    fn call<'a>(&'a self, call: &'a Call, egress: &'a dyn Egress) -> BoxFuture<'a, Outcome> {
        Box::pin(self.attempt(call, egress))
    }
}
