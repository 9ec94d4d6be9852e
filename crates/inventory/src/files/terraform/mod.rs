//! Terraform: what `terraform show -json` writes for a plan or a state.

mod address;
mod form;
mod overlay;
mod policy_document;
mod references;

use super::{
    Options, Problem, body,
    fold::{self, Draft, Owners, Part},
};
use crate::mapping::Place;
use address::{Step, module_path};
use form::{Document, Instance, Mode, Module, ModuleConfig, ResourceChange, ResourceConfig};
use overlay::Configured;
use references::Named;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use yagura_model::{Arn, Origin, Relation, Resource, Source, is_unknown};

/// An instance with markers in its values, and where the configuration speaks of it.
struct Planned<'d> {
    instance: Instance,
    path: Vec<Step>,
    config: Option<&'d ResourceConfig>,
    /// It will be made by this plan.
    new: bool,
}

const WRITE: (&str, &str) =
    ("write it again with `terraform show -json`", "`terraform show -json` で書き出し直してください");

/// Reads a plan or state; `None` when it is none.
pub(super) fn read(
    file: &str,
    bytes: &[u8],
    options: &Options<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Resource>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let parsed = match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str::<Document>(text),
        Err(e) => {
            problems.push(Problem::new(file, body::not_utf8(e), WRITE));
            serde_json::from_str(&String::from_utf8_lossy(bytes))
        }
    };
    let mut document = match parsed {
        Ok(document) => document,
        Err(e) => {
            let what = (
                format!("is no readable Terraform plan or state ({e})"),
                format!("Terraform のプランまたは state として読み取れません（{e}）"),
            );
            problems.push(Problem::new(file, what, WRITE));
            return None;
        }
    };
    let version = document.format_version.as_str().unwrap_or_default();
    if version.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major > 1) {
        let what = (
            format!("has the format version {version}, of which only 1 is known"),
            format!("形式のバージョンが {version} です（対応は 1 系のみ）"),
        );
        let hint = (
            "judge it with a newer Yagura, or write it with an older Terraform",
            "新しい Yagura で判定するか、古い Terraform で書き出してください",
        );
        problems.push(Problem::new(file, what, hint));
    }
    if document.errored {
        let what = (
            "is a plan that ended with an error, so it may lack resources",
            "エラーで終わったプランのため、リソースが欠けている可能性があります",
        );
        let hint = ("correct the configuration and plan again", "構成を直して、プランを作り直してください");
        problems.push(Problem::new(file, what, hint));
    }
    let instances = instances(&mut document);
    let reader =
        Reader { file, options, document: &document, root: document.configuration.as_ref().map(|c| &c.root_module) };
    Some(reader.resources(instances, problems))
}

/// All instances that will be there, modules flattened.
fn instances(document: &mut Document) -> Vec<Instance> {
    let values = document.planned_values.take().or_else(|| document.values.take());
    let mut found = Vec::new();
    match values.and_then(|v| v.root_module) {
        Some(root) => flatten(root, &mut found),
        // A plan cut down to its changes.
        None => found.extend(document.resource_changes.iter().filter(|c| !c.change.only_deletes()).map(instance)),
    }
    // Older versions write a data source that waits for apply among the changes alone.
    let known: HashSet<String> = found.iter().map(|i| i.address.clone()).collect();
    let data = document.resource_changes.iter().filter(|c| c.mode == Mode::Data && !known.contains(&c.address));
    found.extend(data.map(instance));
    found
}

fn instance(change: &ResourceChange) -> Instance {
    Instance {
        address: change.address.clone(),
        mode: change.mode,
        kind: change.kind.clone(),
        name: change.name.clone(),
        index: change.index.clone(),
        values: change.change.after.clone(),
    }
}

fn flatten(module: Module, into: &mut Vec<Instance>) {
    into.extend(module.resources);
    for child in module.child_modules {
        flatten(child, into);
    }
}

struct Reader<'d> {
    file: &'d str,
    options: &'d Options<'d>,
    document: &'d Document,
    root: Option<&'d ModuleConfig>,
}

