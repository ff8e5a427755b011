//! What a plugin may reach: its manifest's wish and the operator's grant, both at every request.

use std::collections::BTreeMap;

use actions_contract::{EffectKind, HeaderText, Method, Mode, Secret, Target};
use engine_model::{Code, code};

use crate::bindings::http::HttpError;
use crate::config::{Binding, Grant};
use crate::http::Parsed;
use crate::manifest::{Capability, Place};

/// A request, as far as the rules look at it.
pub(crate) struct Errand<'a> {
    pub(crate) place: &'a Place,
    pub(crate) method: Method,
    /// Without the query.
    pub(crate) path: &'a str,
    pub(crate) effect: EffectKind,
    pub(crate) mode: Mode,
}

/// A request that was refused, with the rule and what would allow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) message: String,
}

/// The rules of one installed plugin.
pub(crate) struct Reach {
    pub(crate) plugin: String,
    pub(crate) declared: Vec<Capability>,
    pub(crate) granted: Vec<Grant>,
    pub(crate) bound: BTreeMap<String, Binding>,
}

impl Reach {
    /// Whether the request may leave.
    ///
    /// # Errors
    ///
    /// With the first rule against it.
    pub(crate) fn check(&self, errand: &Errand<'_>) -> Result<(), Refusal> {
        let Errand {
            place,
            method,
            path,
            effect,
            ..
        } = *errand;
        let verb = method.as_str();
        if let Some(why) = errand.forbidden() {
            let message = format!("{verb} {place}{path} was not sent: {why}");
            return Err(Refusal {
                code: code::PL0206,
                message,
            });
        }
        let fits = |host: &Place, methods: &[Method], paths: &[String]| {
            host == place && methods.contains(&method) && paths.iter().any(|p| below(path, p))
        };
        if !self
            .declared
            .iter()
            .any(|c| fits(&c.host, &c.methods, &c.paths))
        {
            let message = format!(
                "{verb} {place}{path} is not declared; this line under `capabilities` in the \
                 manifest of `{}` would allow it: {{\"host\":\"{place}\",\"methods\":[\"{verb}\"],\
                 \"paths\":[\"{path}\"]}}",
                self.plugin
            );
            return Err(Refusal {
                code: code::PL0205,
                message,
            });
        }
        let granted =
            |g: &Grant| fits(&g.host, &g.methods, &g.paths) && g.effects.contains(&effect);
        if !self.granted.iter().any(granted) {
            let message = format!(
                "{verb} {place}{path} is declared but not granted; this line under `grants` of \
                 `{}` in the configuration would allow it: {{host: \"{place}\", methods: [{verb}], \
                 paths: [\"{path}\"], effects: [{}]}}",
                self.plugin,
                effect.as_str()
            );
            return Err(Refusal {
                code: code::PL0206,
                message,
            });
        }
        Ok(())
    }
}

impl Reach {
    /// Puts in what the operator bound to the connection: where it is, and the credential.
    ///
    /// # Errors
    ///
    /// When nothing is bound, or the guest sets the credential itself.
    pub(crate) fn bind(&self, mut parsed: Parsed) -> Result<Parsed, HttpError> {
        let Place::Service(name) = &parsed.place else {
            return Ok(parsed);
        };
        let Some(binding) = self.bound.get(name) else {
            return Err(HttpError::UnknownConnection(format!(
                "nothing is bound to `{name}`; this under the plugin `{}` in the configuration \
                 would: connections: {{{name}: {{url: \"https://…\"}}}}",
                self.plugin
            )));
        };
        for (header, secret) in &binding.headers {
            let header = header.to_ascii_lowercase();
            if parsed
                .request
                .headers
                .iter()
                .any(|(name, _)| *name == header)
            {
                return Err(HttpError::Denied(format!(
                    "the header `{header}` carries the credential and is set by the engine"
                )));
            }
            let secret = Secret {
                name: secret.clone(),
            };
            let value = HeaderText::Secret(secret);
            parsed.request.headers.push((header, value));
        }
        parsed.request.target = Target::Url(binding.url.trim_end_matches('/').to_owned());
        Ok(parsed)
    }
}

impl Errand<'_> {
    /// Why no grant in the world lets it through.
    fn forbidden(&self) -> Option<&'static str> {
        if is_safe(self.method) {
            None
        } else if self.mode != Mode::Execute {
            Some("nothing is changed while the engine simulates or looks up")
        } else if self.effect == EffectKind::Read {
            Some("the action says that it only reads")
        } else if matches!(self.place, Place::Api(_)) {
            Some("what changes a configured API is done by the engine's own actions")
        } else {
            None
        }
    }
}

