//! Steps: what each does, when, and what the steps after it may use of it.

use std::collections::BTreeSet;

use engine_model::code;

use super::Compiler;
use super::scope::{Mark, Shown};
use crate::expr::{Expr, Type};
use crate::plan::{self, OnError, StepKind, StopStatus};
use crate::suggest::one_of;
use crate::syntax::{self, Handler, OnErrorWord, Spanned, StopWord};
use crate::yaml::NodeId;

/// The keys of which a step has exactly one.
const KINDS: [&str; 10] = [
    "uses", "playbook", "steps", "parallel", "switch", "approve", "wait", "set", "stop", "fail",
];

/// Keys that belong to some kinds of steps.
const BELONGS: [(&str, &[&str]); 10] = [
    ("with", &["uses", "playbook"]),
    ("retry", &["uses"]),
    ("connection", &["uses"]),
    ("until", &["uses"]),
    ("every", &["uses"]),
    ("release", &["uses"]),
    ("finally", &["steps"]),
    ("concurrency", &["parallel"]),
    ("fail_fast", &["parallel"]),
    ("output", &["for_each"]),
];

impl Compiler<'_, '_> {
    /// Steps in the order written.
    pub(super) fn steps(&mut self, steps: &[Spanned<syntax::Step>]) -> Vec<plan::Step> {
        steps.iter().filter_map(|step| self.step(step)).collect()
    }

    fn step(&mut self, step: &Spanned<syntax::Step>) -> Option<plan::Step> {
        let written = &step.value;
        let ignored = Self::wait_of_child(written);
        let kinds = KINDS
            .iter()
            .copied()
            .filter(|kind| ignored.is_none() || *kind != "wait");
        self.one_kind(step.at, &kinds.collect::<Vec<_>>(), "step");
        let disabled = written.disabled == Some(true);
        let condition = written.r#if.and_then(|id| self.condition_here(id));
        let known = self.assume(condition.as_ref());
        let mark = self.names.mark();
        let kind = match &written.for_each {
            Some(each) => self.each(step, each),
            None => self.kind(step),
        };
        let on_error = self.on_error(step, mark);
        let finally = match &written.for_each {
            Some(_) => Vec::new(),
            None => self.finally(written, mark),
        };
        self.names.env.known_ran = known;
        let certain = written.r#if.is_none() && !disabled && matches!(on_error, OnError::Fail);
        if !certain {
            self.names.weaken(mark);
        }
        if let Some(id) = &written.id {
            let unknown = || Shown {
                output: Some(Type::Any),
                items: Some(Type::Any),
            };
            let shown = kind
                .as_ref()
                .map_or_else(unknown, |(_, shown)| shown.clone());
            self.names.ended(id.value.as_str(), certain, shown);
        }
        let (kind, _) = kind?;
        let kind = match kind {
            StepKind::Group { steps, .. } => StepKind::Group { steps, finally },
            other => other,
        };
        let repeats = matches!(kind, StepKind::Each(_));
        Some(plan::Step {
            id: written.id.as_ref().map(|id| id.value.clone()),
            path: self.report.document.path(step.at),
            name: written.name.clone(),
            condition: if disabled {
                Expr::parse("false").ok()
            } else {
                condition
            },
            timeout: match &written.timeout {
                // The time of a step that repeats is the time of each item.
                _ if repeats => None,
                Some(timeout) => Some(timeout.value),
                None => self.default_timeout(&kind),
            },
            on_error,
            kind,
        })
    }

