//! From the text of a playbook to its plan.
//!
//! The stages do not wait for each other: what one of them finds wrong, the next leaves out and
//! looks at the rest, so that all problems of a file come in one list. Where a stage cannot know
//! any more, it stays silent rather than report a consequence of an earlier problem.

mod action;
mod detection;
mod guards;
mod inputs;
mod marks;
mod pause;
mod repeat;
mod retry;
mod schedule;
mod scope;
mod steps;
mod storm;
mod triggers;
mod values;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use actions_contract::ActionInfo;
use engine_model::{Diagnostic, Digest, Millis, Severity, code};

use crate::expr::{Template, Type};
use crate::plan::{self, Plan};
use crate::report::{Report, sorted};
use crate::shape::{Patterns, Rules, Shape};
use crate::syntax::{self, Ordered, Playbook, Spanned, Step};
use crate::yaml::{self, NodeId};
use crate::{schema, suggest};

use scope::Names;

/// What a playbook's text came to.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The plan; there when no diagnostic is an error.
    pub plan: Option<Arc<Plan>>,
    /// Every problem of the file, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks `text` against the language and the `actions` at hand.
#[must_use]
pub fn compile(text: &str, actions: &[Arc<ActionInfo>]) -> Compiled {
    let (document, problems) = yaml::read(text);
    let Some(document) = document else {
        return Compiled {
            plan: None,
            diagnostics: sorted(problems),
        };
    };
    let mut report = Report::new(text, &document, problems);
    let mut dropped = HashSet::new();
    let root = document.root();
    let language = schema::language();
    let mut patterns = Patterns::default();
    Shape {
        report: &mut report,
        dropped: &mut dropped,
        root: language,
        patterns: &mut patterns,
        rules: Rules::LANGUAGE,
    }
    .check(root, language);
    if dropped.contains(&root) {
        return Compiled {
            plan: None,
            diagnostics: report.finish(),
        };
    }
    let playbook = match syntax::read::<Playbook>(&document, &dropped, root) {
        Ok(playbook) => playbook,
        Err(error) => {
            report.head(code::PB0202, root, error.to_string());
            return Compiled {
                plan: None,
                diagnostics: report.finish(),
            };
        }
    };
    let defaults = playbook.defaults.clone().unwrap_or_default();
    let names = Names::default();
    let mut compiler = Compiler {
        report,
        dropped,
        patterns,
        actions,
        names,
        defaults,
        connections: BTreeMap::new(),
    };
    let plan = compiler.playbook(&playbook);
    let diagnostics = compiler.report.finish();
    let sound = diagnostics
        .iter()
        .all(|problem| problem.severity != Severity::Error);
    Compiled {
        plan: plan.filter(|_| sound).map(Arc::new),
        diagnostics,
    }
}

/// What all parts of the compilation work with.
struct Compiler<'a, 'd> {
    report: Report<'d>,
    /// Values that were found wrong, or belong to a later version.
    dropped: HashSet<NodeId>,
    patterns: Patterns,
    actions: &'a [Arc<ActionInfo>],
    /// The names where the walk stands.
    names: Names,
    defaults: syntax::Defaults,
    /// The connection of each family, for steps that name none.
    connections: BTreeMap<String, String>,
}

impl Compiler<'_, '_> {
    fn playbook(&mut self, playbook: &Playbook) -> Option<Plan> {
        self.declare(playbook);
        let inputs = self.inputs(playbook);
        let triggers = self.triggers(playbook, &inputs);
        self.start_names(playbook, &inputs, &triggers);
        self.connections = self.connections(playbook);
        let guard = self.guard(playbook);
        let vars = playbook
            .vars
            .as_ref()
            .map(|vars| self.set(vars))
            .unwrap_or_default();
        let concurrency = self.concurrency(playbook);
        let start = self.names.mark();
        let steps = self.steps(playbook.steps.as_deref().unwrap_or_default());
        let finished = self.names.finished_since(start);
        self.names.weaken(start);
        let outer = self.names.enter_handler();
        let in_handler = self.names.mark();
        let on_error = self.steps(playbook.on_error.as_deref().unwrap_or_default());
        self.names.leave_handler(outer);
        self.names.weaken(in_handler);
        let finally = self.steps(playbook.finally.as_deref().unwrap_or_default());
        self.names.strengthen(&finished);
        self.names.weaken_after_stop();
        let outputs = self.outputs(playbook.outputs.as_ref());
        Some(Plan {
            name: playbook.name.clone()?,
            digest: Digest::of(self.report.text.as_bytes()),
            title: playbook.title.clone(),
            enabled: playbook.enabled.unwrap_or(true),
            inputs,
            triggers,
            concurrency,
            timeout: playbook
                .timeout
                .unwrap_or(Millis::from_secs(7 * 24 * 60 * 60)),
            guard: Arc::new(guard),
            connections: std::mem::take(&mut self.connections),
            vars,
            steps,
            on_error,
            finally,
            outputs,
        })
    }

