//! What expressions may name at each place of a playbook, and how sure it is to be there.

use std::sync::Arc;

use crate::expr::{Availability, Env, Field, StepView, Type};
use crate::plan::{Storm, TriggerKind};

/// A place in the log of what happened so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(usize);

/// What a step shows to those after it, beside its status.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// The type of its output, where it has one.
    pub(super) output: Option<Type>,
    /// The type of its items, where it has some.
    pub(super) items: Option<Type>,
}

impl Shown {
    /// An output of this type.
    pub(super) fn output(ty: Type) -> Self {
        Self {
            output: Some(ty),
            items: None,
        }
    }

    /// Items that yield this type each.
    pub(super) fn of_items(ty: Type) -> Self {
        let item = Type::closed([
            ("index", Type::Int),
            ("key", Type::Text),
            ("status", Type::Text),
            ("output", ty.clone().or_null()),
            ("error", Type::Any),
        ]);
        Self {
            output: Some(Type::list_of(ty)),
            items: Some(Type::list_of(item)),
        }
    }
}

/// The names at one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// What expressions are checked against.
    pub(super) env: Env,
    /// The steps that ended so far, in order.
    log: Vec<String>,
    stopped_at: Option<usize>,
}

impl Names {
    /// What a trigger's `with` may name.
    pub(super) fn of_trigger(alert: bool, schedule: bool) -> Self {
        let mut names = Self::default();
        names.add("trigger", Type::closed([("id", Type::Text)]));
        if alert {
            names.add("alert", super::triggers::alert_type());
        }
        if schedule {
            names.add("schedule", Type::closed([("planned_at", Type::Time)]));
        }
        names
    }