    /// Reports a step or trigger that does nothing, or two things, or has a key of another kind.
    pub(super) fn one_kind(&mut self, at: NodeId, kinds: &[&str], what: &str) {
        let document = self.report.document;
        let children = document.children(at);
        let present: Vec<(NodeId, &str)> = children
            .iter()
            .filter_map(|child| Some((*child, document.key(*child)?)))
            .collect();
        let mut found = present.iter().filter(|(_, key)| kinds.contains(key));
        let first = found.next();
        for (id, key) in found {
            let first = first.map_or("", |(_, key)| *key);
            let message = format!("a {what} with `{first}` cannot have `{key}` too");
            let help = format!("make two {what}s of it");
            self.report.head(code::PB0204, *id, message).help(help);
        }
        let later = present
            .iter()
            .any(|(id, _)| self.dropped.contains(id) && what == "trigger");
        if first.is_none() && !later {
            self.no_kind(at, kinds, what, &present);
        }
        for (key, kinds) in BELONGS {
            let stray = present
                .iter()
                .find(|(_, present)| *present == key && what == "step");
            if let (Some((id, _)), Some((_, first))) = (stray, first)
                && !present.iter().any(|(_, present)| kinds.contains(present))
            {
                let message = format!("`{key}` has no meaning on a step with `{first}`");
                let help = format!(
                    "it belongs to a step with {}",
                    one_of(kinds.iter().copied())
                );
                self.report.head(code::PB0201, *id, message).help(help);
            }
        }
    }

    /// Nothing says what the step or trigger is; its other keys may tell what was forgotten.
    fn no_kind(&mut self, at: NodeId, kinds: &[&str], what: &str, present: &[(NodeId, &str)]) {
        let forgotten = BELONGS.iter().find_map(|(key, kinds)| {
            let stray = what == "step" && present.iter().any(|(_, present)| present == key);
            stray.then_some(kinds[0])
        });
        let (message, help) = match forgotten {
            Some(kind) => {
                let help = format!("add `{kind}:`; it says what the {what} does");
                (format!("the key `{kind}` is missing"), Some(help))
            }
            None => {
                let kinds = one_of(kinds.iter().copied());
                let help = format!("it needs exactly one of {kinds}");
                (format!("this {what} does nothing"), Some(help))
            }
        };
        let anchor = self.report.document.anchor(at);
        self.report
            .at(code::PB0203, at, anchor, message)
            .help_if(help);
    }

    /// What a step does, and the type of its output.
    pub(super) fn kind(&mut self, step: &Spanned<syntax::Step>) -> Option<(StepKind, Shown)> {
        let written = &step.value;
        if let Some(uses) = &written.uses {
            let (action, output) = self.action(written, uses)?;
            return Some((StepKind::Action(Box::new(action)), Shown::output(output)));
        }
        if written.playbook.is_some() {
            return self.child(written);
        }
        if let Some(approve) = &written.approve {
            return self.approve(approve);
        }
        if let Some(wait) = &written.wait {
            return self.wait(wait);
        }
        let kind = if let Some(steps) = &written.steps {
            StepKind::Group {
                steps: self.steps(&steps.value),
                finally: Vec::new(),
            }
        } else if let Some(steps) = &written.parallel {
            self.parallel(written, &steps.value)
        } else if let Some(branches) = &written.switch {
            StepKind::Switch(self.switch(&branches.value))
        } else if let Some(values) = &written.set {
            StepKind::Set(self.set(&values.value))
        } else if let Some(stop) = &written.stop {
            self.stop(&stop.value)
        } else if let Some(fail) = &written.fail {
            StepKind::Fail(self.fail(fail)?)
        } else {
            return None;
        };
        Some((kind, Shown::default()))
    }