impl<'d> Reader<'d> {
    fn resources(&self, instances: Vec<Instance>, problems: &mut Vec<Problem>) -> Vec<Resource> {
        let changes: HashMap<&str, &ResourceChange> = self
            .document
            .resource_changes
            .iter()
            .filter(|c| !c.change.only_deletes())
            .map(|c| (c.address.as_str(), c))
            .collect();
        let configs = self.configs();
        let mut all: Vec<Planned<'d>> = instances.into_iter().map(|i| self.planned(i, &changes, &configs)).collect();
        self.resolve_policies(&mut all);
        all.retain(|p| p.instance.mode == Mode::Managed);
        let index = Index::new(&all);
        let mut drafts: Vec<Draft> = all.iter().filter_map(|p| self.draft(p, &index, problems)).collect();
        let parts: Vec<Part<'_>> = all
            .iter()
            .map(|p| Part {
                kind: &p.instance.kind,
                id: &p.instance.address,
                properties: &p.instance.values,
                maybe: None,
            })
            .collect();
        let mut owners = |i: usize, attribute: &str| self.owners(&all[i], attribute, &index);
        let place = self.place(None);
        let catalog = self.options.catalog;
        fold::fold(Source::Terraform, &mut drafts, &parts, &mut owners, catalog, &place, problems);
        drafts.into_iter().map(|draft| draft.resource).collect()
    }

    /// The configuration's resources by module path (without indexes), mode, type and name.
    fn configs(&self) -> HashMap<(String, bool, &'d str, &'d str), &'d ResourceConfig> {
        let mut configs = HashMap::new();
        let mut modules: Vec<(String, &'d ModuleConfig)> = self.root.map(|m| (String::new(), m)).into_iter().collect();
        while let Some((path, module)) = modules.pop() {
            for config in &module.resources {
                let key = (path.clone(), config.mode == Mode::Data, config.kind.as_str(), config.name.as_str());
                configs.insert(key, config);
            }
            modules.extend(module.module_calls.iter().map(|(name, call)| (format!("{path}.{name}"), &call.module)));
        }
        configs
    }

