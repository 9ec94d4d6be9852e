//! Running a type's blocks over evidence.

use super::{Jq, Scope, Type, form::filled, jq::as_marker};
use crate::live::global_region;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use yagura_model::{Arn, Relation, Resource, Source, partition_of, unknown};

/// Where evidence is from: what every block sees beside its input. A template may not say.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub partition: String,
    pub account: Option<String>,
    pub region: Option<String>,
}

/// What a block makes of one input; `properties` has the CloudFormation shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapped {
    pub id: Option<String>,
    pub arn: Option<String>,
    pub region: Option<String>,
    /// When the tags could not be read, this holds a marker's key and reason, and so serialises as the marker.
    pub tags: BTreeMap<String, String>,
    pub properties: Value,
    pub observed: Value,
    pub relations: Vec<Relation>,
}

/// Why a whole input could not be mapped: a marker's reason, or `mapping error …`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct MappingError {
    pub reason: String,
}

/// What a source writes as a thing of its own, and how it is put into its owner.
pub struct Fold {
    /// The source that writes it so; never [`Source::Live`].
    pub source: Source,
    /// Type of the part: a CloudFormation, Terraform or Config type.
    pub part: String,
    /// Property of the part that names its owner, or a list of them.
    pub owner: String,
    pub(super) jq: Jq,
}

impl Fold {
    /// The owner's properties with the part folded in.
    ///
    /// # Errors
    /// When the fold can't be computed at all; what of it is not known is a marker in the result.
    pub fn apply(&self, owner: &Value, part: &Value, place: &Place) -> Result<Value, MappingError> {
        let input = with_place(json!({"owner": owner, "part": part}), place);
        let properties = first(&self.jq, &input)?;
        if properties.is_object() { Ok(properties) } else { Err(error("the fold gives no object")) }
    }
}

impl Type {
    /// The policies that say who may do what to a resource, by name; what of them is not known is a marker.
    pub fn policies(&self, resource: &Resource) -> Vec<(String, Value)> {
        if yagura_model::is_unknown(&resource.properties) {
            return vec![("policy".to_owned(), resource.properties.clone())];
        }
        let Some(jq) = &self.policies else {
            let of = |property: &String| ("policy".to_owned(), resource.properties[property].clone());
            return self.policy.iter().map(of).filter(|(_, policy)| !policy.is_null()).collect();
        };
        // Of a template the ARN may be open; what a policy of the resource speaks of is then told by its id alone.
        let arn = self.guarded_arn(resource).unwrap_or_else(|| resource.id.clone());
        let mut observed = resource.observed.clone();
        if !observed.is_null() {
            fill_unrecorded(self.sample.get("observed"), &mut observed, "not in the evidence");
        }
        let input = json!({
            "id": resource.id, "arn": arn, "account": resource.account, "region": resource.region,
            "properties": resource.properties, "observed": observed,
        });
        match jq.first(&input) {
            Ok(marker) if yagura_model::is_unknown(&marker) => vec![("policy".to_owned(), marker)],
            Ok(Value::Object(policies)) => policies.into_iter().filter(|(_, policy)| !policy.is_null()).collect(),
            Ok(_) => Vec::new(),
            Err(e) => vec![("policy".to_owned(), as_marker(&e))],
        }
    }

    /// The ARN of what the policies of a resource speak of; what lies in it they speak of, too.
    pub fn guarded_arn(&self, resource: &Resource) -> Option<String> {
        let form = match (&self.guards, &resource.arn) {
            (Some(form), _) => form,
            (None, Some(arn)) => return Some(arn.clone()),
            (None, None) => self.arn.as_ref()?,
        };
        let region = resource.region.as_deref();
        let partition = match resource.arn.as_deref().and_then(Arn::parse) {
            Some(arn) => arn.partition,
            None => partition_of(region.unwrap_or_default()),
        };
        let place = Place { partition: partition.to_owned(), account: resource.account.clone(), region: None };
        filled(form, &resource.id, region, &place)
    }

    /// Whether something says who may do what to resources of this type.
    pub fn has_policies(&self) -> bool {
        self.policy.is_some() || self.policies.is_some()
    }

