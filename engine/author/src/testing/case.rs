//! From the text of a test file to tests that can run, or to what is wrong with it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use engine_driver::PlaybookText;
use engine_model::{Diagnostic, Place, PlaybookName, Severity, code};
use engine_playbook::check::{Sheet, Wanted};
use engine_playbook::plan::Plan;
use engine_playbook::suggest::similar;
use engine_playbook::yaml::{self, Document, NodeId};
use serde_json::{Map, Value};

use super::names;
use super::suite::{Broken, Workshop};
use super::syntax::{Test, test_schema};
use super::world::read_policy;

/// A test file.
#[derive(Clone, Debug)]
pub struct TestText {
    /// Its path.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// One test, ready to run.
pub struct Case {
    /// The file.
    pub file: Arc<str>,
    /// Its text, for the places of what fails.
    pub(super) text: Arc<str>,
    pub(super) document: Arc<Document>,
    /// The number of the test in its file.
    pub(super) index: usize,
    /// What it shows.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    pub(super) test: Test,
    /// What has to come of it, as written.
    pub(super) expected: Value,
    /// The path of the playbook.
    pub playbook: Arc<str>,
    pub(super) plan: Arc<Plan>,
    /// Playbooks of the same folder, by name.
    pub(super) beside: Arc<BTreeMap<PlaybookName, Arc<Plan>>>,
}

/// Reads one test file.
pub(super) fn read(file: &TestText, workshop: &Workshop) -> Result<Vec<Case>, Vec<Broken>> {
    let broken = |diagnostics| {
        vec![Broken {
            path: file.path.clone(),
            text: file.text.clone(),
            diagnostics,
        }]
    };
    let (document, problems) = yaml::read(&file.text);
    let Some(document) = document else {
        return Err(broken(problems));
    };
    let mut sheet = Sheet::new(&file.text, &document, problems);
    sheet.check(document.root(), &test_schema(), Wanted::Keys);
    let written = document.value(document.root());
    let (path, plan) = match playbook(&mut sheet, &document, (file, &written), workshop) {
        Ok(Some(found)) => found,
        Ok(None) => return Err(broken(sheet.finish())),
        Err(invalid) => return Err(vec![invalid]),
    };
    names::check(&mut sheet, &document, &plan, workshop);
    let problems = sheet.finish();
    if has_errors(&problems) {
        return Err(broken(problems));
    }
    let mut sheet = Sheet::new(&file.text, &document, problems);
    let tests = tests(&mut sheet, &document, &written);
    let problems = sheet.finish();
    if has_errors(&problems) {
        return Err(broken(problems));
    }
    let folder = folder(&path);
    let beside = workshop.beside(folder, &plan);
    let shared = (
        Arc::<str>::from(file.path.as_str()),
        Arc::<str>::from(file.text.as_str()),
        Arc::new(document),
    );
    let case = |(index, (test, expected)): (usize, (Test, Value))| Case {
        file: Arc::clone(&shared.0),
        text: Arc::clone(&shared.1),
        document: Arc::clone(&shared.2),
        index,
        name: test.name.clone(),
        place: place_of(&shared.1, &shared.2, index),
        test,
        expected,
        playbook: path.as_str().into(),
        plan: Arc::clone(&plan),
        beside: Arc::clone(&beside),
    };
    Ok(tests.into_iter().enumerate().map(case).collect())
}

/// The path of the playbook that a file tests, where it names one.
#[must_use]
pub fn playbook_path(file: &TestText) -> Option<String> {
    let (document, _) = yaml::read(&file.text);
    let document = document?;
    let named = document.text(document.get(document.root(), "playbook")?)?;
    Some(joined(folder(&file.path), named))
}

fn place_of(text: &str, document: &Document, index: usize) -> Place {
    let name = document.find(&format!("tests[{index}].name"));
    Place::of(text, document.node(name).span.start)
}

/// The playbook that a file tests; none where there is none, an error where it is not valid.
fn playbook(
    sheet: &mut Sheet<'_>,
    document: &Document,
    (file, written): (&TestText, &Value),
    workshop: &Workshop,
) -> Result<Option<(String, Arc<Plan>)>, Broken> {
    let named = written["playbook"].as_str().unwrap_or_default();
    let path = joined(folder(&file.path), named);
    let known = workshop.playbooks.iter();
    let Some(text) = known.clone().find(|one| normal(&one.path) == path) else {
        let id = document.find("playbook");
        let beside = known.filter(|one| folder(&one.path) == folder(&file.path));
        let names: Vec<String> = beside
            .filter_map(|one| one.path.rsplit('/').next().map(str::to_owned))
            .collect();
        let help = similar(named, names.iter().map(String::as_str))
            .map(|meant| format!("did you mean `{meant}`?"));
        sheet.value(
            code::PB0202,
            id,
            format!("there is no playbook `{path}`"),
            help,
        );
        return Ok(None);
    };
    match compiled(text, workshop) {
        Ok(plan) => Ok(Some((text.path.clone(), plan))),
        Err(invalid) => Err(invalid),
    }
}

fn compiled(text: &PlaybookText, workshop: &Workshop) -> Result<Arc<Plan>, Broken> {
    let (plan, diagnostics) = workshop.checker.check(&text.text);
    plan.ok_or_else(|| Broken {
        path: text.path.clone(),
        text: text.text.clone(),
        diagnostics,
    })
}

fn tests(sheet: &mut Sheet<'_>, document: &Document, written: &Value) -> Vec<(Test, Value)> {
    let defaults = &written["defaults"];
    let mut names = HashSet::new();
    let mut tests = Vec::new();
    for (index, own) in written["tests"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let id = document.find(&format!("tests[{index}]"));
        let whole = merged(defaults, own);
        match serde_json::from_value::<Test>(whole) {
            Ok(test) => {
                once(sheet, document, (id, &test.name), &mut names);
                let expected = own["expect"].clone();
                if expected.as_object().is_none_or(Map::is_empty) {
                    let place = document.get(id, "expect").unwrap_or(id);
                    let message = "a test that expects nothing cannot fail".to_owned();
                    sheet.key(code::PB0203, place, message, None);
                }
                begins(sheet, id, &test);
                tests.push((test, expected));
            }
            Err(error) => sheet.key(code::PB0202, id, error.to_string(), None),
        }
    }
    tests
}

fn once(
    sheet: &mut Sheet<'_>,
    document: &Document,
    (id, name): (NodeId, &str),
    names: &mut HashSet<String>,
) {
    if !names.insert(name.to_owned()) {
        let place = document.get(id, "name").unwrap_or(id);
        let message = format!("two tests are called `{name}`");
        sheet.value(code::PB0205, place, message, None);
    }
}

/// Whether the test says what starts it, under a policy that is sound.
fn begins(sheet: &mut Sheet<'_>, id: NodeId, test: &Test) {
    let of = &test.situation;
    if let Some(Err(problems)) = of.policy.as_ref().map(read_policy) {
        let message = format!("the policy is not valid: {}", problems.join("; "));
        sheet.key(code::CF0104, id, message, None);
    }
    let by_hand = of.inputs.is_some() || of.by.is_some() || of.roles.is_some();
    let starts = [
        of.alert.is_some(),
        by_hand,
        of.at.is_some(),
        of.ended.is_some(),
    ];
    if !starts.contains(&true) && of.events.is_empty() {
        let message = "nothing starts this test".to_owned();
        let help = "add `alert`, `inputs` (a start by hand), `at` (a schedule) or `ended`";
        sheet.key(code::PB0203, id, message, Some(help.to_owned()));
    }
}

/// The maps of a test merged into the defaults; what it gives for an action or a step replaces what
/// stands there.
fn merged(defaults: &Value, own: &Value) -> Value {
    let mut whole = defaults.as_object().cloned().unwrap_or_default();
    for (key, value) in own.as_object().into_iter().flatten() {
        let deep = matches!(key.as_str(), "alert" | "policy");
        match (whole.get_mut(key), value) {
            (Some(Value::Object(under)), Value::Object(over)) if deep => merge(under, over),
            (Some(Value::Object(under)), Value::Object(over)) => under.extend(over.clone()),
            _ => drop(whole.insert(key.clone(), value.clone())),
        }
    }
    Value::Object(whole)
}

/// Puts the fields of `over` over those of `under`, maps inside as well.
pub(super) fn merge(under: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(key), value) {
            (Some(Value::Object(under)), Value::Object(over)) => merge(under, over),
            _ => drop(under.insert(key.clone(), value.clone())),
        }
    }
}

