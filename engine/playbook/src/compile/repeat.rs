//! Steps that repeat or run beside each other: what is in sight inside them, and after them.

use std::collections::HashMap;

use actions_contract::{ActionInfo, EffectKind};
use engine_model::{Millis, code};

use super::Compiler;
use super::scope::Shown;
use crate::expr::Type;
use crate::plan::{self, Each, OnItemError, Parallel, StepKind};
use crate::syntax::{self, Handler, ItemErrorWord, Spanned};
use crate::yaml::NodeId;

/// The wait between two reads where `until` says nothing about it.
const EVERY: Millis = Millis::from_secs(30);

/// A longer list is an error where `for_each` says nothing about it.
const ITEMS_MAX: u32 = 100;

impl Compiler<'_, '_> {
    /// A step that is done for each item of a list.
    pub(super) fn each(
        &mut self,
        step: &Spanned<syntax::Step>,
        each: &Spanned<syntax::ForEach>,
    ) -> Option<(StepKind, Shown)> {
        let written = &step.value;
        self.fits_each(written, each.at);
        let list = each.value.r#in.and_then(|list| self.list(list.0));
        let concurrency = each.value.concurrency.unwrap_or(1);
        if concurrency > 1 {
            self.set_by_many(written);
        }
        let name = each.value.r#as.as_ref();
        let of_item = list.as_ref().map_or(Type::Any, |(_, item)| item.clone());
        let outer = name.map(|name| self.hide(name, of_item));
        let mark = self.names.mark();
        let body = self.kind(step);
        let finally = self.finally(written, mark);
        let key = each.value.key.and_then(|key| self.text(key.0));
        let output = written.output.and_then(|output| {
            self.with_names(|compiler, names| compiler.template(output.0, names))
        });
        self.names.out_of_scope(mark);
        if let (Some(name), Some(outer)) = (name, outer) {
            self.names.restore(&name.value, outer);
        }
        let (kind, shown) = body?;
        let yields = match (&output, shown.output) {
            (Some((_, ty)), _) => ty.clone(),
            (None, Some(ty)) => ty,
            (None, None) => Type::Any,
        };
        let kind = match kind {
            StepKind::Group { steps, .. } => StepKind::Group { steps, finally },
            other => other,
        };
        let timeout = written.timeout.as_ref().map(|timeout| timeout.value);
        let body = plan::Step {
            id: None,
            path: String::new(),
            name: None,
            condition: None,
            timeout: timeout.or_else(|| self.default_timeout(&kind)),
            on_error: plan::OnError::Fail,
            kind,
        };
        let each = Each {
            list: list?.0,
            name: name?.value.clone(),
            concurrency,
            max_items: each.value.max_items.unwrap_or(ITEMS_MAX),
            on_item_error: match each.value.on_item_error {
                None | Some(ItemErrorWord::Fail) => OnItemError::Fail,
                Some(ItemErrorWord::FailFast) => OnItemError::FailFast,
                Some(ItemErrorWord::Continue) => OnItemError::Continue,
            },
            key,
            output: output.map(|(template, _)| template),
            body,
        };
        Some((StepKind::Each(Box::new(each)), Shown::of_items(yields)))
    }

    /// Says where `for_each` and its `output` have no meaning.
    fn fits_each(&mut self, written: &syntax::Step, each: NodeId) {
        let repeats = written.uses.is_some() || written.playbook.is_some();
        if !repeats && written.steps.is_none() {
            let message = "`for_each` has no meaning on this kind of step";
            let help = "it belongs to a step with `uses`, `playbook` or `steps`; \
                        put the step into `steps:`";
            self.report.head(code::PB0204, each, message).help(help);
        }
        if let (true, Some(output)) = (repeats, written.output) {
            let message = "`output` says what `steps` yield for one item";
            let help = "a step with `uses` or `playbook` yields its own output";
            self.report.head(code::PB0201, output.0, message).help(help);
        }
    }

    /// A list, and the type of its items.
    fn list(&mut self, id: NodeId) -> Option<(crate::expr::Template, Type)> {
        let (template, ty) = self.with_names(|compiler, names| compiler.template(id, names))?;
        let mut items = Vec::new();
        for part in ty.parts() {
            match part {
                Type::List(item) => items.push((**item).clone()),
                Type::Any => items.push(Type::Any),
                _ => {}
            }
        }
        if items.is_empty() {
            let message = format!("`in` takes a list, this is {ty}");
            let help = "name a list, such as `${{ steps.hunt.output.rows }}`";
            self.report.value(code::PB0402, id, message).help(help);
        }
        Some((template, Type::union(items)))
    }

    /// Adds a name for the time being; yields what restores the one before it.
    fn hide(&mut self, name: &Spanned<String>, ty: Type) -> Option<Type> {
        let taken = self.names.env.names.contains_key(&name.value) || name.value == "steps";
        if taken {
            let message = format!("`{}` means something else already", name.value);
            let help = "choose another word for the item";
            self.report.value(code::PB0205, name.at, message).help(help);
        }
        self.names.env.names.insert(name.value.clone(), ty)
    }

