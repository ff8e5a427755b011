//! Tells people that they are asked.
//!
//! What has to be told stands in the database until it was told, so that a stop loses none; a
//! message may come twice. Everything in it that comes from playbooks and alerts is sent as plain
//! values, never as markup.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actions_contract::{Action, Call, EffectKind, Egress, Follow, Mode, Outcome};
use engine_driver::{Asked, Clock, Engine, EngineError};
use engine_model::Millis;
use serde_json::{Map, Value, json};

use crate::links::LinkKey;

/// How long after a question people are told at the latest.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Questions told in one go.
const AT_ONCE: usize = 50;
/// The longest wait until people are told again.
const AGAIN_MAX: Millis = Millis::from_secs(300);

/// A chat hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The name of the secret that holds its URL.
    pub secret: String,
    /// What it understands.
    pub format: &'static str,
}

/// A person, and where only that person reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The name.
    pub name: String,
    /// The roles.
    pub roles: Vec<String>,
    /// The person's own hook.
    pub hook: Option<Hook>,
}

/// Tells people that they are asked.
pub struct Herald {
    /// Where questions are.
    pub engine: Arc<dyn Engine>,
    /// Sends a message: `notify.webhook`.
    pub action: Arc<dyn Action>,
    /// The way out.
    pub egress: Arc<dyn Egress>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Rooms by the names that playbooks use.
    pub rooms: BTreeMap<String, Hook>,
    /// People.
    pub contacts: Vec<Contact>,
    /// Where links lead, and what they are signed with.
    pub links: Option<(String, LinkKey)>,
}

impl Herald {
    /// Tells people until the task is dropped.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.tell().await {
                tracing::warn!(%error, "people are not told for now");
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Tells people of everything that they do not know yet.
    ///
    /// # Errors
    ///
    /// When the engine cannot say what that is.
    pub async fn tell(&self) -> Result<(), EngineError> {
        for untold in self.engine.untold(AT_ONCE).await? {
            let reached = self.tell_of(&untold.asked).await;
            let again_in = (!reached).then(|| pause(untold.tries));
            self.engine.told(untold.id, again_in).await?;
        }
        Ok(())
    }

    /// Whether everybody was reached.
    async fn tell_of(&self, asked: &Asked) -> bool {
        let mut reached = true;
        for name in &asked.question.ask.notify {
            match self.rooms.get(name) {
                Some(hook) => reached &= self.send(asked, hook, None).await,
                None => tracing::error!(
                    run = %asked.run, step = asked.question.step, room = name,
                    "`notify` names a room that `approvals.rooms` does not have"
                ),
            }
        }
        for contact in &self.contacts {
            let asked_for = asked.objection(&contact.name, &contact.roles).is_none();
            let answered = asked.said.iter().any(|said| said.by == contact.name);
            if let (Some(hook), true, false) = (&contact.hook, asked_for, answered) {
                reached &= self.send(asked, hook, Some(&contact.name)).await;
            }
        }
        reached
    }

    async fn send(&self, asked: &Asked, hook: &Hook, person: Option<&str>) -> bool {
        let call = self.call(asked, self.message(asked, hook, person));
        match self.action.call(&call, &*self.egress).await {
            Outcome::Done { .. } => true,
            other => {
                let (run, step) = (&asked.run, &asked.question.step);
                let why = json!(other);
                tracing::warn!(%run, step, hook = hook.secret, %why, "people were not reached");
                false
            }
        }
    }

    /// The message; with a link that decides only where one person alone reads it.
    fn message(&self, asked: &Asked, hook: &Hook, person: Option<&str>) -> Value {
        let question = &asked.question;
        let link = person.zip(self.links.as_ref()).map(|(person, (url, key))| {
            let path = key.path(&asked.run, &question.digest, person);
            format!("{}{path}", url.trim_end_matches('/'))
        });
        let text = link.map_or_else(
            || "Decide with `quell approve` or `quell deny`.".to_owned(),
            |link| format!("[Look at it and decide]({link})"),
        );
        let mut facts = Map::new();
        let mut fact = |name: &str, value: String| facts.insert(name.to_owned(), value.into());
        fact("1. Asked", question.ask.message.clone());
        fact("2. Playbook", asked.playbook.to_string());
        fact("3. Run", asked.run.to_string());
        fact("4. Step", question.step.clone());
        fact("5. Time until", question.until.to_string());
        fact("6. Have to agree", question.ask.quorum.to_string());
        json!({
            "url": { "$secret": hook.secret },
            "format": hook.format,
            "title": "A decision is needed",
            "text": text,
            "facts": facts,
        })
    }

    fn call(&self, asked: &Asked, args: Value) -> Call {
        let now = self.clock.now();
        Call {
            run: asked.run.clone(),
            playbook: asked.playbook.clone(),
            step: asked.question.step.clone(),
            tenant: asked.tenant.clone(),
            connection: None,
            action: self.action.info().id.clone(),
            effect: EffectKind::Notify,
            mode: Mode::Execute,
            idem: format!("{}/{}/asked", asked.run, asked.question.step),
            attempt: 1,
            args,
            resume: None,
            begun_at: now,
            now,
            time_left: Millis::from_secs(20),
            follow: Follow::default(),
        }
    }
}

/// Longer each time.
fn pause(tries: u32) -> Millis {
    let wait = 5_u64.saturating_mul(1 << tries.min(10));
    Millis::from_secs(wait).min(AGAIN_MAX)
}