    fn switch(&mut self, branches: &[Spanned<syntax::Branch>]) -> Vec<plan::Branch> {
        let mark = self.names.mark();
        let last = branches.len().saturating_sub(1);
        let mut out = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            if branch.value.r#if.is_none() && index != last {
                let anchor = self.report.document.anchor(branch.at);
                let message = "a branch without `if` is the \"else\" and stands last";
                self.report.at(code::PB0203, branch.at, anchor, message);
            }
            let condition = branch.value.r#if.and_then(|id| self.condition_here(id));
            let known = self.assume(condition.as_ref());
            let steps = self.steps(branch.value.steps.as_deref().unwrap_or_default());
            self.names.env.known_ran = known;
            out.push(plan::Branch { condition, steps });
            // What another branch did has not happened in this one.
            self.names.weaken(mark);
        }
        out
    }

    /// Assigns variables, each with the ones before it in sight.
    pub(super) fn set(
        &mut self,
        values: &syntax::Ordered<syntax::Anything>,
    ) -> Vec<(String, crate::expr::Template)> {
        let mut out = Vec::new();
        for (name, value) in &values.0 {
            let (template, ty) = self
                .with_names(|compiler, names| compiler.template(value.value.0, names))
                .map_or((None, Type::Any), |(template, ty)| (Some(template), ty));
            self.names.assigned(name, ty);
            out.extend(template.map(|template| (name.clone(), template)));
        }
        out
    }

    fn stop(&mut self, stop: &syntax::Stop) -> StepKind {
        self.names.stopped();
        StepKind::Stop {
            status: match stop.status.unwrap_or(StopWord::Succeeded) {
                StopWord::Succeeded => StopStatus::Succeeded,
                StopWord::Cancelled => StopStatus::Cancelled,
            },
            reason: stop.reason.and_then(|reason| self.text(reason.0)),
        }
    }

    fn fail(&mut self, fail: &Spanned<syntax::Fail>) -> Option<Option<plan::Raise>> {
        let (kind, message) = (&fail.value.kind, fail.value.message);
        if let (Some(kind), Some(message)) = (kind, message) {
            let message = self.text(message.0)?;
            return Some(Some(plan::Raise {
                kind: kind.clone().into(),
                message,
            }));
        }
        if kind.is_some() || message.is_some() {
            let missing = if kind.is_some() { "message" } else { "kind" };
            let text = format!("the key `{missing}` is missing");
            let help = "`fail` takes both `kind` and `message`, or `{}` to raise the error again";
            self.report.head(code::PB0203, fail.at, text).help(help);
            return None;
        }
        // An empty map whose keys were all wrong is a problem already.
        if !self.names.handles_error() && self.report.document.children(fail.at).is_empty() {
            let message = "`fail: {}` raises the error being handled again, and none is here";
            let help = "it belongs into a list of `on_error` steps";
            self.report.head(code::PB0304, fail.at, message).help(help);
        }
        Some(None)
    }

    /// What happens when the step fails. Its own steps count as perhaps not done in a handler.
    fn on_error(&mut self, step: &Spanned<syntax::Step>, mark: Mark) -> OnError {
        let default = step
            .value
            .uses
            .as_ref()
            .and(self.defaults.on_error)
            .map(Handler::Word);
        match step.value.on_error.as_ref().or(default.as_ref()) {
            None | Some(Handler::Word(OnErrorWord::Fail)) => OnError::Fail,
            Some(Handler::Word(OnErrorWord::Continue)) => OnError::Continue,
            Some(Handler::Steps(steps)) => {
                self.names.weaken(mark);
                let outer = self.names.enter_handler();
                let inside = self.names.mark();
                let steps = self.steps(steps);
                self.names.leave_handler(outer);
                self.names.weaken(inside);
                OnError::Steps(steps)
            }
        }
    }

    pub(super) fn finally(&mut self, written: &syntax::Step, mark: Mark) -> Vec<plan::Step> {
        let Some(finally) = &written.finally else {
            return Vec::new();
        };
        // Inside, any step of the group may have failed; whoever stands after it knows better.
        let finished = self.names.finished_since(mark);
        self.names.weaken(mark);
        let steps = self.steps(&finally.value);
        self.names.strengthen(&finished);
        steps
    }

    fn condition_here(&mut self, condition: syntax::Condition) -> Option<Expr> {
        self.with_names(|compiler, names| compiler.condition(condition.0, names))
    }

    /// From here on `condition` is true; yields what was known before.
    fn assume(&mut self, condition: Option<&Expr>) -> BTreeSet<String> {
        let known = self.names.env.known_ran.clone();
        self.names
            .env
            .known_ran
            .extend(condition.into_iter().flat_map(Expr::proves_ran));
        known
    }
}