/// Whether the method only looks, as RFC 9110 has it.
pub(crate) const fn is_safe(method: Method) -> bool {
    matches!(method, Method::Get | Method::Head)
}

/// Whether `path` is `prefix` or lies below it; `/v1` does not cover `/v10`.
pub(crate) fn below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actions_contract::Api;

    fn reach() -> Reach {
        let capability = |host: &str, methods: &[Method], paths: &[&str]| Capability {
            host: host.parse().unwrap(),
            methods: methods.to_vec(),
            paths: paths.iter().map(|p| (*p).to_owned()).collect(),
        };
        let declared = vec![
            capability("api.example.com", &[Method::Get, Method::Post], &["/v1"]),
            capability(
                "connection:graph",
                &[Method::Get, Method::Patch],
                &["/v1.0/"],
            ),
        ];
        let grant = |c: &Capability, effects: &[EffectKind]| Grant {
            host: c.host.clone(),
            methods: c.methods.clone(),
            paths: c.paths.clone(),
            effects: effects.to_vec(),
        };
        let granted = vec![
            grant(&declared[0], &[EffectKind::Read, EffectKind::Notify]),
            grant(&declared[1], &[EffectKind::Read, EffectKind::Contain]),
        ];
        Reach {
            plugin: "x-ray".to_owned(),
            declared,
            granted,
            bound: BTreeMap::new(),
        }
    }

    #[test]
    fn each_rule_holds_on_its_own() {
        let api = Place::Host("api.example.com".to_owned());
        let other = Place::Host("evil.example.com".to_owned());
        let graph = Place::Api(Api::Graph);
        let (get, post, patch) = (Method::Get, Method::Post, Method::Patch);
        let (read, notify, contain) = (EffectKind::Read, EffectKind::Notify, EffectKind::Contain);
        let run = Mode::Execute;
        let cases = [
            (&api, get, "/v1", read, run, None),
            (&api, get, "/v1/files/7", read, run, None),
            (&api, get, "/v10", read, run, Some(code::PL0205)),
            (&api, get, "/", read, run, Some(code::PL0205)),
            (&api, Method::Head, "/v1", read, run, Some(code::PL0205)),
            (&other, get, "/v1", read, run, Some(code::PL0205)),
            (&api, post, "/v1", notify, run, None),
            (&api, post, "/v1", read, run, Some(code::PL0206)),
            (&api, post, "/v1", contain, run, Some(code::PL0206)),
            (
                &api,
                post,
                "/v1",
                notify,
                Mode::Simulate,
                Some(code::PL0206),
            ),
            (
                &api,
                post,
                "/v1",
                notify,
                Mode::Reconcile,
                Some(code::PL0206),
            ),
            (&api, get, "/v1", notify, Mode::Simulate, None),
            (&graph, get, "/v1.0/users", read, run, None),
            (&graph, get, "/beta/users", read, run, Some(code::PL0205)),
            (
                &graph,
                patch,
                "/v1.0/users",
                contain,
                run,
                Some(code::PL0206),
            ),
        ];
        for (place, method, path, effect, mode, refused) in cases {
            let errand = Errand {
                place,
                method,
                path,
                effect,
                mode,
            };
            let answer = reach().check(&errand).err().map(|refusal| refusal.code);
            assert_eq!(
                answer, refused,
                "{method:?} {place}{path} {effect:?} {mode:?}"
            );
        }
    }

    #[test]
    fn a_refusal_says_which_line_would_allow_it() {
        let place = Place::Host("cdn.example.com".to_owned());
        let (method, path) = (Method::Get, "/list");
        let errand = Errand {
            place: &place,
            method,
            path,
            effect: EffectKind::Read,
            mode: Mode::Execute,
        };
        let message = reach().check(&errand).unwrap_err().message;
        let line = &message[message.find('{').unwrap()..];
        let capability: Capability = serde_json::from_str(line).unwrap();
        let wider = Reach {
            declared: vec![capability],
            ..reach()
        };
        let refusal = wider.check(&errand).unwrap_err();
        assert_eq!(refusal.code, code::PL0206);
        assert!(
            refusal.message.contains("`grants` of `x-ray`"),
            "{}",
            refusal.message
        );
    }
}
