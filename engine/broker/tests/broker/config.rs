//! What a configuration may say, and what is said about one that is wrong.

use engine_broker::Config;
use expect_test::{Expect, expect};
use schemars::schema_for;
use serde_json::{Value, json};

use crate::stage::{TENANT, config};

fn check(value: Value, wanted: Expect) {
    let config: Config = serde_json::from_value(value).unwrap();
    let problems: Vec<String> = config
        .check()
        .iter()
        .map(|problem| format!("{} {}\n  {}", problem.code, problem.path, problem.message))
        .collect();
    wanted.assert_eq(&problems.join("\n"));
}

fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut value = config("https://login.example");
    value["connections"]["prod"]["base_urls"] = json!({});
    change(&mut value);
    value
}

#[test]
fn a_short_configuration_is_enough() {
    check(json!({}), expect![""]);
    check(changed(|_| {}), expect![""]);
    let yaml_like = json!({
        "connections": { "soc": {
            "context": "application",
            "tenant": TENANT,
            "client_id": TENANT,
            "apis": ["mde", "Microsoft Threat Protection"],
            "credential": { "type": "secret", "secret": "systemd:app" },
        }},
    });
    check(yaml_like, expect![""]);
}

#[test]
fn every_problem_is_told_at_once_with_its_place() {
    let value = changed(|value| {
        let prod = &mut value["connections"]["prod"];
        prod["tenant"] = json!("common");
        prod["client_id"] = json!("my-app");
        prod["authority"] = json!("http://login.example");
        prod["apis"] = json!(["mde", "teams"]);
        prod["base_urls"] = json!({ "mde": "http://api.example", "what": "https://x.example" });
        prod["tenants"] = json!(["organizations"]);
        prod["credential"]["secret"] = json!("hunter2");
        value["secrets"] = json!({ "hook": "vault:kv/hook", "key": "env:9", "cert": "file:rel" });
        value["bindings"] = json!({ "default": "test" });
        value["apis"] = json!({
            "xdr": { "scope": "read" }, "mtp": {}, "graph": { "base_url": "https://g.example?x=1" },
        });
        value["http"] = json!({
            "allow_hosts": ["https://x.example/"], "proxy": "http://user:pw@proxy", "timeout": "0s",
        });
    });
    check(
        value,
        expect![[r#"
            CF0101 apis.graph.base_url
              this is not an https URL without credentials and query
            CF0101 apis.xdr.scope
              the scope of an application is one resource with `/.default`
            CF0101 apis.xdr
              `xdr` is given under two names
            CF0101 connections.prod.tenant
              `common` is not a GUID
            CF0101 connections.prod.tenants[0]
              `organizations` is not a GUID
            CF0103 connections.prod.credential.secret
              a secret is written here instead of a reference to it
            CF0101 connections.prod.client_id
              `my-app` is not a GUID
            CF0101 connections.prod.authority
              this is not an https URL without credentials and query
            CF0101 connections.prod.base_urls.mde
              this is not an https URL without credentials and query
            CF0101 connections.prod.base_urls.what
              there is no API `what`
            CF0101 connections.prod.apis[1]
              there is no API `teams`
            CF0101 secrets.cert
              `file:` is not followed by an absolute path without `#`
            CF0101 secrets.hook
              `vault:` is not followed by `mount/path#field`, optionally with `?version=N`
            CF0101 secrets.key
              `env:` is not followed by the name of an environment variable
            CF0101 bindings.default
              there is no connection `test`
            CF0101 http.allow_hosts[0]
              `https://x.example/` is not a host name
            CF0101 http.proxy
              the proxy is not an http URL without credentials
            CF0101 http
              a limit of zero lets nothing through"#]],
    );
}

#[test]
fn what_is_not_built_in_has_to_be_said() {
    let gcc = changed(|value| value["connections"]["prod"]["cloud"] = json!("gcc"));
    check(
        gcc,
        expect![[r#"
            CF0101 connections.prod.apis[0]
              the host or scope of `mde` in the cloud `gcc` is not built in
            CF0101 connections.prod.apis[1]
              the host or scope of `xdr` in the cloud `gcc` is not built in"#]],
    );
    let china = changed(|value| {
        let prod = &mut value["connections"]["prod"];
        prod["cloud"] = json!("china");
        prod["apis"] = json!(["graph", "mde"]);
    });
    check(
        china,
        expect![[r#"
            CF0101 connections.prod.apis[1]
              the host or scope of `mde` in the cloud `china` is not built in"#]],
    );
    let said = changed(|value| {
        value["connections"]["prod"]["cloud"] = json!("gcc_high");
        value["apis"] = json!({
            "mde": { "scope": "https://api-gov.example/.default" },
            "xdr": { "scope": "https://api-gov.example/.default" },
        });
    });
    check(said, expect![""]);
}

#[test]
fn an_unknown_key_is_refused_everywhere() {
    let places: [(&str, Value); 5] = [
        ("", json!({ "extra": 1 })),
        ("/connections/prod", json!({ "extra": 1 })),
        ("/connections/prod/credential", json!({ "extra": 1 })),
        ("/bindings", json!({ "extra": 1 })),
        ("/http", json!({ "extra": 1 })),
    ];
    for (place, extra) in places {
        let mut value = changed(|value| {
            value["bindings"] = json!({});
            value["http"] = json!({});
        });
        let target = value.pointer_mut(place).unwrap().as_object_mut().unwrap();
        target.extend(extra.as_object().unwrap().clone());
        let error = serde_json::from_value::<Config>(value)
            .unwrap_err()
            .to_string();
        assert!(error.contains("unknown field `extra`"), "{place}: {error}");
    }
}

#[test]
fn every_key_is_described_in_the_schema() {
    let schema = serde_json::to_value(schema_for!(Config)).unwrap();
    let mut undescribed = Vec::new();
    let mut described = 0;
    let defs = schema["$defs"].as_object().unwrap().values();
    let mut objects: Vec<&Value> = defs.chain([&schema]).collect();
    for i in 0.. {
        let Some(object) = objects.get(i) else {
            break;
        };
        objects.extend(object["oneOf"].as_array().into_iter().flatten());
    }
    for object in objects {
        for (name, property) in object["properties"].as_object().into_iter().flatten() {
            // The word that tells variants apart is described with its variant, and so is the
            // only property of one.
            let is_variant = property.get("const").is_some()
                || (object["properties"].as_object().unwrap().len() == 1
                    && object.get("description").is_some());
            if property.get("description").is_none() && !is_variant {
                undescribed.push(name.clone());
            }
            described += 1;
        }
    }
    assert_eq!(undescribed, Vec::<String>::new());
    assert!(described > 20);
    let reference = &schema["$defs"]["SecretRef"];
    assert_eq!(reference["type"], "string");
}

#[test]
fn every_connection_of_the_documentation_is_valid() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/connect.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut contexts = Vec::new();
    for block in page.split("```yaml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let config: Config = serde_yaml::from_str(text).unwrap();
        assert_eq!(config.check(), [], "{text}");
        contexts.extend(config.connections.into_values().map(|one| match one {
            engine_broker::Connection::Application(_) => "application",
            engine_broker::Connection::User(_) => "user",
            engine_broker::Connection::Partner(_) => "partner",
        }));
    }
    assert_eq!(contexts, ["application", "user", "partner", "application"]);
}
