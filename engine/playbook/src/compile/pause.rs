//! Steps that wait: for people, for time, for alerts, for another playbook.

use engine_model::{Millis, Timestamp, code};
use serde_json::{Map, json};

use super::Compiler;
use super::scope::Shown;
use crate::expr::{Template, Type};
use crate::plan::{self, OnConflict, StepKind, WaitFor};
use crate::syntax::{
    self, ConflictWord, DeniedWord, Spanned, TextWithExpressions, TimeoutWord, WaitOrNot,
    WaitTimeoutWord,
};
use crate::yaml::NodeId;

/// How long people, alerts and calls are waited for where nothing is said about it.
const PATIENCE: Millis = Millis::from_secs(24 * 60 * 60);

/// The keys of which a `wait` has exactly one.
const WAITS: [&str; 4] = ["for", "until", "for_alert", "for_webhook"];

impl Compiler<'_, '_> {
    /// A question to people.
    pub(super) fn approve(
        &mut self,
        approve: &Spanned<syntax::Approve>,
    ) -> Option<(StepKind, Shown)> {
        let written = &approve.value;
        let message = written.message.and_then(|message| self.text(message.0));
        let quorum = written.quorum.unwrap_or(1);
        let approvers = written.approvers.as_ref();
        let (roles, users) = approvers.map_or_else(Default::default, |approvers| {
            self.somebody(approvers, quorum);
            self.people(&approvers.value)
        });
        let mut escalate = Vec::new();
        for one in written.escalate.iter().flatten() {
            let (roles, users) = one
                .to
                .as_ref()
                .map(|to| self.people(to))
                .unwrap_or_default();
            let after = one.after.unwrap_or_default();
            escalate.push(plan::Escalate {
                after,
                roles,
                users,
            });
        }
        let (form, of_form) = self.form(written);
        let output = Type::closed([
            (
                "decision",
                Type::Enum(["approve", "deny"].map(str::to_owned).as_slice().into()),
            ),
            ("by", Type::Text),
            ("at", Type::Time),
            ("comment", Type::Text.or_null()),
            ("form", of_form),
        ]);
        let kind = plan::Approve {
            message: message?,
            roles,
            users,
            quorum,
            not_self: written.not_self.unwrap_or(true),
            timeout: written.timeout.unwrap_or(PATIENCE),
            fail_on_timeout: written.on_timeout == Some(TimeoutWord::Fail),
            go_on_when_denied: written.on_denied == Some(DeniedWord::Continue),
            escalate,
            form,
            notify: written.notify.clone().unwrap_or_default(),
        };
        Some((StepKind::Approve(Box::new(kind)), Shown::output(output)))
    }

    /// Somebody has to be able to answer, and enough of them.
    fn somebody(&mut self, approvers: &Spanned<syntax::Approvers>, quorum: u32) {
        let Spanned { at, value } = approvers;
        let roles = value.roles.as_ref().map_or(0, Vec::len);
        let users = value.users.as_ref().map_or(0, Vec::len);
        if roles == 0 && users == 0 {
            let help = "add `roles:` or `users:` of the configuration's `people`";
            let message = "nobody may answer";
            self.report.head(code::PB0203, *at, message).help(help);
        } else if roles == 0 && users < usize::try_from(quorum).unwrap_or(usize::MAX) {
            let message = format!("{quorum} have to agree, and only {users} may answer");
            self.report.head(code::PB0202, *at, message);
        }
    }

    fn people(&mut self, written: &syntax::Approvers) -> (Vec<String>, Vec<Template>) {
        let users = written.users.iter().flatten();
        let users = users.filter_map(|user| self.text(user.0)).collect();
        (written.roles.clone().unwrap_or_default(), users)
    }

    /// What people fill in, as JSON Schema and as a type.
    fn form(&mut self, written: &syntax::Approve) -> (Option<serde_json::Value>, Type) {
        let Some(form) = &written.form else {
            return (None, Type::Null);
        };
        let mut properties = Map::new();
        let mut required = Vec::new();
        for (name, input) in &form.0 {
            let input = self.input(name, input);
            if input.required {
                required.push(input.name.clone());
            }
            properties.insert(input.name, input.schema);
        }
        let schema = json!({
            "type": "object", "properties": properties, "required": required,
            "additionalProperties": false,
        });
        let ty = Type::from_schema(&schema);
        (Some(schema), ty.or_null())
    }

