//! What a template's values will be: literals typed by the schema, functions computed as far as their inputs are
//! known. A value that the template alone doesn't tell is an unknown marker that names what is missing; what can't be
//! right in any deployment is a complaint as well, and the rest of the template is still judged.
//!
//! Three kinds of text stand for values that only AWS will fill in but that are *distinct* whatever they become, so
//! that rules and folds can compare them: `Ref` to a resource is its logical id, an ARN attribute is
//! `${LogicalId.Arn}`, and account, Region and stack name inside a text stay `${AWS::AccountId}`. Where only the very
//! value would decide (a condition, a map's key), they are unknown.

use super::{
    template::{Complaint, Template, call},
    typed,
};
use crate::files::parameters::Parameters;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use yagura_content::shapes::Shape;
use yagura_model::{
    unknown, unknown_reason,
    yaml::{Data, Node},
};

/// Nesting of functions and conditions, above which a template is hostile.
const MAX_DEPTH: usize = 200;
/// Text that a template's functions may produce in all.
const MAX_TEXT: usize = 256 << 20;
pub(super) const TOO_MUCH_TEXT: (&str, &str) =
    ("makes more than 256 MiB of text", "から作られるテキストが 256 MiB を超えます");
/// Complaints that are kept.
const MAX_COMPLAINTS: usize = 100;

/// What is known about where a template will be deployed.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub account: Option<String>,
    pub region: Option<String>,
}

/// What an evaluation is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The value as rules read it.
    Value,
    /// Every unknown stays a text that names it, so that two equal expressions are equal (the owner of a folded part).
    Symbol,
    /// Only the very value counts.
    Exact,
}

/// What a condition comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
    Unknown(String),
}

pub(super) struct Evaluator<'t> {
    pub(super) mode: Mode,
    pub(super) place: Place,
    pub(super) parameters: BTreeMap<&'t str, Value>,
    /// Parameters with `NoEcho`: their values are compared, never shown.
    secrets: BTreeSet<&'t str>,
    pub(super) mappings: BTreeMap<&'t str, (&'t Node, &'t Node)>,
    pub(super) conditions: BTreeMap<&'t str, (&'t Node, &'t Node)>,
    pub(super) truths: HashMap<&'t str, Truth>,
    /// Conditions that are being evaluated, outermost first.
    pub(super) pending: Vec<&'t str>,
    /// Resource types by logical id.
    pub(super) resources: BTreeMap<&'t str, &'t str>,
    /// Logical ids of serverless resources, whose transform makes others with longer names.
    serverless: Option<Vec<&'t str>>,
    pub(super) complaints: Vec<Complaint>,
    /// Resources that the values evaluated since it was last cleared refer to.
    pub(super) references: Vec<&'t str>,
    spent: usize,
    depth: usize,
}

impl<'t> Evaluator<'t> {
    pub fn new(template: &'t Template, given: &Parameters, place: Place) -> Evaluator<'t> {
        let resources: BTreeMap<&str, &str> = template
            .entries("Resources")
            .into_iter()
            .map(|(id, (_, node))| (id, node.get("Type").and_then(Node::as_str).unwrap_or("")))
            .collect();
        let transform = template.transforms().iter().any(|name| name.starts_with("AWS::Serverless-"));
        Evaluator {
            serverless: transform.then(|| serverless(&resources)),
            mode: Mode::Value,
            place,
            parameters: parameters(template, given),
            secrets: secrets(template),
            mappings: template.entries("Mappings"),
            conditions: template.entries("Conditions"),
            truths: HashMap::new(),
            pending: Vec::new(),
            resources,
            complaints: Vec::new(),
            references: Vec::new(),
            spent: 0,
            depth: 0,
        }
    }

    /// The value of a node; `None` is `AWS::NoValue`: the property isn't there.
    pub fn value(&mut self, node: &'t Node, shape: Option<Shape>) -> Option<Value> {
        if self.depth >= MAX_DEPTH {
            return Some(self.give_up(node, "is nested too deep", "の入れ子が深すぎます"));
        }
        self.depth += 1;
        let value = self.value_inside(node, shape);
        self.depth -= 1;
        value
    }

    fn value_inside(&mut self, node: &'t Node, shape: Option<Shape>) -> Option<Value> {
        if let Some((name, argument)) = call(node) {
            return self.function(node, name, argument, shape).map(|value| typed::value(value, shape));
        }
        match &node.data {
            Data::Scalar { text, plain } => {
                if self.spend(text.len()) {
                    Some(typed::scalar(text, *plain, shape))
                } else {
                    Some(self.give_up(node, TOO_MUCH_TEXT.0, TOO_MUCH_TEXT.1))
                }
            }
            Data::Seq(items) => {
                let element = shape.and_then(Shape::element);
                Some(Value::Array(items.iter().filter_map(|item| self.value(item, element)).collect()))
            }
            Data::Map(entries) => self.object(node, entries, shape),
        }
    }

    fn object(&mut self, node: &'t Node, entries: &'t [(Node, Node)], shape: Option<Shape>) -> Option<Value> {
        let mut map = Map::new();
        for (key, inner) in entries {
            let Some(key) = key.as_str() else {
                self.complain(Complaint::at(
                    key,
                    ("a key is a list or a mapping", "キーがリストまたはマッピングです"),
                    ("give it a name", "名前を付けてください"),
                ));
                continue;
            };
            if key == "Fn::Transform" {
                // What a macro puts beside the other keys could be anything.
                return Some(unknown(self.transform_name(inner)));
            }
            if key.starts_with("Fn::") {
                let what = (format!("`{key}` stands beside other keys"), format!("`{key}` の横にほかのキーがあります"));
                let hint =
                    ("a function must be the only key of its mapping", "関数はマッピングの唯一のキーにしてください");
                self.complain(Complaint::at(node, what, hint));
                return Some(unknown(key));
            }
            if let Some(value) = self.value(inner, shape.and_then(|s| s.child(key))) {
                map.insert(key.to_owned(), value);
            }
        }
        Some(Value::Object(map))
    }

    /// Evaluates in another mode.
    pub fn in_mode<T>(&mut self, mode: Mode, evaluate: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.mode, mode);
        let result = evaluate(self);
        self.mode = before;
        result
    }

