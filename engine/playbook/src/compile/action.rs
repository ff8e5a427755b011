//! Steps that run an action: the action, its parameters, its tries.

use std::collections::BTreeSet;
use std::sync::Arc;

use actions_contract::ActionInfo;
use engine_model::{Millis, TenantId, code};
use serde_json::Value;

use super::{Compiler, retry};
use crate::expr::{Template, Type};
use crate::plan::{ActionStep, StepKind};
use crate::shape::Rules;
use crate::suggest::similar;
use crate::syntax::{self, Spanned, StepConnection};
use crate::yaml::NodeId;

impl Compiler<'_, '_> {
    /// The action of a step, and the type of its output.
    pub(super) fn action(
        &mut self,
        written: &syntax::Step,
        uses: &Spanned<String>,
    ) -> Option<(ActionStep, Type)> {
        let info = self.find_action(uses);
        let Some(info) = info else {
            // The expressions are looked at although nothing is known about the parameters.
            for (_, value) in written.with.iter().flat_map(|with| &with.value.0) {
                self.with_names(|compiler, names| compiler.template(value.value.0, names));
            }
            return None;
        };
        let with = self.with(written.with.as_ref(), uses.at, &info);
        let retry = retry::retry(
            &info,
            written.retry.as_ref().map(|retry| &retry.value),
            self.defaults.retry.as_ref(),
        );
        let output = Type::from_schema(&info.output);
        let until = self.until(written, &info, &output);
        let release = self.release(written, &info);
        let (connection, tenant) = self.connection(written, info.id.family());
        Some((
            ActionStep {
                info,
                with,
                connection,
                tenant,
                retry,
                until,
                release,
            },
            output,
        ))
    }

    /// The connection of a step and its tenant, where something is said about them.
    fn connection(
        &mut self,
        written: &syntax::Step,
        family: &str,
    ) -> (Option<String>, Option<Template>) {
        let usual = self.connections.get(family).cloned();
        let Some(Spanned { value, .. }) = &written.connection else {
            return (usual, None);
        };
        match value {
            StepConnection::Name(name) => (Some(name.clone()), None),
            StepConnection::InTenant(place) => {
                let tenant = place.tenant.and_then(|tenant| self.tenant(tenant.0));
                (place.name.clone().or(usual), tenant)
            }
        }
    }

    fn tenant(&mut self, at: NodeId) -> Option<Template> {
        let tenant = self.text(at)?;
        if let Template::Literal(written) = &tenant
            && let Some(text) = written.as_str()
            && text.parse::<TenantId>().is_err()
        {
            let message = format!("`{text}` is no tenant");
            let help = "write the GUID of a directory, such as \
                        `6f0d1c2e-3b4a-4c5d-8e9f-0a1b2c3d4e5f`";
            self.report.value(code::PB0201, at, message).help(help);
            return None;
        }
        Some(tenant)
    }

    /// The deadline of a step that says nothing about it.
    pub(super) fn default_timeout(&self, kind: &StepKind) -> Option<Millis> {
        match kind {
            StepKind::Action(action) => Some(
                self.defaults
                    .timeout
                    .unwrap_or_else(|| retry::timeout(&action.info)),
            ),
            _ => None,
        }
    }

    fn find_action(&mut self, uses: &Spanned<String>) -> Option<Arc<ActionInfo>> {
        let (name, major) = match uses.value.split_once('@') {
            Some((name, major)) => (name, Some(major)),
            None => (uses.value.as_str(), None),
        };
        let versions: Vec<&Arc<ActionInfo>> = self
            .actions
            .iter()
            .filter(|info| info.id.as_str() == name)
            .collect();
        let wanted = major.map(str::parse::<u32>);
        let found = match &wanted {
            None => versions.iter().max_by_key(|info| info.major),
            Some(Ok(major)) => versions.iter().find(|info| info.major == *major),
            Some(Err(_)) => None,
        };
        if let Some(found) = found {
            return Some(Arc::clone(found));
        }
        if versions.is_empty() {
            self.unknown_action(uses.at, name);
        } else {
            let majors: Vec<String> = versions
                .iter()
                .map(|info| format!("`@{}`", info.major))
                .collect();
            let written = major.unwrap_or_default();
            let message = format!("`{name}` has no version `@{written}`");
            let help = format!("this engine has {}", majors.join(", "));
            self.report.value(code::PB0501, uses.at, message).help(help);
        }
        None
    }

    fn unknown_action(&mut self, at: NodeId, written: &str) {
        let families: BTreeSet<&str> = self.actions.iter().map(|info| info.id.family()).collect();
        let ids = || self.actions.iter().map(|info| info.id.as_str());
        let family = written
            .split_once('.')
            .filter(|(family, _)| families.contains(family));
        // Within a family only what stands behind the dot tells one action from another.
        let meant = match family {
            Some((family, name)) => {
                let names = ids().filter_map(|id| id.strip_prefix(family)?.strip_prefix('.'));
                similar(name, names).map(|name| format!("{family}.{name}"))
            }
            None => similar(written, ids()).map(str::to_owned),
        };
        let help = match (&meant, family) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, Some((family, _))) => {
                format!("`quell actions` lists the actions of `{family}`")
            }
            (None, None) => {
                let families: Vec<&str> = families.into_iter().collect();
                format!("the families at hand are {}", families.join(", "))
            }
        };
        let span = self.report.document.node(at).span;
        let problem = self
            .report
            .value(code::PB0501, at, format!("unknown action `{written}`"));
        let problem = problem.help(help);
        if let Some(meant) = meant {
            problem.fix(span, meant);
        }
    }

    /// The parameters of a step, checked against the schema of its action.
    fn with(
        &mut self,
        with: Option<&Spanned<syntax::Ordered<syntax::Anything>>>,
        uses: NodeId,
        info: &ActionInfo,
    ) -> Template {
        let schema = &info.parameters;
        let Some(with) = with else {
            let step = self.report.document.parent(uses);
            if step.is_some_and(|step| self.report.document.get(step, "with").is_some()) {
                // What stands there is no map, and was reported as such.
                return Template::Map(Vec::new());
            }
            let required = schema.get("required").and_then(Value::as_array);
            for name in required.into_iter().flatten().filter_map(Value::as_str) {
                let message = format!("the parameter `{name}` of `{}` is missing", info.id);
                let help = format!("add `with:` and in it `{name}:`");
                self.report.value(code::PB0502, uses, message).help(help);
            }
            return Template::Map(Vec::new());
        };
        self.shape(with.at, schema, Rules::PARAMETERS);
        let mut parameters = Vec::new();
        for (name, value) in &with.value.0 {
            let of_parameter = super::marks::property(schema, name);
            let template = self.with_names(|compiler, names| {
                compiler.parameter(
                    value.value.0,
                    of_parameter.unwrap_or(&Value::Bool(true)),
                    names,
                )
            });
            parameters.extend(template.map(|template| (name.clone(), template)));
        }
        Template::Map(parameters)
    }
}