    fn planned(
        &self,
        mut instance: Instance,
        changes: &HashMap<&str, &ResourceChange>,
        configs: &HashMap<(String, bool, &'d str, &'d str), &'d ResourceConfig>,
    ) -> Planned<'d> {
        let path = module_path(&instance.address);
        let names: String = path.iter().map(|step| format!(".{}", step.name)).collect();
        let key = (names, instance.mode == Mode::Data, instance.kind.as_str(), instance.name.as_str());
        let config = configs.get(&key).copied();
        let change = changes.get(instance.address.as_str()).map(|c| &c.change);
        let new = change.is_some_and(|c| c.makes());
        if let Some(change) = change {
            let configured = config.map_or(Configured::Unsaid, |c| Configured::Blocks(vec![&c.expressions]));
            let values = std::mem::take(&mut instance.values);
            let values = overlay::overlay(Some(values), &change.after_unknown, &configured, new);
            instance.values = values.unwrap_or_default();
        }
        Planned { instance, path, config, new }
    }

    /// Puts policy documents that are only made at apply time in the place of the attributes that wait for them.
    fn resolve_policies(&self, all: &mut [Planned<'d>]) {
        let Some(root) = self.root else { return };
        let documents: Vec<(Named, Value)> = all
            .iter()
            .filter(|p| p.instance.mode == Mode::Data && p.instance.kind == "aws_iam_policy_document")
            .filter_map(|p| Some((named(p), policy_document::build(&p.instance.values)?)))
            .collect();
        if documents.is_empty() {
            return;
        }
        for planned in all.iter_mut().filter(|p| p.instance.mode == Mode::Managed) {
            let (Some(config), Value::Object(values)) = (planned.config, &mut planned.instance.values) else {
                continue;
            };
            for (attribute, value) in values.iter_mut().filter(|(_, value)| is_unknown(value)) {
                let Some(expression) = config.expressions.get(attribute) else { continue };
                let found = references::follow(root, &planned.path, Some(config), expression);
                let mut targets = found.targets.iter();
                let (Some(target), None, false) = (targets.next(), targets.next(), found.lost) else { continue };
                let own_index = planned.instance.index.as_ref().map(Value::to_string);
                let mut fitting = documents.iter().filter(|(named, _)| matches(target, named, own_index.as_deref()));
                if let (Some((_, document)), None) = (fitting.next(), fitting.next()) {
                    *value = document.clone();
                }
            }
        }
    }

    /// What a resource's configuration refers to.
    fn relations(&self, planned: &Planned<'_>, index: &Index<'_>) -> Vec<Relation> {
        let (Some(root), Some(config)) = (self.root, planned.config) else { return Vec::new() };
        let mut found = Vec::new();
        config.expressions.values().for_each(|value| expressions(value, &mut found));
        let own_index = planned.instance.index.as_ref().map(Value::to_string);
        let mut addresses: Vec<String> = found
            .iter()
            .flat_map(|expression| references::follow(root, &planned.path, Some(config), expression).targets)
            .flat_map(|target| index.instances_of(&target, own_index.as_deref()))
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses.into_iter().map(|target| Relation { kind: "refers-to".to_owned(), target }).collect()
    }

    fn draft(&self, planned: &Planned<'_>, index: &Index<'_>, problems: &mut Vec<Problem>) -> Option<Draft> {
        let Instance { address, kind: terraform, values, .. } = &planned.instance;
        let kind = self.options.catalog.by_terraform(terraform)?;
        let text = |key: &str| values.get(key).and_then(Value::as_str).map(str::to_owned);
        let arn = text("arn").filter(|arn| Arn::parse(arn).is_some());
        let place = self.place(Some(planned));
        let configured = planned.config.map(|config| set_names(config, values));
        let mapped = match kind.map_terraform(terraform, address, values, configured.as_deref(), &place) {
            Ok(mapped) => mapped?,
            Err(e) => {
                let what = (
                    format!("resource `{address}` can't be understood ({e})"),
                    format!("リソース `{address}` を解釈できません（{e}）"),
                );
                let hint = ("what is said of it stays unknown", "このリソースの判定は UNKNOWN になります");
                problems.push(Problem::new(self.file, what, hint));
                crate::mapping::Mapped { properties: yagura_model::unknown(e.to_string()), ..Default::default() }
            }
        };
        let names = kind.terraform.iter().filter(|(t, _)| t == terraform).flat_map(|(_, names)| names);
        let names = names.filter_map(|name| text(name)).chain([address.clone()]).collect();
        let resource = Resource {
            kind: kind.kind.clone(),
            id: address.clone(),
            arn: mapped.arn.or(arn),
            account: place.account,
            region: super::region_of(kind, place.region),
            tags: mapped.tags,
            properties: mapped.properties,
            observed: Value::Null,
            relations: mapped.relations.into_iter().chain(self.relations(planned, index)).collect(),
            source: Source::Terraform,
            origin: Some(Origin { file: self.file.to_owned(), line: None, column: None }),
        };
        Some(Draft { resource, names, condition: None, open_parts: 0 })
    }

    /// Account and Region of an instance: from its ARN, its own `region`, its provider, else as given.
    fn place(&self, planned: Option<&Planned<'_>>) -> Place {
        let values = planned.map(|p| &p.instance.values);
        let text = |key: &str| values.and_then(|v| v.get(key)).and_then(Value::as_str);
        let arn = text("arn").and_then(Arn::parse);
        let part = |part: &str| Some(part.to_owned()).filter(|p| !p.is_empty());
        let region = text("region").map(str::to_owned).or_else(|| arn.and_then(|a| part(a.region)));
        let account = arn.and_then(|a| part(a.account)).or_else(|| self.options.account.clone());
        let provider = planned.and_then(|p| p.config?.provider_config_key.as_deref());
        let region = region.or_else(|| self.provider_region(provider?)).or_else(|| self.options.region.clone());
        Place { partition: arn.map_or("aws", |a| a.partition).to_owned(), account, region }
    }

    fn provider_region(&self, key: &str) -> Option<String> {
        let providers = &self.document.configuration.as_ref()?.provider_config;
        let region = providers.get(key)?.expressions.get("region")?;
        if let Some(text) = region.get("constant_value").and_then(Value::as_str) {
            return Some(text.to_owned());
        }
        let [Value::String(reference)] = region.get("references")?.as_array()?.as_slice() else { return None };
        let variable = self.document.variables.get(reference.strip_prefix("var.")?)?;
        variable.value.as_str().map(str::to_owned)
    }

    /// Who an attribute names: its known value, else the resources that the configuration makes it from.
    fn owners(&self, part: &Planned<'_>, attribute: &str, index: &Index<'_>) -> Owners {
        let values = match part.instance.values.get(attribute) {
            Some(Value::Array(items)) if !items.iter().any(is_unknown) => items.as_slice(),
            Some(value) if !is_unknown(value) => std::slice::from_ref(value),
            Some(_) => &[],
            None => return Owners::default(),
        };
        let known: Vec<String> = values.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
        if !values.is_empty() {
            return Owners { names: known, certain: true };
        }
        let expression = part.config.and_then(|c| c.expressions.get(attribute));
        let (Some(root), Some(expression)) = (self.root, expression) else { return Owners::default() };
        let found = references::follow(root, &part.path, part.config, expression);
        if found.targets.is_empty() {
            // It names something that this plan makes, and nothing says what.
            return Owners { names: index.new.clone(), certain: false };
        }
        let own_index = part.instance.index.as_ref().map(Value::to_string);
        let (mut names, mut certain) = (Vec::new(), true);
        let several = found.targets.len() > 1;
        for target in &found.targets {
            let with_index = index.instances_of(target, own_index.as_deref());
            certain &= with_index.len() <= 1;
            names.extend(with_index);
        }
        // Several references in one list name them all; in one text, nobody knows which.
        let list = part.instance.values.get(attribute).is_some_and(Value::is_array);
        Owners { names, certain: certain && (list || !several) }
    }
}