    /// What `trigger` holds beside its id, for these kinds of triggers.
    ///
    /// In a run that another trigger of the playbook started it is absent, as `alert` may be.
    pub(super) fn started_by<'k>(&mut self, kinds: impl Iterator<Item = &'k TriggerKind>) {
        let mut storms: Vec<&Storm> = Vec::new();
        let mut ends = false;
        for kind in kinds {
            match kind {
                TriggerKind::Alert(alert) if alert.storm.gathers() => storms.push(&alert.storm),
                TriggerKind::Playbook(_) => ends = true,
                _ => {}
            }
        }
        let mut fields = vec![("id", Type::Text)];
        if !storms.is_empty() {
            let group = storms.iter().flat_map(|storm| storm.group_fields());
            fields.extend([
                ("alerts", Type::list_of(super::triggers::alert_type())),
                ("count", Type::Int),
                ("group", Type::closed(group.map(|field| (field, Type::Any)))),
                ("since", Type::Time),
            ]);
        }
        if ends {
            fields.push(("run", ended_run_type()));
        }
        self.add("trigger", Type::closed(fields));
    }

    /// Adds a name.
    pub(super) fn add(&mut self, name: &str, ty: Type) {
        self.env.names.insert(name.to_owned(), ty);
    }

    /// Says that the step exists, further down.
    pub(super) fn declare(&mut self, step: &str) {
        let view = StepView::new(Availability::NotYet, Type::Any);
        self.env.steps.insert(step.to_owned(), view);
    }

    /// The step is of a later version: nothing is known about it, and nothing more is said.
    pub(super) fn unknown(&mut self, step: &str) {
        let view = StepView {
            availability: Availability::Finished,
            fields: Type::Any,
        };
        self.env.steps.insert(step.to_owned(), view);
    }

    /// The place the walk has come to.
    pub(super) fn mark(&self) -> Mark {
        Mark(self.log.len())
    }

    /// The step is over; this is what it shows.
    pub(super) fn ended(&mut self, step: &str, certain: bool, shown: Shown) {
        let availability = if certain {
            Availability::Finished
        } else {
            Availability::MaySkip
        };
        let mut view = StepView::new(availability, shown.output.clone().unwrap_or_default());
        if let Type::Map(fields) = &mut view.fields {
            let fields = &mut Arc::make_mut(fields).fields;
            match (shown.items, fields.get_mut("items")) {
                (Some(items), Some(field)) => field.ty = items,
                _ => {
                    fields.remove("items");
                }
            }
            if shown.output.is_none() {
                fields.remove("output");
            }
        }
        self.env.steps.insert(step.to_owned(), view);
        self.log.push(step.to_owned());
    }

    /// From here on, what happened since `mark` cannot be seen.
    pub(super) fn out_of_scope(&mut self, mark: Mark) {
        for step in self.log.get(mark.0..).unwrap_or_default() {
            if let Some(step) = self.env.steps.get_mut(step) {
                step.availability = Availability::OutOfScope;
            }
        }
    }

    /// What happened since `mark` has not happened for what follows; yields what [`Self::see`]
    /// takes.
    pub(super) fn not_yet(&mut self, mark: Mark) -> Vec<(String, Availability)> {
        let mut seen = Vec::new();
        for id in self.log.get(mark.0..).unwrap_or_default() {
            if let Some(step) = self.env.steps.get_mut(id) {
                seen.push((id.clone(), step.availability));
                step.availability = Availability::NotYet;
            }
        }
        seen
    }

    /// All of that has happened.
    pub(super) fn see(&mut self, seen: Vec<(String, Availability)>) {
        for (id, availability) in seen {
            if let Some(step) = self.env.steps.get_mut(&id) {
                step.availability = availability;
            }
        }
    }

    /// Takes a name back, to what it was before.
    pub(super) fn restore(&mut self, name: &str, outer: Option<Type>) {
        match outer {
            Some(outer) => self.add(name, outer),
            None => {
                self.env.names.remove(name);
            }
        }
    }

    /// A variable has a value of this type.
    ///
    /// One that was assigned before may still have its earlier value, where the assignment stands
    /// in a branch; one that is assigned only in a branch not taken is found missing by the run.
    pub(super) fn assigned(&mut self, name: &str, ty: Type) {
        let vars = self
            .env
            .names
            .entry("vars".to_owned())
            .or_insert_with(no_fields);
        let Type::Map(vars) = vars else { return };
        let fields = &mut Arc::make_mut(vars).fields;
        let ty = match fields.remove(name) {
            Some(before) => Type::union([before.ty, ty]),
            None => ty,
        };
        fields.insert(name.to_owned(), Field { ty, required: true });
    }

    /// The run may end here.
    pub(super) fn stopped(&mut self) {
        self.stopped_at.get_or_insert(self.log.len());
    }

    /// From here on, what happened since `mark` may not have happened.
    pub(super) fn weaken(&mut self, mark: Mark) {
        for step in self.log.get(mark.0..).unwrap_or_default() {
            if let Some(step) = self.env.steps.get_mut(step)
                && step.availability == Availability::Finished
            {
                step.availability = Availability::MaySkip;
            }
        }
    }

    /// The steps that ended since `mark` and surely ran.
    pub(super) fn finished_since(&self, mark: Mark) -> Vec<String> {
        let finished = |step: &&String| {
            let view = self.env.steps.get(*step);
            view.is_some_and(|view| view.availability == Availability::Finished)
        };
        self.log
            .get(mark.0..)
            .unwrap_or_default()
            .iter()
            .filter(finished)
            .cloned()
            .collect()
    }

    /// These steps surely ran after all.
    pub(super) fn strengthen(&mut self, steps: &[String]) {
        for step in steps {
            if let Some(step) = self.env.steps.get_mut(step) {
                step.availability = Availability::Finished;
            }
        }
    }

    /// Enters steps that handle an error; yields what leaving them takes.
    pub(super) fn enter_handler(&mut self) -> Option<Type> {
        self.env.names.insert("error".to_owned(), error_type())
    }

    /// Leaves steps that handle an error.
    pub(super) fn leave_handler(&mut self, outer: Option<Type>) {
        self.restore("error", outer);
    }

    /// Whether an error is being handled here.
    pub(super) fn handles_error(&self) -> bool {
        self.env.names.contains_key("error")
    }

    /// The names for the result of the run: a `stop` may have ended it before its last step.
    pub(super) fn weaken_after_stop(&mut self) {
        if let Some(at) = self.stopped_at {
            self.weaken(Mark(at));
        }
    }
}

/// A map without fields.
pub(super) fn no_fields() -> Type {
    Type::closed(Vec::<(String, Type)>::new())
}

/// The error that steps of `on_error` handle.
fn error_type() -> Type {
    Type::closed([
        ("step", Type::Text),
        ("kind", Type::Text),
        ("code", Type::Text),
        ("message", Type::Text),
        ("retryable", Type::Bool),
        ("attempts", Type::Int),
        ("cause", Type::Any),
    ])
}

/// The run whose end started this one.
fn ended_run_type() -> Type {
    Type::closed([
        ("id", Type::Text),
        ("playbook", Type::Text),
        ("trigger", Type::Text),
        ("status", Type::Text),
        ("started_at", Type::Time),
        ("ended_at", Type::Time),
        ("hops", Type::Int),
        ("outputs", Type::map_of(Type::Any)),
        ("error", Type::Any),
    ])
}

/// The run itself.
pub(super) fn run_type() -> Type {
    Type::closed([
        ("id", Type::Text),
        ("playbook", Type::Text),
        ("tenant", Type::Text),
        ("started_at", Type::Time),
        ("now", Type::Time),
    ])
}
