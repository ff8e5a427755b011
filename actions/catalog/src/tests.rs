mod documented;

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use actions_contract::{
    Action, ActionInfo, BoxFuture, Call, Effect, EffectKind, Egress, EgressError, ErrorKind,
    Follow, Mode, Outcome, Request, Response,
};
use engine_model::{Millis, RunId, Timestamp};
use expect_test::expect_file;
use serde_json::{Value, json};

use crate::{HuntingApi, Options, action_schemas, catalog, endpoints, infos, reference_markdown};
use crate::{resolver, sources};

/// An egress that keeps what it is given and answers 400 to everything.
#[derive(Default)]
struct Wall(Mutex<Vec<Request>>);

impl Egress for Wall {
    fn send<'a>(
        &'a self,
        _: &'a Call,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>> {
        self.0.lock().unwrap().push(request);
        let answer = Response {
            status: 400,
            headers: Vec::new(),
            body: Vec::new(),
            retry_after: None,
        };
        Box::pin(async { Ok(answer) })
    }
}

/// Tries `action` with `args`: the outcome, and the request that left, if one did.
fn attempt(action: &dyn Action, args: Value) -> (Outcome, Option<Request>) {
    let info = action.info();
    let tenant = "default".parse().unwrap();
    let playbook = "contain".parse().unwrap();
    let call = Call {
        run: RunId::derive(&tenant, &playbook, &"t".parse().unwrap(), "a1"),
        playbook,
        step: "steps[0]".to_owned(),
        tenant,
        connection: None,
        action: info.id.clone(),
        effect: info.effect.kind(),
        mode: Mode::Execute,
        idem: "run/steps[0]".to_owned(),
        attempt: 1,
        args,
        resume: None,
        begun_at: Timestamp::from_ms(0),
        now: Timestamp::from_ms(0),
        time_left: Millis::from_secs(60),
        follow: Follow::default(),
    };
    let wall = Wall::default();
    let polled = pin!(action.call(&call, &wall)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(outcome) = polled else {
        panic!("the wall never waits")
    };
    let sent = wall.0.lock().unwrap().pop();
    (outcome, sent)
}

fn all() -> Vec<ActionInfo> {
    infos(Options::default())
}

fn find<'a>(infos: &'a [ActionInfo], id: &str) -> &'a ActionInfo {
    infos
        .iter()
        .find(|info| info.id.as_str() == id)
        .unwrap_or_else(|| panic!("no action {id}"))
}

fn assert_valid(schema: &Value, value: &Value, what: &str) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let mistakes: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{error} at `{}`", error.instance_path()))
        .collect();
    assert!(mistakes.is_empty(), "{what}: {mistakes:?}");
}

#[test]
fn actions_are_sorted_and_unique_whatever_is_configured() {
    for hunting in [HuntingApi::Xdr, HuntingApi::Mde, HuntingApi::Graph] {
        let infos = infos(Options { hunting });
        let ids: Vec<_> = infos.iter().map(|info| info.id.as_str()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }
    let ids: Vec<_> = endpoints().iter().map(|endpoint| endpoint.id).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
}

#[test]
fn whatever_contains_has_a_target_and_an_undo_that_releases_the_same_kind_of_thing() {
    let infos = all();
    for info in &infos {
        if !info.effect.kind().needs_reconcile() {
            continue;
        }
        let target = info
            .target
            .as_ref()
            .unwrap_or_else(|| panic!("{} has no target", info.id));
        if let Effect::Contain { undo } = &info.effect {
            let undo = find(&infos, undo);
            assert_eq!(undo.effect.kind(), EffectKind::Release, "{}", info.id);
            let undone = undo.target.as_ref().map(|target| &target.entity);
            assert_eq!(undone, Some(&target.entity), "{}", info.id);
        }
    }
}

/// Kinds of entities that are nothing but their own text: there is no directory to look them up in.
const PLAIN: [&str; 6] = ["domain", "file", "indicator", "ip", "scan", "url"];

/// Kinds of things that no documented operation reads: guard rails see nothing but their id.
const UNREADABLE: [&str; 5] = [
    "directory_device",
    "ediscovery_search",
    "permission_grant",
    "service_principal",
    "subject",
];

#[test]
fn a_resolver_takes_and_gives_the_entity_it_is_registered_for() {
    let infos = all();
    for info in &infos {
        let Some(target) = info
            .target
            .as_ref()
            .filter(|_| info.effect.kind().needs_reconcile())
            .filter(|target| !PLAIN.contains(&target.entity.as_str()))
        else {
            continue;
        };
        let Some(id) = resolver(&target.entity) else {
            let known = UNREADABLE.contains(&target.entity.as_str());
            assert!(known, "no resolver: {target:?}");
            continue;
        };
        let resolver = find(&infos, id);
        assert_eq!(resolver.effect.kind(), EffectKind::Read);
        assert_eq!(resolver.target.as_ref().unwrap().entity, target.entity);
        assert!(resolver.output["properties"].get("id").is_some());
    }
    assert_eq!(resolver("teapot"), None);
}

#[test]
fn every_example_fits_its_schemas() {
    for info in all() {
        assert_valid(
            &info.parameters,
            &info.example,
            &format!("{} parameters", info.id),
        );
        assert_valid(
            &info.output,
            &info.example_output,
            &format!("{} output", info.id),
        );
    }
}

#[test]
fn every_action_is_documented_down_to_its_fields() {
    fn check(schema: &Value, path: &str, undocumented: &mut Vec<String>) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            if field.get("description").is_none() {
                undocumented.push(path.clone());
            }
            check(field, &path, undocumented);
            check(&field["items"], &path, undocumented);
        }
    }
    let mut undocumented = Vec::new();
    for info in all() {
        assert!(
            !info.title.is_empty() && !info.description.is_empty(),
            "{}",
            info.id
        );
        check(
            &info.parameters,
            &format!("{} with", info.id),
            &mut undocumented,
        );
        check(
            &info.output,
            &format!("{} output", info.id),
            &mut undocumented,
        );
    }
    // The handle of a secret is put in by the engine, never written by people.
    undocumented.retain(|path| !path.ends_with(".$secret"));
    assert!(undocumented.is_empty(), "{undocumented:#?}");
}