    /// The IAM actions that get at a resource's data, each list with the ARN, or pattern of ARNs, that is asked about.
    pub fn data(&self, resource: &Resource) -> Vec<(String, Vec<String>)> {
        let Some(arn) = self.guarded_arn(resource) else { return Vec::new() };
        self.data.iter().map(|(form, actions)| (form.replace("{arn}", &arn), actions.clone())).collect()
    }

    /// All IAM actions that get at the data of resources of this type.
    pub fn data_actions(&self) -> impl Iterator<Item = &str> {
        self.data.values().flatten().map(String::as_str)
    }

    /// A live item; `None` when the block says that it isn't one of this type.
    ///
    /// # Errors
    /// When not even the id can be computed.
    pub fn map_live(&self, item: &Value, calls: &Value, place: &Place) -> Result<Option<Mapped>, MappingError> {
        let Some(jq) = &self.live else { return Ok(None) };
        let Some(mut mapped) = self.outcome(jq, &with_place(json!({"item": item, "calls": calls}), place))? else {
            return Ok(None);
        };
        if mapped.id.is_none() {
            return Err(error("the `live` block gives no `id`"));
        }
        mapped.region = mapped.region.or_else(|| place.region.clone());
        self.complete_arn(&mut mapped, place);
        Ok(Some(mapped))
    }

    /// A configuration item of AWS Config, JSON in text already parsed; `None` when the block leaves it out or the type
    /// can't be read from Config.
    ///
    /// # Errors
    /// As [`Type::map_live`].
    pub fn map_config(&self, item: &Value, place: &Place) -> Result<Option<Mapped>, MappingError> {
        let Some(jq) = &self.config else { return Ok(None) };
        let Some(mut mapped) = self.outcome(jq, &with_place(json!({"item": item}), place))? else { return Ok(None) };
        let text = |key: &str| item.get(key).and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned);
        mapped.id = mapped.id.or_else(|| text("resourceId")).or_else(|| text("resourceName"));
        mapped.arn = mapped.arn.or_else(|| text("ARN")).or_else(|| text("arn"));
        let global = self.scope == Scope::Global && self.item_region.is_none();
        mapped.region = if global {
            Some(global_region(&place.partition).to_owned())
        } else {
            mapped.region.or_else(|| text("awsRegion")).or_else(|| place.region.clone())
        };
        if mapped.tags.is_empty()
            && let Some(tags) = item.get("tags")
        {
            mapped.tags = tags_of(tags);
        }
        for (part, value) in [("properties", &mut mapped.properties), ("observed", &mut mapped.observed)] {
            fill_unrecorded(self.sample.get(part), value, "not recorded by AWS Config");
        }
        self.complete_arn(&mut mapped, place);
        Ok(Some(mapped))
    }

    /// A template's resource, intrinsics resolved; without a block, the properties stay as they are.
    ///
    /// # Errors
    /// When the block fails as a whole.
    pub fn map_cloudformation(&self, properties: &Value, place: &Place) -> Result<Mapped, MappingError> {
        let mapped = match &self.cloudformation {
            Some(jq) => self.outcome(jq, &with_place(json!({"properties": properties}), place))?,
            None => Some(Mapped { properties: properties.clone(), ..Mapped::default() }),
        };
        let mut mapped = mapped.unwrap_or_default();
        if mapped.tags.is_empty() {
            mapped.tags = tags_of(properties.get("Tags").unwrap_or(&Value::Null));
        }
        mapped.observed = Value::Null;
        Ok(mapped)
    }

    /// A planned resource of Terraform; `None` when the block leaves it out. `configured` are the names of the
    /// attributes and blocks that the configuration sets, `None` when the plan doesn't have the configuration.
    ///
    /// # Errors
    /// When the block fails as a whole, or the type isn't one of this file's.
    pub fn map_terraform(
        &self,
        terraform: &str,
        address: &str,
        values: &Value,
        configured: Option<&[String]>,
        place: &Place,
    ) -> Result<Option<Mapped>, MappingError> {
        let block = self.terraform_jq.get(terraform).and_then(|i| self.terraform_blocks.get(*i));
        let jq = block.ok_or_else(|| error(&format!("`{terraform}` is no {}", self.kind)))?;
        let input = with_place(json!({"values": values, "address": address, "configured": configured}), place);
        let Some(mut mapped) = self.outcome(jq, &input)? else { return Ok(None) };
        if mapped.tags.is_empty() {
            let tags = values.get("tags_all").filter(|t| t.is_object()).or_else(|| values.get("tags"));
            mapped.tags = tags_of(tags.unwrap_or(&Value::Null));
        }
        mapped.observed = Value::Null;
        Ok(Some(mapped))
    }

    fn outcome(&self, jq: &Jq, input: &Value) -> Result<Option<Mapped>, MappingError> {
        let output = first(jq, input)?;
        let mut object = match output {
            Value::Null => return Ok(None),
            Value::Object(object) => object,
            _ => return Err(error("the block gives no object")),
        };
        let mut take = |key: &str| object.remove(key).unwrap_or(Value::Null);
        let id = take("id");
        if let Some(reason) = yagura_model::unknown_reason(&id) {
            return Err(MappingError { reason: reason.to_owned() });
        }
        let text = |value: Value| value.as_str().filter(|s| !s.is_empty()).map(str::to_owned);
        let properties = take("properties");
        Ok(Some(Mapped {
            id: text(id),
            arn: text(take("arn")),
            region: text(take("region")),
            tags: tags_of(&take("tags")),
            properties: if properties.is_null() { json!({}) } else { properties },
            observed: take("observed"),
            relations: relations_of(&take("relations")),
        }))
    }

    fn complete_arn(&self, mapped: &mut Mapped, place: &Place) {
        if mapped.arn.is_none()
            && let Some(id) = &mapped.id
        {
            mapped.arn = self.arn_of(id, mapped.region.as_deref(), place);
        }
    }
}

