//! How often an API may be called: as documented, as configured, and what follows for a bucket.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use actions_contract::{Api, Rate};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};

use crate::limit::QuotaFigures;
use crate::limit_store::Bucket;
use crate::link::Link;
use crate::setup::Setup;

/// The share of the documented figures in use: other tools share the application.
const CEILING: Ceiling = Ceiling(800);
/// The class of operations without a limit of their own.
const USUAL: &str = "usual";

/// The documented limit of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationRate {
    /// The operation, as in [`actions_contract::Request::operation`].
    pub operation: Cow<'static, str>,
    /// The API that counts it.
    pub api: Api,
    /// The documented limit.
    pub rate: Rate,
}

/// How often an API may be called: `off`, or figures that replace the documented ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limits {
    /// Not limited; accepted for loopback only.
    Off,
    /// These figures, and the documented ones where none is given.
    Figures(LimitFigures),
}

/// Figures that replace the documented ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitFigures {
    /// Calls in a minute, for all operations without a limit of their own together.
    #[schemars(range(min = 1))]
    pub per_minute: Option<u32>,
    /// Calls in an hour, for all operations without a limit of their own together.
    #[schemars(range(min = 1))]
    pub per_hour: Option<u32>,
    /// Requests under way at the same time; not limited by default.
    #[schemars(range(min = 1))]
    pub concurrent: Option<u32>,
    /// The share of the calls in a minute and in an hour that is used, since other tools share the
    /// application; 0.8 by default.
    pub ceiling: Option<Ceiling>,
    /// Limits of single operations, by their id such as `defender.run-advanced-query`; each is
    /// counted apart.
    pub ops: BTreeMap<String, OperationLimit>,
}

/// The limit of one operation; the documented figures hold where none is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OperationLimit {
    /// Calls in a minute.
    #[schemars(range(min = 1))]
    pub per_minute: Option<u32>,
    /// Calls in an hour.
    #[schemars(range(min = 1))]
    pub per_hour: Option<u32>,
    /// Requests under way at the same time; not limited by default.
    #[schemars(range(min = 1))]
    pub concurrent: Option<u32>,
}

/// A share above 0 and up to 1, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling(u32);

impl Ceiling {
    fn of(self, limit: u32) -> u32 {
        let share = u64::from(limit) * u64::from(self.0) / 1000;
        u32::try_from(share).unwrap_or(limit).max(1)
    }
}

impl<'de> Deserialize<'de> for Ceiling {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be between 1 and 1000"
    )]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = (f64::deserialize(deserializer)? * 1000.0).round();
        if (1.0..=1000.0).contains(&share) {
            Ok(Self(share as u32))
        } else {
            Err(de::Error::custom("a ceiling is above 0 and at most 1"))
        }
    }
}

impl JsonSchema for Ceiling {
    fn schema_name() -> Cow<'static, str> {
        "Ceiling".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 })
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::Figures(LimitFigures::default())
    }
}

impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Limits;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`off` or a map of limits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Limits, E> {
                match text {
                    "off" => Ok(Limits::Off),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            // Tools that write YAML 1.1 make `false` of the word.
            fn visit_bool<E: de::Error>(self, on: bool) -> Result<Limits, E> {
                if on {
                    Err(E::invalid_value(de::Unexpected::Bool(on), &self))
                } else {
                    Ok(Limits::Off)
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Limits, A::Error> {
                LimitFigures::deserialize(MapAccessDeserializer::new(map)).map(Limits::Figures)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Limits {
    fn schema_name() -> Cow<'static, str> {
        "Limits".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let figures = generator.subschema_for::<LimitFigures>();
        json_schema!({
            "description": "`off`, for loopback only, or figures that replace the documented ones.",
            "oneOf": [{ "const": "off" }, figures]
        })
    }
}

impl Limits {
    /// The limits of a route: what the connection says, over what the API says.
    pub(crate) fn merged(connection: Option<&Self>, api: Option<&Self>) -> Self {
        let figures = |limits: Option<&Self>| match limits {
            Some(Self::Figures(figures)) => Some(figures.clone()),
            _ => None,
        };
        if matches!(
            (connection, api),
            (Some(Self::Off), _) | (None, Some(Self::Off))
        ) {
            return Self::Off;
        }
        let (upper, mut lower) = (
            figures(connection).unwrap_or_default(),
            figures(api).unwrap_or_default(),
        );
        lower.ops.extend(upper.ops);
        Self::Figures(LimitFigures {
            per_minute: upper.per_minute.or(lower.per_minute),
            per_hour: upper.per_hour.or(lower.per_hour),
            concurrent: upper.concurrent.or(lower.concurrent),
            ceiling: upper.ceiling.or(lower.ceiling),
            ops: lower.ops,
        })
    }

    /// The keys of figures that are zero and would let nothing pass.
    pub(crate) fn zeros(&self) -> Vec<String> {
        let Self::Figures(figures) = self else {
            return Vec::new();
        };
        let all = |minute, hour, concurrent| {
            [
                ("per_minute", minute),
                ("per_hour", hour),
                ("concurrent", concurrent),
            ]
        };
        let named = all(figures.per_minute, figures.per_hour, figures.concurrent)
            .map(|(key, figure)| (key.to_owned(), figure));
        let ops = figures.ops.iter().flat_map(|(id, op)| {
            all(op.per_minute, op.per_hour, op.concurrent)
                .map(|(key, figure)| (format!("ops.{id}.{key}"), figure))
        });
        let zero = |(key, figure)| (figure == Some(0)).then_some(key);
        named.into_iter().chain(ops).filter_map(zero).collect()
    }
}

/// The limit that Microsoft documents for most operations of an API.
const fn usual(api: Api) -> Rate {
    let (per_minute, per_hour) = match api {
        Api::Mde => (100, Some(1500)),
        Api::Xdr => (50, Some(1500)),
        Api::Graph => (150, None),
    };
    Rate {
        per_minute: Some(per_minute),
        per_hour,
    }
}

/// A bucket and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) bucket: Bucket,
    pub(crate) figures: QuotaFigures,
}

/// The limits of every operation of every connection, worked out once.
#[derive(Debug, Default)]
pub(crate) struct Quotas(HashMap<Api, HashMap<String, RouteQuotas>>);

#[derive(Debug)]
struct RouteQuotas {
    usual: QuotaFigures,
    own: HashMap<String, QuotaFigures>,
}

impl Quotas {
    pub(crate) fn new(setup: &Setup, rates: &[OperationRate]) -> Self {
        let mut all: HashMap<Api, HashMap<String, RouteQuotas>> = HashMap::new();
        for link in setup.links.values() {
            for (api, route) in &link.apis {
                if let Limits::Figures(figures) = &route.limits {
                    let planner = Planner {
                        api: *api,
                        given: figures,
                    };
                    let links = all.entry(*api).or_default();
                    links.insert(link.name.clone(), planner.plan(rates));
                }
            }
        }
        Self(all)
    }

    /// The bucket that counts an operation in a directory; none where nothing is limited.
    pub(crate) fn of(&self, link: &Link, tenant: &str, api: Api, operation: &str) -> Option<Quota> {
        let route = self.0.get(&api)?.get(&link.name)?;
        let (class, figures) = route
            .own
            .get(operation)
            .map_or((USUAL, route.usual), |own| (operation, *own));
        let bucket = Bucket {
            authority: link.authority.as_str().to_owned(),
            tenant: tenant.to_owned(),
            client_id: link.client_id.clone(),
            api,
            class: class.to_owned(),
        };
        Some(Quota { bucket, figures })
    }
}

struct Planner<'a> {
    api: Api,
    given: &'a LimitFigures,
}

impl Planner<'_> {
    fn plan(&self, rates: &[OperationRate]) -> RouteQuotas {
        let given = self.given;
        let usual = usual(self.api);
        let of_usual = Rate {
            per_minute: given.per_minute.or(usual.per_minute),
            per_hour: given.per_hour.or(usual.per_hour),
        };
        let documented = rates
            .iter()
            .filter(|entry| entry.api == self.api)
            .map(|entry| (entry.operation.as_ref(), entry.rate));
        let documented: HashMap<&str, Rate> = documented.collect();
        let mut own = HashMap::new();
        for (operation, rate) in &documented {
            let unlimited = rate.per_minute.is_none() && rate.per_hour.is_none();
            if *rate != usual && !unlimited {
                own.insert((*operation).to_owned(), self.figures(*rate, None));
            }
        }
        for (operation, limit) in &given.ops {
            let rate = documented.get(operation.as_str()).copied();
            let rate = rate.unwrap_or(of_usual);
            let rate = Rate {
                per_minute: limit.per_minute.or(rate.per_minute),
                per_hour: limit.per_hour.or(rate.per_hour),
            };
            own.insert(operation.clone(), self.figures(rate, limit.concurrent));
        }
        RouteQuotas {
            usual: self.figures(of_usual, given.concurrent),
            own,
        }
    }

    fn figures(&self, rate: Rate, concurrent: Option<u32>) -> QuotaFigures {
        let ceiling = self.given.ceiling.unwrap_or(CEILING);
        QuotaFigures {
            per_minute: rate.per_minute.map(|limit| ceiling.of(limit)),
            per_hour: rate.per_hour.map(|limit| ceiling.of(limit)),
            concurrent,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::{Value, json};

    use super::*;
    use crate::Config;

    fn rates() -> Vec<OperationRate> {
        let rate = |operation, per_minute, per_hour| OperationRate {
            operation: Cow::Borrowed(operation),
            api: Api::Mde,
            rate: Rate {
                per_minute,
                per_hour,
            },
        };
        vec![
            rate("defender.get-machine", Some(100), Some(1500)),
            rate("defender.run-advanced-query", Some(45), None),
            rate("defender.get-software", None, None),
        ]
    }

    fn config(apis: Value, limits: &Value) -> Config {
        let mut config = json!({
            "apis": apis,
            "connections": { "prod": {
                "context": "application",
                "tenant": "11111111-1111-1111-1111-111111111111",
                "client_id": "22222222-2222-2222-2222-222222222222",
                "apis": ["mde", "graph"],
                "base_urls": { "mde": "http://127.0.0.1:9" },
                "credential": { "type": "secret", "secret": "env:S" },
            }},
        });
        if !limits.is_null() {
            config["connections"]["prod"]["limits"] = limits.clone();
        }
        serde_json::from_value(config).unwrap()
    }

    /// Class and limits of some operations.
    #[expect(clippy::needless_pass_by_value, reason = "short calls")]
    #[track_caller]
    fn check(apis: Value, limits: Value, wanted: Expect) {
        let setup = config(apis, &limits).build().unwrap();
        let quotas = Quotas::new(&setup, &rates());
        let mut text = String::new();
        for (api, operation) in [
            (Api::Mde, "defender.get-machine"),
            (Api::Mde, "defender.get-software"),
            (Api::Mde, "defender.run-advanced-query"),
            (Api::Mde, "plugin.anything"),
            (Api::Graph, "graph.get-user"),
        ] {
            let found = quotas.of(&setup.links["prod"], "t", api, operation);
            let shown = found.map_or_else(
                || "off".to_owned(),
                |quota| {
                    let QuotaFigures {
                        per_minute,
                        per_hour,
                        concurrent,
                    } = quota.figures;
                    let show = |n: Option<u32>| n.map_or("-".to_owned(), |n| n.to_string());
                    let figures = [per_minute, per_hour, concurrent].map(show);
                    format!("{} {}", quota.bucket.class, figures.join("/"))
                },
            );
            text.push_str(&format!("{operation}: {shown}\n"));
        }
        wanted.assert_eq(&text);
    }

    #[test]
    fn operations_share_a_bucket_unless_their_documented_limit_is_another() {
        check(
            json!({}),
            Value::Null,
            expect![[r#"
                defender.get-machine: usual 80/1200/-
                defender.get-software: usual 80/1200/-
                defender.run-advanced-query: defender.run-advanced-query 36/-/-
                plugin.anything: usual 80/1200/-
                graph.get-user: usual 120/-/-
            "#]],
        );
    }

    #[test]
    fn figures_of_a_connection_go_over_those_of_an_api_and_both_over_the_documented() {
        check(
            json!({ "mde": { "limits": {
                "per_minute": 50, "ceiling": 1,
                "ops": { "defender.get-machine": { "per_minute": 10, "concurrent": 2 } },
            }}}),
            json!({ "ceiling": 0.5, "concurrent": 5 }),
            expect![[r#"
                defender.get-machine: defender.get-machine 5/750/2
                defender.get-software: usual 25/750/5
                defender.run-advanced-query: defender.run-advanced-query 22/-/-
                plugin.anything: usual 25/750/5
                graph.get-user: usual 75/-/5
            "#]],
        );
    }

    #[test]
    fn limits_can_be_off_for_loopback_only() {
        let off = json!({ "mde": { "limits": "off" } });
        check(
            off.clone(),
            Value::Null,
            expect![[r#"
                defender.get-machine: off
                defender.get-software: off
                defender.run-advanced-query: off
                plugin.anything: off
                graph.get-user: usual 120/-/-
            "#]],
        );
        let problems = |apis: Value, limits: &Value| -> Vec<String> {
            let problems = config(apis, limits).check();
            problems.into_iter().map(|problem| problem.path).collect()
        };
        assert_eq!(problems(off, &json!({})), Vec::<String>::new());
        let wanted = ["connections.prod.apis[1]"];
        assert_eq!(problems(json!({}), &json!("off")), wanted);
        assert_eq!(
            problems(json!({ "graph": { "limits": "off" } }), &Value::Null),
            wanted
        );
    }

    #[test]
    fn a_limit_of_zero_and_a_word_that_is_not_off_are_refused() {
        let zero = json!({ "per_minute": 0, "ops": { "x": { "concurrent": 0 } } });
        let problems = config(json!({}), &zero).check();
        let paths: Vec<_> = problems.into_iter().map(|problem| problem.path).collect();
        let wanted = [
            "connections.prod.limits.per_minute",
            "connections.prod.limits.ops.x.concurrent",
        ];
        assert_eq!(paths, wanted);
        for limits in [
            "\"on\"",
            "true",
            "3",
            r#"{"ceiling":0}"#,
            r#"{"ceiling":2}"#,
        ] {
            assert!(serde_json::from_str::<Limits>(limits).is_err(), "{limits}");
        }
        assert_eq!(
            serde_json::from_str::<Limits>("false").unwrap(),
            Limits::Off
        );
    }
}
