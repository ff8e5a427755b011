//! Questions to people, and what they answer.
//!
//! Whether an answer counts is decided once, in the transaction that keeps it: whoever answers
//! hears at once that it does not, and why.

use engine_model::{Digest, Millis, PlaybookName, RunId, TenantId, Timestamp, code};
use engine_run::{Decision, Question};
use jsonschema::{Draft, PatternOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::EngineError;

/// An answer that comes this shortly before the end might be heard after it.
const LAST_MOMENT: Millis = Millis::from_secs(1);

/// The longest comment.
const COMMENT_CHARS_MAX: usize = 2000;

/// A question that is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The run that waits.
    pub run: RunId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its playbook.
    pub playbook: PlaybookName,
    /// What made it start.
    pub cause: String,
    /// What is asked.
    pub question: Question,
    /// Who answered until now.
    pub said: Vec<Said>,
}

/// What a person answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Who.
    pub by: String,
    /// What.
    pub decision: Decision,
    /// What the person said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// How an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Through {
    /// With the person's key.
    Key,
    /// Through a link that was sent to the person; good for one answer.
    Link,
}

/// An answer as it comes in; who gives it was found out before.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The person.
    pub by: String,
    /// The roles of that person.
    pub roles: Vec<String>,
    /// How it came.
    pub through: Through,
    /// Yes or no.
    pub decision: Decision,
    /// What the person says about it.
    pub comment: Option<String>,
    /// What the person filled in.
    pub form: Option<Value>,
}

/// Where a question stands after an answer that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many agreed.
    pub agreed: u32,
    /// How many have to.
    pub quorum: u32,
    /// What was decided, once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decision>,
}

/// Which questions to list, those of the newest runs first.
#[derive(Clone, Debug, Default)]
pub struct AskedFilter {
    /// Only of this run.
    pub run: Option<RunId>,
    /// Only of runs that began before the one with this position, for the next page.
    pub before: Option<u64>,
    /// Of how many runs at the most.
    pub limit: usize,
}

/// A question of which people have to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Untold {
    /// Names the telling; hand it back when it is done.
    pub id: (i64, u64),
    /// How often it was tried.
    pub tries: u32,
    /// The question.
    pub asked: Asked,
}

impl Asked {
    /// Who agreed, each once.
    #[must_use]
    pub fn agreed(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for said in &self.said {
            let yes = said.decision == Decision::Approve;
            if yes && !names.contains(&said.by.as_str()) {
                names.push(&said.by);
            }
        }
        names
    }

    /// What was decided, once it is.
    #[must_use]
    pub fn decided(&self) -> Option<Decision> {
        if self.said.iter().any(|said| said.decision == Decision::Deny) {
            return Some(Decision::Deny);
        }
        let agreed = u32::try_from(self.agreed().len()).unwrap_or(u32::MAX);
        (agreed >= self.question.ask.quorum).then_some(Decision::Approve)
    }

    /// Why this person may not answer; none where the person may.
    #[must_use]
    pub fn objection(&self, name: &str, roles: &[String]) -> Option<String> {
        if self.question.is_own(name) {
            return Some(format!(
                "{name} had a hand in starting the run, and nobody agrees to their own"
            ));
        }
        if !self.question.may_answer(name, roles) {
            return Some(format!("{name} is not one of those who are asked"));
        }
        None
    }

    /// Counts an answer.
    ///
    /// # Errors
    ///
    /// `SV0201` when nothing is left to decide, `SV0202` when this person may not answer or has
    /// answered, `SV0203` when what was filled in does not fit.
    pub fn count(&self, reply: &Reply, now: Timestamp) -> Result<Tally, EngineError> {
        if let Some(decided) = self.decided() {
            let message = match decided {
                Decision::Approve => "enough people agreed already",
                Decision::Deny => "somebody said no already",
            };
            return Err(EngineError::new(code::SV0201, message));
        }
        if now.plus(LAST_MOMENT) >= self.question.until {
            let message = format!("there was time until {}", self.question.until);
            return Err(EngineError::new(code::SV0201, message));
        }
        if let Some(why) = self.objection(&reply.by, &reply.roles) {
            return Err(EngineError::new(code::SV0202, why));
        }
        // Whoever agreed may think better of it, but a link is good for one answer.
        let once = reply.through == Through::Link || reply.decision == Decision::Approve;
        if once && self.said.iter().any(|said| said.by == reply.by) {
            let message = format!("{} has answered already", reply.by);
            return Err(EngineError::new(code::SV0202, message));
        }
        self.check(reply)?;
        let mut after = self.clone();
        after.said.push(Said {
            by: reply.by.clone(),
            decision: reply.decision,
            comment: None,
        });
        Ok(Tally {
            agreed: u32::try_from(after.agreed().len()).unwrap_or(u32::MAX),
            quorum: self.question.ask.quorum,
            decided: after.decided(),
        })
    }