    pub fn complain(&mut self, complaint: Complaint) {
        if self.complaints.len() < MAX_COMPLAINTS && !self.complaints.contains(&complaint) {
            self.complaints.push(complaint);
        }
    }

    /// A value that can't be computed: complains and gives a marker.
    pub(super) fn give_up(&mut self, node: &Node, what: &str, ja: &str) -> Value {
        let said = (format!("a value {what}"), format!("値{ja}"));
        let hint = ("simplify the template at that place", "その位置の記述を簡単にしてください");
        self.complain(Complaint::at(node, said, hint));
        unknown(what)
    }

    /// Takes `length` bytes from what may be produced; false when nothing is left.
    pub(super) fn spend(&mut self, length: usize) -> bool {
        self.spent = self.spent.saturating_add(length);
        self.spent <= MAX_TEXT
    }

    /// A marker, or in symbol mode the text that stands for it.
    pub(super) fn missing(&self, symbol: &str, reason: impl Into<String>) -> Value {
        match self.mode {
            Mode::Symbol => Value::String(format!("${{{symbol}}}")),
            Mode::Value | Mode::Exact => unknown(reason),
        }
    }

    /// Account, Region and the like: a text of its own unless the very value counts.
    fn filled_in(&self, symbol: &str) -> Value {
        match self.mode {
            Mode::Exact => unknown(symbol),
            Mode::Value | Mode::Symbol => Value::String(format!("${{{symbol}}}")),
        }
    }

    /// What `Ref` to a name gives; `inside` a text it need not be known by itself.
    pub(super) fn reference(&mut self, node: &Node, name: &'t str, inside: bool) -> Option<Value> {
        if let Some(value) = self.parameters.get(name) {
            return Some(match unknown_reason(value) {
                Some(reason) => self.missing(name, reason),
                None if self.mode == Mode::Value && self.secrets.contains(name) => masked(value),
                None => value.clone(),
            });
        }
        if let Some((id, _)) = self.resources.get_key_value(name) {
            self.references.push(id);
            return Some(match self.mode {
                Mode::Exact => unknown(format!("Ref {name}")),
                Mode::Value | Mode::Symbol => Value::String(name.to_owned()),
            });
        }
        let known = |value: &Option<String>| value.clone().map(Value::String);
        Some(match name {
            "AWS::NoValue" => return None,
            "AWS::AccountId" => known(&self.place.account).unwrap_or_else(|| self.filled_in(name)),
            "AWS::Region" if inside => known(&self.place.region).unwrap_or_else(|| self.filled_in(name)),
            "AWS::Region" => known(&self.place.region).unwrap_or_else(|| self.missing(name, name)),
            "AWS::StackName" | "AWS::StackId" => self.filled_in(name),
            "AWS::Partition" => self.by_partition(name, ["aws", "aws-cn", "aws-us-gov"]),
            "AWS::URLSuffix" => self.by_partition(name, ["amazonaws.com", "amazonaws.com.cn", "amazonaws.com"]),
            "AWS::NotificationARNs" => self.missing(name, name),
            _ if self.generated(name) => Value::String(name.to_owned()),
            _ => {
                let what = (
                    format!("`Ref` to `{name}`, which the template doesn't define"),
                    format!("`Ref` の参照先 `{name}` がテンプレートで定義されていません"),
                );
                let hint = (
                    "correct the name, or add the parameter or resource",
                    "名前を直すか、パラメーターまたはリソースを加えてください",
                );
                self.complain(Complaint::at(node, what, hint));
                self.missing(name, format!("Ref {name}"))
            }
        })
    }

    /// Whether the serverless transform makes a resource of this name (`FunctionRole`, `ServerlessRestApi`, `Api.Stage`).
    fn generated(&self, name: &str) -> bool {
        let Some(serverless) = &self.serverless else { return false };
        !self.resources.contains_key(name)
            && (name.starts_with("Serverless") || serverless.iter().any(|id| name.starts_with(id)))
    }