    /// A step that waits.
    pub(super) fn wait(&mut self, wait: &Spanned<WaitOrNot>) -> Option<(StepKind, Shown)> {
        let WaitOrNot::Step(written) = &wait.value else {
            let message = "`wait` says what is waited for, in a map";
            let help = "`wait: false` belongs to a step with `playbook`";
            self.report.value(code::PB0202, wait.at, message).help(help);
            return None;
        };
        self.one_kind(wait.at, &WAITS, "wait");
        let mut event = Type::Any;
        let what = if let Some(span) = written.r#for {
            self.literal(span, "a duration such as `10m`", |text| {
                text.parse::<Millis>().is_ok()
            });
            WaitFor::Span(self.text(span.0)?)
        } else if let Some(at) = written.until {
            let is_time = |text: &str| text.parse::<Timestamp>().is_ok();
            self.literal(at, "an RFC 3339 time", is_time);
            WaitFor::Instant(self.text(at.0)?)
        } else if let Some(alert) = &written.for_alert {
            let of_alert = super::triggers::alert_type();
            event = of_alert.clone().or_null();
            let condition = alert.value.r#where;
            WaitFor::Alert {
                id: alert.value.id.and_then(|id| self.text(id.0))?,
                condition: condition.and_then(|id| self.condition_of("alert", of_alert, id)),
            }
        } else if let Some(webhook) = &written.for_webhook {
            let condition = webhook.value.r#where;
            WaitFor::Webhook {
                condition: condition.and_then(|id| self.condition_of("webhook", Type::Any, id)),
            }
        } else {
            return None;
        };
        let kind = StepKind::Wait(plan::Wait {
            what,
            timeout: written.timeout.unwrap_or(PATIENCE),
            go_on_after: written.on_timeout == Some(WaitTimeoutWord::Continue),
        });
        let output = Type::closed([
            ("received", Type::Bool),
            ("event", event),
            ("waited", Type::Text),
        ]);
        Some((kind, Shown::output(output)))
    }

    /// A text without expressions has to be right now.
    fn literal(&mut self, text: TextWithExpressions, expected: &str, right: impl Fn(&str) -> bool) {
        let written = self.report.document.text(text.0).unwrap_or_default();
        if !written.contains("${{") && !right(written) {
            let message = format!("expected {expected}, found \"{written}\"");
            self.report.value(code::PB0202, text.0, message);
        }
    }

    /// A condition over what was waited for.
    fn condition_of(
        &mut self,
        name: &str,
        ty: Type,
        condition: syntax::Condition,
    ) -> Option<crate::expr::Expr> {
        let outer = self.names.env.names.insert(name.to_owned(), ty);
        let condition = self.with_names(|compiler, names| compiler.condition(condition.0, names));
        self.names.restore(name, outer);
        condition
    }

    /// A step that runs another playbook.
    pub(super) fn child(&mut self, written: &syntax::Step) -> Option<(StepKind, Shown)> {
        let playbook = written.playbook.as_ref()?;
        let wait = match &written.wait {
            Some(Spanned {
                value: WaitOrNot::Whether(wait),
                ..
            }) => *wait,
            _ => true,
        };
        let mut with = Vec::new();
        for (name, value) in written.with.iter().flat_map(|with| &with.value.0) {
            let template =
                self.with_names(|compiler, names| compiler.template(value.value.0, names));
            with.extend(template.map(|(template, _)| (name.clone(), template)));
        }
        let output = if wait {
            Type::map_of(Type::Any)
        } else {
            Type::closed([("run", Type::Text)])
        };
        let kind = StepKind::Playbook(plan::Child {
            playbook: playbook.value.clone(),
            with: Template::Map(with),
            wait,
        });
        Some((kind, Shown::output(output)))
    }

    /// Which runs of the playbook may run at the same time.
    pub(super) fn concurrency(&mut self, playbook: &syntax::Playbook) -> Option<plan::Concurrency> {
        let written = &playbook.concurrency.as_ref()?.value;
        let on_conflict = match written.on_conflict {
            None | Some(ConflictWord::Queue) => OnConflict::Queue,
            Some(ConflictWord::Skip) => OnConflict::Skip,
            Some(ConflictWord::CancelRunning) => OnConflict::CancelRunning,
        };
        Some(plan::Concurrency {
            key: written.key.and_then(|key| self.text(key.0))?,
            limit: written.limit.unwrap_or(1),
            on_conflict,
            max_queue: written.max_queue.unwrap_or(100),
        })
    }

    /// The place of a `wait` that belongs to a `playbook` and is no step of its own.
    pub(super) fn wait_of_child(written: &syntax::Step) -> Option<NodeId> {
        let wait = written.wait.as_ref()?;
        let whether = matches!(wait.value, WaitOrNot::Whether(_));
        (whether && written.playbook.is_some()).then_some(wait.at)
    }
}