/// The folder of a path with slashes.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// `name`, seen from a folder.
fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() || name.starts_with('/') {
        normal(name)
    } else {
        normal(&format!("{folder}/{name}"))
    }
}

/// The path without `.` and `..`, as far as that can be.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, ".." | "")) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

pub(super) fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    let mut diagnostics = diagnostics.iter();
    diagnostics.any(|diagnostic| diagnostic.severity == Severity::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compared_without_their_dots() {
        assert_eq!(joined("a/b", "../c.yaml"), "a/c.yaml");
        assert_eq!(joined("", "./c.yaml"), "c.yaml");
        assert_eq!(joined("../w", "c.yaml"), "../w/c.yaml");
        assert_eq!(normal("./w/c.yaml"), "w/c.yaml");
    }

    #[test]
    fn maps_of_a_test_go_into_the_defaults_and_answers_replace_answers() {
        let defaults = serde_json::json!({
            "alert": {"device": {"id": "d1", "name": "ws1"}},
            "mocks": {"a.b": [{"output": 1}], "a.c": {}},
        });
        let own = serde_json::json!({
            "alert": {"device": {"name": "ws2"}}, "mocks": {"a.b": {"output": 2}},
        });
        assert_eq!(
            merged(&defaults, &own),
            serde_json::json!({
                "alert": {"device": {"id": "d1", "name": "ws2"}},
                "mocks": {"a.b": {"output": 2}, "a.c": {}},
            })
        );
    }
}