    /// What was filled in, against the form; a "no" needs none.
    fn check(&self, reply: &Reply) -> Result<(), EngineError> {
        let misfit = |message: String| Err(EngineError::new(code::SV0203, message));
        let comment = reply.comment.as_deref().unwrap_or_default();
        if comment.chars().count() > COMMENT_CHARS_MAX {
            return misfit(format!(
                "a comment has at most {COMMENT_CHARS_MAX} characters"
            ));
        }
        let empty = json!({});
        let given = reply.form.as_ref().unwrap_or(&empty);
        let Some(form) = &self.question.ask.form else {
            if given.as_object().is_some_and(|fields| !fields.is_empty()) {
                return misfit("this question has no form".to_owned());
            }
            return Ok(());
        };
        if reply.decision == Decision::Deny && reply.form.is_none() {
            return Ok(());
        }
        // Patterns run in linear time, and references lead nowhere.
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(PatternOptions::regex())
            .should_validate_formats(true)
            .offline()
            .build(form);
        let validator = match validator {
            Ok(validator) => validator,
            Err(error) => return misfit(format!("the form itself is not sound: {error}")),
        };
        let problems: Vec<String> = validator
            .iter_errors(given)
            .map(|error| {
                let place = error.instance_path().to_string();
                let place = place.trim_start_matches('/');
                if place.is_empty() {
                    error.to_string()
                } else {
                    format!("`{place}`: {error}")
                }
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            misfit(problems.join("; "))
        }
    }
}

/// The beginning of a digest, for people: enough to tell two questions of one step apart.
#[must_use]
pub fn short_digest(digest: &Digest) -> &str {
    let hex = digest.as_str().trim_start_matches("sha256:");
    hex.get(..12).unwrap_or(hex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actions_contract::{Approvers, Ask};

    fn asked(quorum: u32, form: Option<Value>) -> Asked {
        let at = Timestamp::from_ms(1_780_000_000_000);
        Asked {
            run: "run_aaaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap(),
            tenant: "home".parse().unwrap(),
            playbook: "contain".parse().unwrap(),
            cause: "manual k by mona".to_owned(),
            question: Question {
                step: "ask".to_owned(),
                ask: Ask {
                    message: "may it?".to_owned(),
                    approvers: Approvers {
                        roles: vec!["lead".to_owned()],
                        users: vec!["boss".to_owned()],
                    },
                    quorum,
                    not_self: true,
                    timeout: Millis::from_secs(3600),
                    escalate: Vec::new(),
                    form,
                    notify: Vec::new(),
                },
                digest: Digest::of(b"shown"),
                shown: Value::Null,
                started_by: vec!["mona".to_owned()],
                asked_at: at,
                until: at.plus(Millis::from_secs(3600)),
            },
            said: Vec::new(),
        }
    }

    fn reply(by: &str, decision: Decision) -> Reply {
        Reply {
            by: by.to_owned(),
            roles: vec!["lead".to_owned()],
            through: Through::Key,
            decision,
            comment: None,
            form: None,
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_ms(1_780_000_000_000)
    }

    fn refused(asked: &Asked, reply: &Reply, now: Timestamp) -> Option<&'static str> {
        asked
            .count(reply, now)
            .err()
            .map(|error| error.code.as_str())
    }

    #[test]
    fn the_same_person_counts_once_and_may_think_better_of_it() {
        let mut asked = asked(2, None);
        let otto = reply("otto", Decision::Approve);
        let tally = asked.count(&otto, now()).unwrap();
        assert_eq!((tally.agreed, tally.decided), (1, None));
        asked.said.push(Said {
            by: "otto".to_owned(),
            decision: Decision::Approve,
            comment: None,
        });
        assert_eq!(refused(&asked, &otto, now()), Some("SV0202"));
        let no = reply("otto", Decision::Deny);
        let tally = asked.count(&no, now()).unwrap();
        assert_eq!(tally.decided, Some(Decision::Deny));
        let link = Reply {
            through: Through::Link,
            ..no
        };
        assert_eq!(refused(&asked, &link, now()), Some("SV0202"));
        let lisa = asked
            .count(&reply("lisa", Decision::Approve), now())
            .unwrap();
        assert_eq!(lisa.decided, Some(Decision::Approve));
    }

    #[test]
    fn nobody_agrees_to_their_own_and_strangers_do_not_count() {
        let asked = asked(1, None);
        let yes = |by: &str| reply(by, Decision::Approve);
        assert_eq!(refused(&asked, &yes("mona"), now()), Some("SV0202"));
        let mut carl = yes("carl");
        carl.roles = vec!["intern".to_owned()];
        assert_eq!(refused(&asked, &carl, now()), Some("SV0202"));
        carl.by = "boss".to_owned();
        assert_eq!(refused(&asked, &carl, now()), None);
    }

    #[test]
    fn an_answer_after_the_decision_or_the_time_is_refused() {
        let mut asked = asked(1, None);
        let lisa = reply("lisa", Decision::Approve);
        assert_eq!(refused(&asked, &lisa, asked.question.until), Some("SV0201"));
        asked.said.push(Said {
            by: "otto".to_owned(),
            decision: Decision::Approve,
            comment: None,
        });
        assert_eq!(refused(&asked, &lisa, now()), Some("SV0201"));
    }

    #[test]
    fn what_is_filled_in_fits_the_form() {
        let form = json!({
            "type": "object", "additionalProperties": false, "required": ["hours"],
            "properties": { "hours": { "type": "integer", "maximum": 24 } },
        });
        let asked = asked(1, Some(form));
        let mut yes = reply("lisa", Decision::Approve);
        assert_eq!(refused(&asked, &yes, now()), Some("SV0203"));
        for (given, wanted) in [
            (json!({"hours": 4}), None),
            (json!({"hours": 25}), Some("SV0203")),
            (json!({"hours": "4"}), Some("SV0203")),
            (json!({"hours": 4, "more": 1}), Some("SV0203")),
            (json!([]), Some("SV0203")),
        ] {
            yes.form = Some(given.clone());
            assert_eq!(refused(&asked, &yes, now()), wanted, "{given}");
        }
        assert_eq!(refused(&asked, &reply("lisa", Decision::Deny), now()), None);
    }
}