/// Names of what is set: `dynamic` blocks stand in the values alone, what is empty there in the configuration alone.
fn set_names(config: &ResourceConfig, values: &Value) -> Vec<String> {
    let filled = values.as_object().into_iter().flatten().filter(|(_, v)| !v.is_null() && **v != Value::Array(vec![]));
    let mut names: Vec<String> =
        filled.map(|(name, _)| name.clone()).chain(config.expressions.keys().cloned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn named(planned: &Planned<'_>) -> Named {
    Named {
        modules: planned.path.iter().map(|s| (s.name.clone(), s.index.clone())).collect(),
        kind: planned.instance.kind.clone(),
        name: planned.instance.name.clone(),
        index: planned.instance.index.as_ref().map(Value::to_string),
        data: planned.instance.mode == Mode::Data,
    }
}

/// Whether a reference may mean an instance; an index that the reference leaves open is the asker's own, if it has one.
fn matches(reference: &Named, instance: &Named, own_index: Option<&str>) -> bool {
    let modules =
        reference.modules.len() == instance.modules.len()
            && reference.modules.iter().zip(&instance.modules).all(|((name, index), (found, found_index))| {
                name == found && (index.is_none() || index == found_index)
            });
    let index = match (&reference.index, &instance.index) {
        (Some(wanted), found) => Some(wanted) == found.as_ref(),
        (None, Some(found)) => own_index.is_none_or(|own| own == found),
        (None, None) => true,
    };
    modules
        && index
        && (&reference.kind, &reference.name, reference.data) == (&instance.kind, &instance.name, instance.data)
}

/// Instances by type and name.
struct Index<'p> {
    instances: HashMap<(&'p str, &'p str), Vec<(Named, &'p str)>>,
    /// Addresses of what this plan makes.
    new: Vec<String>,
}

impl<'p> Index<'p> {
    fn new(all: &'p [Planned<'_>]) -> Index<'p> {
        let mut instances: HashMap<_, Vec<_>> = HashMap::new();
        for planned in all {
            let Instance { kind, name, address, .. } = &planned.instance;
            instances.entry((kind.as_str(), name.as_str())).or_default().push((named(planned), address.as_str()));
        }
        Index { instances, new: all.iter().filter(|p| p.new).map(|p| p.instance.address.clone()).collect() }
    }

    /// Addresses of the instances that a reference may mean.
    fn instances_of(&self, reference: &Named, own_index: Option<&str>) -> Vec<String> {
        let candidates = self.instances.get(&(reference.kind.as_str(), reference.name.as_str()));
        let candidates = candidates.map_or(&[][..], Vec::as_slice);
        let find = |index: Option<&str>| -> Vec<String> {
            let fitting = candidates.iter().filter(|(named, _)| matches(reference, named, index));
            fitting.map(|(_, address)| (*address).to_owned()).collect()
        };
        let same = find(own_index);
        if same.is_empty() && own_index.is_some() { find(None) } else { same }
    }
}

/// Expressions anywhere in a block of the configuration.
fn expressions(value: &Value, into: &mut Vec<Value>) {
    match value {
        Value::Object(map) if map.contains_key("references") => into.push(value.clone()),
        Value::Object(map) => map.values().for_each(|inner| expressions(inner, into)),
        Value::Array(items) => items.iter().for_each(|inner| expressions(inner, into)),
        _ => {}
    }
}
