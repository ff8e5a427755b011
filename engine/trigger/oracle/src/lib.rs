//! The one door to three Sigma engines: ours, `rsigma-eval` and `sigma-rust`.
//!
//! A detection and an alert go in, a verdict comes out. The other two get the alert as JSON, as
//! expressions see it under the name `alert`, so a field has the same path everywhere.

use std::sync::Arc;

use engine_model::Alert;
use engine_playbook::plan::Plan;
use engine_trigger::{AlertChange, AlertView, Index};
use rsigma_eval::{Engine, JsonEvent};
use serde_json::{Value, json};

/// An alert around the vendor's JSON.
///
/// # Panics
///
/// When the alert has another shape than its struct, which is a mistake of this crate.
#[must_use]
pub fn alert(raw: &Value) -> Alert {
    let alert = json!({
        "id": "a1",
        "tenant": "default",
        "source": "api",
        "created_at": "2026-11-21T18:05:00Z",
        "updated_at": "2026-11-21T18:05:00Z",
        "title": "An alert",
        "severity": "high",
        "raw": raw,
    });
    serde_json::from_value(alert).expect("it has the shape of an alert")
}

/// A playbook named `name` that is started by this detection.
///
/// # Errors
///
/// Every problem, one in a line.
pub fn plan(name: &str, detection: &Value) -> Result<Arc<Plan>, String> {
    let text = format!(
        "version: 1\nname: {name}\ntriggers:\n  - id: it\n    alert:\n      source: api\n      \
         match: {}\nsteps:\n  - id: end\n    stop: {{status: succeeded}}\n",
        json!({ "detection": detection })
    );
    let compiled = engine_playbook::compile(&text, &[]);
    compiled.plan.ok_or_else(|| {
        let problems = compiled.diagnostics.iter();
        let said = problems.map(|problem| format!("{} {}", problem.path, problem.message));
        said.collect::<Vec<_>>().join("\n")
    })
}

/// An index over these detections, in which playbook `p3` is the fourth.
///
/// # Errors
///
/// Every problem, one in a line.
pub fn index(detections: &[Value]) -> Result<Index, String> {
    let plans = detections.iter().enumerate();
    let plans = plans.map(|(number, detection)| plan(&format!("p{number}"), detection));
    let plans = plans.collect::<Result<Vec<_>, String>>()?;
    Index::build(&plans).map_err(|problems| {
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        said.join("\n")
    })
}

/// A rule file with this detection.
#[must_use]
pub fn rule(detection: &Value) -> String {
    json!({
        "title": "t",
        "sigma-version": 3,
        "logsource": {"category": "test"},
        "detection": detection,
    })
    .to_string()
}

/// The engine that rules are held against.
///
/// # Errors
///
/// When it refuses a rule.
pub fn oracle(detections: &[Value]) -> Result<Engine, String> {
    let mut engine = Engine::new();
    for detection in detections {
        let read = rsigma_parser::parse_sigma_yaml(&rule(detection));
        let read = read.map_err(|error| error.to_string())?;
        if let Some(error) = read.errors.first() {
            return Err(error.to_string());
        }
        engine
            .add_collection(&read)
            .map_err(|error| error.to_string())?;
    }
    Ok(engine)
}

/// What two engines say of one detection and one alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whether our trigger fires.
    pub ours: bool,
    /// Whether the other engine's rule does.
    pub theirs: bool,
}

/// A detection, compiled by two engines.
pub struct Pair {
    index: Index,
    oracle: Engine,
}

impl Pair {
    /// Compiles a detection.
    ///
    /// # Errors
    ///
    /// What the one or the other says where it refuses.
    pub fn new(detection: &Value) -> Result<Self, String> {
        let one = std::slice::from_ref(detection);
        Ok(Self {
            index: index(one).map_err(|error| format!("ours refuses: {error}"))?,
            oracle: oracle(one).map_err(|error| format!("theirs refuses: {error}"))?,
        })
    }

    /// Asks both.
    ///
    /// # Panics
    ///
    /// When our index and our explanation disagree.
    #[must_use]
    pub fn ask(&self, raw: &Value) -> Said {
        let alert = alert(raw);
        let view = AlertView::new(&alert);
        let ours = !self.index.matches(&view, AlertChange::Created).is_empty();
        let account = &self.index.explain(&view, AlertChange::Created)[0];
        assert_eq!(
            ours,
            account.missed.is_none(),
            "the index disagrees on {raw}"
        );
        let event = JsonEvent::borrow(view.value());
        Said {
            ours,
            theirs: !self.oracle.evaluate(&event).is_empty(),
        }
    }
}