    /// A value of the partition. Without a Region it is the commercial one's where text is made, since nothing that a
    /// rule asks of an ARN depends on it; a condition that asks for it gets no such guess.
    fn by_partition(&self, name: &str, [aws, cn, gov]: [&str; 3]) -> Value {
        let text = match self.place.region.as_deref() {
            Some(region) if region.starts_with("cn-") => cn,
            Some(region) if region.starts_with("us-gov-") => gov,
            None if self.mode == Mode::Exact => return unknown(name),
            _ => aws,
        };
        Value::String(text.to_owned())
    }

    /// What `Fn::GetAtt` gives: an ARN or the resource's own id as a text of its own, anything else unknown.
    pub(super) fn attribute(&mut self, node: &Node, id: &'t str, attribute: &str) -> Value {
        if self.generated(id) {
            return match attribute {
                "Arn" => Value::String(format!("${{{id}.Arn}}")),
                _ => self.missing(&format!("{id}.{attribute}"), format!("GetAtt {id}.{attribute}")),
            };
        }
        let Some((id, kind)) = self.resources.get_key_value(id).map(|(id, kind)| (*id, *kind)) else {
            let what = (
                format!("`Fn::GetAtt` of `{id}`, which the template doesn't define"),
                format!("`Fn::GetAtt` の参照先 `{id}` がテンプレートで定義されていません"),
            );
            let hint = ("correct the logical id, or add the resource", "論理 ID を直すか、リソースを加えてください");
            self.complain(Complaint::at(node, what, hint));
            return self.missing(&format!("{id}.{attribute}"), format!("GetAtt {id}.{attribute}"));
        };
        self.references.push(id);
        if self.mode == Mode::Exact {
            return unknown(format!("GetAtt {id}.{attribute}"));
        }
        // A function's `Arn`, a topic's `TopicArn`; but not, say, a stack's `Outputs.KeyArn`.
        if attribute.ends_with("Arn") && !attribute.contains('.') {
            return Value::String(format!("${{{id}.Arn}}"));
        }
        let own = kind.rsplit("::").next().is_some_and(|name| {
            attribute == "Id" || attribute.strip_suffix("Id").is_some_and(|prefix| name.ends_with(prefix))
        });
        if own {
            return Value::String(id.to_owned());
        }
        self.missing(&format!("{id}.{attribute}"), format!("GetAtt {id}.{attribute}"))
    }
}

fn serverless<'t>(resources: &BTreeMap<&'t str, &'t str>) -> Vec<&'t str> {
    resources.iter().filter(|(_, kind)| kind.starts_with("AWS::Serverless::")).map(|(id, _)| *id).collect()
}

fn secrets(template: &Template) -> BTreeSet<&str> {
    let hidden =
        |node: &Node| node.get("NoEcho").and_then(Node::as_str).is_some_and(|s| s.eq_ignore_ascii_case("true"));
    template.entries("Parameters").into_iter().filter(|(_, (_, node))| hidden(node)).map(|(name, _)| name).collect()
}

/// What CloudFormation itself shows of a secret. A switch or a number is none.
fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) if !text.is_empty() && !matches!(text.as_str(), "true" | "false") => Value::from("****"),
        other => other.clone(),
    }
}

/// Each parameter's value: given, else its default, else its only allowed value, else unknown.
fn parameters<'t>(template: &'t Template, given: &Parameters) -> BTreeMap<&'t str, Value> {
    let mut values = BTreeMap::new();
    for (name, (_, node)) in template.entries("Parameters") {
        let kind = node.get("Type").and_then(Node::as_str).unwrap_or("String");
        let text = match (given.get(name), node.get("Default")) {
            // The value is the name of an SSM parameter, whose value is looked up at deployment.
            _ if kind.starts_with("AWS::SSM::Parameter::Value") => None,
            (Some(text), _) => Some(text.to_owned()),
            (None, Some(default)) => default_text(default),
            (None, None) => only_allowed(node),
        };
        let value = match text {
            None => unknown(format!("Parameter {name}")),
            Some(text) => parameter_value(kind, text),
        };
        values.insert(name, value);
    }
    values
}

fn default_text(default: &Node) -> Option<String> {
    match default.as_str() {
        Some(text) => Some(text.to_owned()),
        None => default.items().iter().map(Node::as_str).collect::<Option<Vec<_>>>().map(|texts| texts.join(",")),
    }
}

fn only_allowed(node: &Node) -> Option<String> {
    let mut allowed = node.get("AllowedValues")?.items().iter().map(Node::as_str);
    let first = allowed.next()??;
    allowed.all(|other| other == Some(first)).then(|| first.to_owned())
}

fn parameter_value(kind: &str, text: String) -> Value {
    if kind == "CommaDelimitedList" || kind.starts_with("List<") {
        if text.is_empty() {
            return Value::Array(Vec::new());
        }
        return Value::Array(text.split(',').map(|part| Value::String(part.trim().to_owned())).collect());
    }
    if kind == "Number" && !text.is_empty() {
        return typed::scalar(&text, true, None);
    }
    Value::String(text)
}