    /// The names every step may use.
    fn start_names(
        &mut self,
        playbook: &Playbook,
        inputs: &[plan::Input],
        planned: &[plan::Trigger],
    ) {
        let triggers = playbook.triggers.as_deref().unwrap_or_default();
        let alert = triggers.iter().any(|trigger| trigger.value.alert.is_some());
        let schedule = triggers
            .iter()
            .any(|trigger| trigger.value.schedule.is_some());
        self.names
            .env
            .names
            .extend(Names::of_trigger(alert, schedule).env.names);
        self.names
            .started_by(planned.iter().map(|trigger| &trigger.kind));
        let of_input = |input: &plan::Input| (input.name.clone(), Type::from_schema(&input.schema));
        self.names.add(
            "inputs",
            Type::closed(inputs.iter().map(of_input).collect::<Vec<_>>()),
        );
        self.names
            .add("vars", Type::closed(Vec::<(String, Type)>::new()));
        self.names.add("run", scope::run_type());
        let document = self.report.document;
        let in_triggers = |id: &NodeId| document.path(*id).starts_with("triggers");
        if self.dropped.iter().any(in_triggers) {
            // A trigger of a later version brings names that are no second problem.
            for name in ["alert", "trigger", "webhook"] {
                self.names.add(name, Type::Any);
            }
        }
    }

    /// Makes every step of the file known, and reports ids that stand there twice.
    fn declare(&mut self, playbook: &Playbook) {
        let mut seen = HashMap::new();
        for steps in [&playbook.steps, &playbook.on_error, &playbook.finally] {
            self.declare_steps(steps.as_deref().unwrap_or_default(), &mut seen);
        }
        let mut inside: Vec<NodeId> = self.dropped.iter().copied().collect();
        let document = self.report.document;
        while let Some(id) = inside.pop() {
            inside.extend(document.children(id));
            let step = document.get(id, "id").and_then(|id| document.text(id));
            if let Some(step) = step.filter(|step| !seen.contains_key(*step)) {
                self.names.unknown(step);
            }
        }
    }

    fn declare_steps(&mut self, steps: &[Spanned<Step>], seen: &mut HashMap<String, NodeId>) {
        for step in steps {
            if let Some(id) = &step.value.id {
                self.once(seen, "step", id.value.as_str(), id.at);
                self.names.declare(id.value.as_str());
            }
            for inner in repeat::inner(&step.value) {
                self.declare_steps(inner, seen);
            }
        }
    }

    fn connections(&mut self, playbook: &Playbook) -> BTreeMap<String, String> {
        let written = playbook
            .connections
            .iter()
            .flat_map(|connections| &connections.0);
        let mut out = BTreeMap::new();
        for (family, connection) in written {
            let known = || self.actions.iter().map(|info| info.id.family());
            if !known().any(|known| known == family) {
                let message = format!("no action belongs to the family `{family}`");
                let meant = suggest::similar(family, known());
                let help = meant.map(|meant| format!("did you mean `{meant}`?"));
                self.report
                    .head(code::PB0201, connection.at, message)
                    .help_if(help);
            }
            out.insert(family.clone(), connection.value.clone());
        }
        out
    }

    fn outputs(&mut self, outputs: Option<&Ordered<syntax::Anything>>) -> Vec<(String, Template)> {
        let mut out = Vec::new();
        for (name, value) in outputs.iter().flat_map(|outputs| &outputs.0) {
            let template =
                self.with_names(|compiler, names| compiler.template(value.value.0, names));
            out.extend(template.map(|(template, _)| (name.clone(), template)));
        }
        out
    }
}
