//! The parts of `terraform show -json` that are read; everything else is passed over while parsing.
//! Reference: Terraform documentation, "JSON Output Format".

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A plan, or a state, which has `values` alone.
#[derive(Deserialize)]
pub(super) struct Document {
    #[serde(default)]
    pub format_version: Value,
    /// The planning ended with an error.
    #[serde(default, deserialize_with = "or_default")]
    pub errored: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub variables: BTreeMap<String, Variable>,
    pub planned_values: Option<Values>,
    pub values: Option<Values>,
    #[serde(default, deserialize_with = "or_default")]
    pub resource_changes: Vec<ResourceChange>,
    pub configuration: Option<Configuration>,
}

#[derive(Default, Deserialize)]
pub(super) struct Variable {
    #[serde(default)]
    pub value: Value,
}

#[derive(Deserialize)]
pub(super) struct Values {
    pub root_module: Option<Module>,
}

#[derive(Deserialize)]
pub(super) struct Module {
    #[serde(default, deserialize_with = "or_default")]
    pub resources: Vec<Instance>,
    #[serde(default, deserialize_with = "or_default")]
    pub child_modules: Vec<Module>,
}

/// One instance of a resource (one for each `count` or `for_each`).
#[derive(Clone, Deserialize)]
pub(super) struct Instance {
    pub address: String,
    #[serde(default)]
    pub mode: Mode,
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    pub index: Option<Value>,
    #[serde(default)]
    pub values: Value,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    #[default]
    Managed,
    Data,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct ResourceChange {
    pub address: String,
    #[serde(default)]
    pub mode: Mode,
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    pub index: Option<Value>,
    #[serde(default)]
    pub change: Change,
}

#[derive(Default, Deserialize)]
pub(super) struct Change {
    #[serde(default, deserialize_with = "or_default")]
    pub actions: Vec<String>,
    #[serde(default)]
    pub after: Value,
    #[serde(default)]
    pub after_unknown: Value,
}

impl Change {
    /// The resource will be made, so nothing that the configuration leaves out has a value from before.
    pub fn makes(&self) -> bool {
        self.actions.iter().any(|a| a == "create" || a == "read")
    }

    pub fn only_deletes(&self) -> bool {
        matches!(self.actions.as_slice(), [only] if only == "delete" || only == "forget")
    }
}

#[derive(Deserialize)]
pub(super) struct Configuration {
    #[serde(default, deserialize_with = "or_default")]
    pub provider_config: BTreeMap<String, Provider>,
    #[serde(default, deserialize_with = "or_default")]
    pub root_module: ModuleConfig,
}

#[derive(Default, Deserialize)]
pub(super) struct Provider {
    #[serde(default, deserialize_with = "or_default")]
    pub expressions: Map<String, Value>,
}

#[derive(Default, Deserialize)]
pub(super) struct ModuleConfig {
    #[serde(default, deserialize_with = "or_default")]
    pub resources: Vec<ResourceConfig>,
    #[serde(default, deserialize_with = "or_default")]
    pub module_calls: BTreeMap<String, ModuleCall>,
    #[serde(default, deserialize_with = "or_default")]
    pub outputs: BTreeMap<String, Output>,
}

#[derive(Default, Deserialize)]
pub(super) struct ModuleCall {
    #[serde(default, deserialize_with = "or_default")]
    pub expressions: Map<String, Value>,
    #[serde(default, deserialize_with = "or_default")]
    pub module: ModuleConfig,
    pub for_each_expression: Option<Value>,
}

#[derive(Default, Deserialize)]
pub(super) struct Output {
    #[serde(default)]
    pub expression: Value,
}

#[derive(Deserialize)]
pub(super) struct ResourceConfig {
    #[serde(default)]
    pub mode: Mode,
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    pub provider_config_key: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub expressions: Map<String, Value>,
    pub for_each_expression: Option<Value>,
}

/// Terraform writes `null` for what it has nothing of.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