/// Parameters that are wrong in one place each: the name of the wrong one, what is wrong, and all.
fn mistakes(info: &ActionInfo) -> Vec<(String, String, Value)> {
    let mut out = Vec::new();
    let mut put = |name: &str, what: String, value: Option<Value>| {
        let mut args = info.example.clone();
        let fields = args.as_object_mut().unwrap();
        match value {
            Some(value) => fields.insert(name.to_owned(), value),
            None => fields.remove(name),
        };
        out.push((name.to_owned(), what, args));
    };
    put(
        "machine",
        "an unknown parameter".to_owned(),
        Some(json!("d1")),
    );
    for name in info.parameters["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        put(name, format!("no {name}"), None);
    }
    let properties = info.parameters.get("properties");
    let properties = properties.and_then(Value::as_object);
    for (name, field) in properties.into_iter().flatten() {
        put(name, format!("{name} of another type"), Some(json!([[7]])));
        if field.get("minLength").is_some() {
            put(name, format!("an empty {name}"), Some(json!("")));
        }
        if let Some(max) = field.get("maximum").and_then(Value::as_u64) {
            put(name, format!("too large a {name}"), Some(json!(max + 1)));
            put(name, format!("too small a {name}"), Some(json!(0)));
        }
        let text = field.to_string();
        if text.contains("\"const\":") || text.contains("\"enum\":") {
            let what = format!("a word that {name} does not have");
            put(name, what, Some(json!("full")));
        }
    }
    out
}

#[test]
fn every_mistake_is_refused_by_the_schema_and_before_anything_is_sent() {
    for action in catalog(Options::default()) {
        let info = action.info();
        let validator = jsonschema::validator_for(&info.parameters).unwrap();
        for (name, mistake, args) in mistakes(info) {
            assert!(
                !validator.is_valid(&args),
                "{}: the schema allows {mistake}",
                info.id
            );
            let (outcome, sent) = attempt(action.as_ref(), args);
            assert_eq!(sent, None, "{}: {mistake} was sent", info.id);
            let Outcome::Failed { error } = outcome else {
                panic!("{}: {mistake}", info.id)
            };
            assert_eq!(
                error.kind,
                ErrorKind::InvalidInput,
                "{}: {mistake}",
                info.id
            );
            assert_eq!(error.code, "AC0105", "{}: {mistake}", info.id);
            let named = format!("`{name}`");
            assert!(
                info.method.is_none() || error.message.contains(&named),
                "{}: {mistake}: {error}",
                info.id
            );
        }
    }
}

#[test]
fn hunting_asks_the_configured_service_with_its_own_permission() {
    for (hunting, path, permission) in [
        (
            HuntingApi::Xdr,
            "/api/advancedhunting/run",
            "AdvancedHunting.Read.All",
        ),
        (
            HuntingApi::Mde,
            "/api/advancedqueries/run",
            "AdvancedQuery.Read.All",
        ),
        (
            HuntingApi::Graph,
            "/v1.0/security/runHuntingQuery",
            "ThreatHunting.Read.All",
        ),
    ] {
        let catalog = catalog(Options { hunting });
        let id = "defender.run-hunting-query";
        let action = catalog
            .iter()
            .find(|action| action.info().id.as_str() == id)
            .unwrap();
        let (_, sent) = attempt(action.as_ref(), action.info().example.clone());
        assert_eq!(sent.unwrap().path, path);
        assert_eq!(action.info().permissions_application, [permission]);
    }
}

#[test]
fn a_reference_page_shows_what_the_code_says() {
    let infos = all();
    for (id, file) in [
        (
            "defender.isolate-machine",
            expect_file!["../tests/isolate-machine.md"],
        ),
        ("http.request", expect_file!["../tests/http-request.md"]),
    ] {
        file.assert_eq(&reference_markdown(find(&infos, id)));
    }
}

#[test]
fn every_schema_file_is_a_schema() {
    let files = action_schemas(&all());
    assert_eq!(files.len(), all().len());
    for (name, schema) in files {
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        assert!(name.ends_with(".json"));
    }
}

#[test]
fn each_source_is_listed_once() {
    let sources: BTreeSet<_> = sources().iter().map(|source| source.source()).collect();
    assert_eq!(sources.len(), crate::sources().len());
}

#[test]
fn an_id_that_would_climb_out_of_its_path_is_refused_before_anything_is_sent() {
    for id in ["..", "."] {
        let args = json!({ "machine_id": id, "comment": "c" });
        let actions = catalog(Options::default());
        let wanted =
            |action: &&Arc<dyn Action>| action.info().id.as_str() == "defender.unisolate-machine";
        let action = actions.iter().find(wanted).expect("an action");
        let (outcome, sent) = attempt(&**action, args);
        assert!(sent.is_none(), "{sent:?}");
        let Outcome::Failed { error } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(error.code, "AC0105", "{error}");
    }
}
