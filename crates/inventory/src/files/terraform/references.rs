//! Which resource an attribute names, when its value is only known after apply: followed through the configuration's
//! references, module variables and outputs included.

use super::{
    address::{Step, Target, target},
    form::{ModuleConfig, ResourceConfig},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// Variables and outputs on the way to a resource.
const MAX_HOPS: usize = 32;
/// References followed for one attribute.
const MAX_FOLLOWED: usize = 1_000;

/// Resources that an attribute may name.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub targets: BTreeSet<Named>,
    /// The way ended at something that the plan doesn't show (a local value).
    pub lost: bool,
}

/// A resource, with what is known of its module path and index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    /// Module names and, where the reference tells them, indexes.
    pub modules: Vec<(String, Option<String>)>,
    pub kind: String,
    pub name: String,
    pub index: Option<String>,
    pub data: bool,
}

/// The configuration of the module at `path`.
pub(super) fn module<'c>(root: &'c ModuleConfig, path: &[Step]) -> Option<&'c ModuleConfig> {
    path.iter().try_fold(root, |module, step| Some(&module.module_calls.get(&step.name)?.module))
}

/// Follows `expression`, which stands in `resource` (if any) of the module at `path`.
pub(super) fn follow(
    root: &ModuleConfig,
    path: &[Step],
    resource: Option<&ResourceConfig>,
    expression: &Value,
) -> Found {
    let mut search = Search { root, found: Found::default(), followed: 0 };
    search.expression(path, resource.and_then(|r| r.for_each_expression.as_ref()), expression, 0);
    search.found
}

struct Search<'c> {
    root: &'c ModuleConfig,
    found: Found,
    followed: usize,
}

impl Search<'_> {
    fn expression(&mut self, path: &[Step], for_each: Option<&Value>, expression: &Value, hops: usize) {
        let references = expression.get("references").and_then(Value::as_array);
        for reference in references.into_iter().flatten().filter_map(Value::as_str) {
            self.followed += 1;
            if hops > MAX_HOPS || self.followed > MAX_FOLLOWED {
                self.found.lost = true;
                return;
            }
            self.reference(path, for_each, reference, hops);
        }
    }

    fn reference(&mut self, path: &[Step], for_each: Option<&Value>, reference: &str, hops: usize) {
        match target(reference) {
            Target::Variable(name) => {
                let Some((last, parent)) = path.split_last() else { return };
                let call = module(self.root, parent).and_then(|m| m.module_calls.get(&last.name));
                if let Some((call, expression)) = call.and_then(|c| Some((c, c.expressions.get(name)?))) {
                    self.expression(parent, call.for_each_expression.as_ref(), expression, hops + 1);
                }
            }
            Target::Output { module: name, index, output } => {
                let mut inner = path.to_vec();
                inner.push(Step { name: name.to_owned(), index: index.map(str::to_owned) });
                let expression = module(self.root, &inner).and_then(|m| m.outputs.get(output)).map(|o| &o.expression);
                if let Some(expression) = expression {
                    self.expression(&inner, None, expression, hops + 1);
                }
            }
            Target::Resource { kind, name, index } => self.add(path, kind, name, index, false),
            Target::Data { kind, name, .. } => self.add(path, kind, name, None, true),
            Target::Each => {
                if let Some(expression) = for_each {
                    self.expression(path, None, expression, hops + 1);
                }
            }
            Target::Local => self.found.lost = true,
            Target::Other => {}
        }
    }

    fn add(&mut self, path: &[Step], kind: &str, name: &str, index: Option<&str>, data: bool) {
        // `x[each.key]` is listed as `x`; a literal index stands in the reference itself.
        let literal = index.filter(|i| i.starts_with('"') || i.bytes().all(|b| b.is_ascii_digit()));
        let named = Named {
            modules: path.iter().map(|s| (s.name.clone(), s.index.clone())).collect(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            index: literal.map(str::to_owned),
            data,
        };
        // `aws_x.y[0].id` is listed with `aws_x.y[0]` and `aws_x.y`: the most exact one counts.
        if named.index.is_none() && self.found.targets.iter().any(|t| t.same_resource(&named)) {
            return;
        }
        if named.index.is_some() {
            self.found.targets.retain(|t| t.index.is_some() || !t.same_resource(&named));
        }
        self.found.targets.insert(named);
    }
}

impl Named {
    fn same_resource(&self, other: &Named) -> bool {
        (&self.modules, &self.kind, &self.name, self.data) == (&other.modules, &other.kind, &other.name, other.data)
    }
}
