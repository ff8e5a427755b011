//! People in the configuration: who they are, how they are told, and how they answer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use engine_broker::GivenRef;
use engine_driver::Engine;
use engine_model::code;
use engine_server::{Contact, Herald, Hook, Key, Keys, LinkKey, Person};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::exit::{Fault, Kind};
use crate::wire::{Parts, resolve};

/// A person who may call the API.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonConfig {
    /// The name, as it stands in the log.
    pub(crate) name: String,
    /// The person's roles.
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    /// The person's key, as a reference such as `env:MONA_KEY`.
    pub(crate) key: GivenRef,
    /// A chat hook that only this person reads: questions come there with a link that decides.
    #[serde(default)]
    pub(crate) hook: Option<HookConfig>,
}

/// A chat hook.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HookConfig {
    /// The secret that holds its URL, by its name under `secrets`.
    pub(crate) secret: String,
    /// What it understands.
    pub(crate) format: HookFormat,
}

/// What a chat hook understands.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HookFormat {
    /// Slack: blocks.
    Slack,
    /// Microsoft Teams: an Adaptive Card.
    Teams,
    /// Anything else, as JSON.
    Json,
}

/// How people are asked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ApprovalsConfig {
    /// Where people reach this engine with a browser; no links are sent where it is left out.
    pub(crate) url: Option<String>,
    /// The key that links are signed with, at least 32 characters, as a reference.
    pub(crate) link_key: Option<GivenRef>,
    /// Chat rooms that `notify` may name; they are told, and get no links that decide.
    pub(crate) rooms: BTreeMap<String, HookConfig>,
}

/// Who may read `/metrics`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MetricsConfig {
    /// Keys, as references; people may as well.
    pub(crate) keys: Vec<GivenRef>,
}

impl HookConfig {
    fn hook(&self) -> Hook {
        Hook {
            secret: self.secret.clone(),
            format: match self.format {
                HookFormat::Slack => "slack",
                HookFormat::Teams => "teams",
                HookFormat::Json => "json",
            },
        }
    }
}

impl Parts {
    /// Every key of the configuration.
    pub(crate) fn keys(&self) -> Result<Keys, Fault> {
        let config = &self.config;
        let mut keys = Keys {
            links: self.link_key()?,
            ..Keys::default()
        };
        let mut owners: HashMap<String, String> = HashMap::new();
        for person in &config.people {
            let name = person.name.trim();
            if name.is_empty() || name != person.name {
                let message = format!("`people`: `{}` is not a name", person.name);
                return Err(invalid(message));
            }
            let known = keys.people.iter().map(|known| known.name.to_lowercase());
            if known.into_iter().any(|known| known == name.to_lowercase()) {
                let message = format!("`people`: two people are called {name}");
                return Err(invalid(message));
            }
            let key = owned(&mut owners, &person.key, &format!("`people`, {name}"))?;
            keys.people.push(Person {
                name: person.name.clone(),
                roles: person.roles.clone(),
                key,
            });
        }
        // A key that opens one door only opens no other one by accident.
        for (number, key) in config.intake.keys.iter().enumerate() {
            let whose = format!("`intake.keys[{number}]`");
            keys.intake.push(owned(&mut owners, key, &whose)?);
        }
        for (number, key) in config.metrics.keys.iter().enumerate() {
            let whose = format!("`metrics.keys[{number}]`");
            keys.metrics.push(owned(&mut owners, key, &whose)?);
        }
        Ok(keys)
    }

    fn link_key(&self) -> Result<Option<LinkKey>, Fault> {
        let approvals = &self.config.approvals;
        match (&approvals.url, &approvals.link_key) {
            (None, None) => Ok(None),
            (Some(url), Some(key)) => {
                let local =
                    url.starts_with("http://127.0.0.1") || url.starts_with("http://localhost");
                if !url.starts_with("https://") && !local {
                    let message = "`approvals.url` is https: whoever sees a link can decide";
                    return Err(invalid(message.to_owned()));
                }
                let key = LinkKey::new(&resolve(key)?).ok_or_else(|| {
                    let least = LinkKey::CHARS_MIN;
                    invalid(format!(
                        "`approvals.link_key` has at least {least} characters"
                    ))
                })?;
                Ok(Some(key))
            }
            _ => Err(invalid(
                "`approvals.url` and `approvals.link_key` belong together".to_owned(),
            )),
        }
    }

    /// What tells people that they are asked.
    pub(crate) fn herald(&self, engine: &Arc<dyn Engine>) -> Result<Herald, Fault> {
        let config = &self.config;
        let rooms = config.approvals.rooms.iter();
        let contacts = config.people.iter().map(|person| Contact {
            name: person.name.clone(),
            roles: person.roles.clone(),
            hook: person.hook.as_ref().map(HookConfig::hook),
        });
        let url = config.approvals.url.clone();
        let action = self
            .action("notify.webhook")
            .ok_or_else(|| Fault::failed("there is no action `notify.webhook`"))?;
        Ok(Herald {
            engine: Arc::clone(engine),
            action,
            egress: Arc::clone(&self.broker) as Arc<dyn actions_contract::Egress>,
            clock: Arc::clone(&self.clock),
            rooms: rooms
                .map(|(name, room)| (name.clone(), room.hook()))
                .collect(),
            contacts: contacts.collect(),
            links: url.zip(self.link_key()?),
        })
    }
}

/// The key behind a reference that nobody else has.
fn owned(
    owners: &mut HashMap<String, String>,
    reference: &GivenRef,
    whose: &str,
) -> Result<Key, Fault> {
    let secret = resolve(reference)?;
    let key = Key::of(&secret);
    if let Some(other) = owners.insert(secret, whose.to_owned()) {
        return Err(invalid(format!("{other} and {whose} have the same key")));
    }
    Ok(key)
}

fn invalid(message: String) -> Fault {
    Fault::new(Kind::Invalid, message).with_code(code::CF0101)
}