/// What evidence lacks of the sample's keys is not known: nothing says that it isn't there.
fn fill_unrecorded(sample: Option<&Value>, value: &mut Value, why: &str) {
    let Some(sample) = sample.and_then(Value::as_object) else { return };
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    if let Some(object) = value.as_object_mut() {
        for key in sample.keys() {
            if !object.contains_key(key) {
                object.insert(key.clone(), unknown(why));
            }
        }
    }
}

fn tags_of(tags: &Value) -> BTreeMap<String, String> {
    let text = |v: &Value| match v {
        Value::String(s) => s.clone(),
        Value::Null => String::new(),
        other => yagura_model::unknown_reason(other).map_or_else(|| other.to_string(), str::to_owned),
    };
    match tags {
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), text(v))).collect(),
        Value::Array(items) => items
            .iter()
            .filter_map(|t| {
                let key = t.get("Key").or_else(|| t.get("key")).and_then(Value::as_str)?;
                let value = t.get("Value").or_else(|| t.get("value")).unwrap_or(&Value::Null);
                Some((key.to_owned(), text(value)))
            })
            .collect(),
        _ => BTreeMap::new(),
    }
}

fn relations_of(relations: &Value) -> Vec<Relation> {
    let items = relations.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |r: &Value, key: &str| r.get(key).and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned);
    items.iter().filter_map(|r| Some(Relation { kind: text(r, "kind")?, target: text(r, "target")? })).collect()
}

/// `input` with the place beside it.
pub(crate) fn with_place(mut input: Value, place: &Place) -> Value {
    if let Some(object) = input.as_object_mut() {
        object.insert("partition".to_owned(), json!(place.partition));
        object.insert("account".to_owned(), json!(place.account));
        object.insert("region".to_owned(), json!(place.region));
    }
    input
}

fn first(jq: &Jq, input: &Value) -> Result<Value, MappingError> {
    jq.first(input).map_err(|e| {
        let marker = as_marker(&e);
        MappingError { reason: yagura_model::unknown_reason(&marker).unwrap_or_default().to_owned() }
    })
}

fn error(message: &str) -> MappingError {
    MappingError { reason: format!("{}: {message}", super::MAPPING_ERROR) }
}