    /// Steps beside each other: none sees what another one did.
    pub(super) fn parallel(
        &mut self,
        written: &syntax::Step,
        steps: &[Spanned<syntax::Step>],
    ) -> StepKind {
        self.set_by_two(steps);
        let mut seen = Vec::new();
        let mut out = Vec::new();
        for step in steps {
            let mark = self.names.mark();
            out.extend(self.steps(std::slice::from_ref(step)));
            seen.extend(self.names.not_yet(mark));
        }
        self.names.see(seen);
        let all = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        StepKind::Parallel(Parallel {
            steps: out,
            concurrency: written.concurrency.as_ref().map_or(all, |many| many.value),
            fail_fast: written.fail_fast.as_ref().is_some_and(|fast| fast.value),
        })
    }

    /// A read that is repeated until a condition over its `output` holds.
    pub(super) fn until(
        &mut self,
        written: &syntax::Step,
        info: &ActionInfo,
        output: &Type,
    ) -> Option<plan::Until> {
        let Some(until) = &written.until else {
            if let Some(every) = &written.every {
                let message = "`every` says how often `until` looks, and there is no `until`";
                self.report.head(code::PB0203, every.at, message);
            }
            return None;
        };
        if info.effect.kind() != EffectKind::Read {
            let message = format!("`until` repeats a read, and `{}` is none", info.id);
            let help = "actions that take a while are followed to their end by themselves";
            self.report.head(code::PB0201, until.at, message).help(help);
        }
        let outer = self
            .names
            .env
            .names
            .insert("output".to_owned(), output.clone());
        let condition = self.with_names(|compiler, names| compiler.condition(until.value.0, names));
        self.names.restore("output", outer);
        Some(plan::Until {
            condition: condition?,
            every: written.every.as_ref().map_or(EVERY, |every| every.value),
        })
    }

    /// When a containment is taken back.
    pub(super) fn release(
        &mut self,
        written: &syntax::Step,
        info: &ActionInfo,
    ) -> Option<plan::Release> {
        let release = written.release.as_ref()?;
        if info.effect.kind() != EffectKind::Contain {
            let message = format!("`{}` contains nothing that could be released", info.id);
            let help = "`release` belongs to a step whose action has an undo";
            self.report
                .head(code::PB0201, release.at, message)
                .help(help);
        }
        let condition = release.value.r#if;
        let condition = condition
            .and_then(|id| self.with_names(|compiler, names| compiler.condition(id.0, names)));
        Some(plan::Release {
            after: release.value.after?,
            condition,
        })
    }

    /// Several items would set the same variable in an order that nobody knows.
    fn set_by_many(&mut self, written: &syntax::Step) {
        let mut names = Vec::new();
        let steps = written.steps.as_ref().map(|steps| &steps.value);
        steps
            .into_iter()
            .flatten()
            .for_each(|step| sets(&step.value, &mut names));
        for (name, at) in names {
            let message = format!("items that run at the same time all set `{name}`");
            let help = "yield it with `output:` instead, or leave out `concurrency`";
            self.report.head(code::PB0205, at, message).help(help);
        }
    }

    /// Two branches that both run set the same variable.
    fn set_by_two(&mut self, steps: &[Spanned<syntax::Step>]) {
        let mut by: HashMap<String, usize> = HashMap::new();
        for (branch, step) in steps.iter().enumerate() {
            let mut names = Vec::new();
            sets(&step.value, &mut names);
            for (name, at) in names {
                if *by.entry(name.clone()).or_insert(branch) != branch {
                    let message = format!("another step of this `parallel` sets `{name}` too");
                    let help = "nobody knows which one is the last: give each a name of its own";
                    self.report.head(code::PB0205, at, message).help(help);
                }
            }
        }
    }
}

/// The variables that a step sets, nested ones included, each with its place.
fn sets(step: &syntax::Step, out: &mut Vec<(String, NodeId)>) {
    let values = step.set.iter().flat_map(|set| &set.value.0);
    out.extend(values.map(|(name, value)| (name.clone(), value.at)));
    for steps in inner(step) {
        steps.iter().for_each(|step| sets(&step.value, out));
    }
}

/// The lists of steps that stand inside a step.
pub(super) fn inner(step: &syntax::Step) -> Vec<&[Spanned<syntax::Step>]> {
    let mut out: Vec<&[Spanned<syntax::Step>]> = Vec::new();
    let groups = [&step.steps, &step.parallel, &step.finally];
    out.extend(groups.into_iter().flatten().map(|steps| &*steps.value));
    for branch in step.switch.iter().flat_map(|branches| &branches.value) {
        out.extend(branch.value.steps.as_deref());
    }
    if let Some(Handler::Steps(steps)) = &step.on_error {
        out.push(steps);
    }
    out
}
