//! The intrinsic functions, each as far as its inputs are known.
//! Reference: AWS CloudFormation user guide, "Intrinsic function reference".

use super::{
    condition::first_unknown,
    evaluate::{Evaluator, Mode, TOO_MUCH_TEXT, Truth},
    template::{Complaint, call},
};
use crate::files::fold::either;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use yagura_content::shapes::Shape;
use yagura_model::{is_unknown, unknown, yaml::Node};

impl<'t> Evaluator<'t> {
    /// What the function `name` gives; `None` is `AWS::NoValue`.
    pub(super) fn function(
        &mut self,
        node: &'t Node,
        name: &str,
        argument: &'t Node,
        shape: Option<Shape>,
    ) -> Option<Value> {
        let value = match name {
            "Ref" => match argument.as_str() {
                Some(target) => return self.reference(argument, target, false),
                None => self.wrong(argument, name, "the name of a parameter or resource"),
            },
            "Fn::If" => return self.branch(argument, shape),
            "Fn::GetAtt" => self.get_att(argument),
            "Fn::Sub" => self.sub(argument),
            "Fn::Join" => self.join(argument),
            "Fn::Select" => return self.select(argument),
            "Fn::Split" => self.split(argument),
            "Fn::FindInMap" => self.find_in_map(argument, shape),
            "Fn::Base64" => self.base64(argument),
            "Fn::Cidr" => self.cidr(argument),
            "Fn::Length" => self.length(argument),
            "Fn::ToJsonString" => self.json_string(argument),
            "Fn::ImportValue" => {
                let export = self.value(argument, None).as_ref().and_then(text_of).unwrap_or_default();
                self.missing(&format!("ImportValue {export}"), format!("ImportValue {export}").trim_end())
            }
            "Fn::GetStackOutput" => {
                let part = |key: &str| argument.get(key).and_then(Node::as_str).unwrap_or("?");
                let name = format!("GetStackOutput {}.{}", part("StackName"), part("OutputName"));
                self.missing(&name, name.as_str())
            }
            "Fn::GetAZs" => self.missing("GetAZs", "Availability Zones"),
            "Fn::Transform" => unknown(self.transform_name(argument)),
            "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" => {
                self.wrong(node, name, "a place under `Conditions`, and `Fn::If` here")
            }
            _ => {
                let what = (format!("unknown function `{name}`"), format!("`{name}` という関数はありません"));
                let hint = (
                    "correct its name; until then its value counts as not known",
                    "名前を直してください。それまで値は不明として扱います",
                );
                self.complain(Complaint::at(node, what, hint));
                unknown(format!("function {name}"))
            }
        };
        Some(value)
    }

    /// Complains about a function's argument.
    fn wrong(&mut self, node: &Node, name: &str, wants: &str) -> Value {
        let what = (format!("`{name}` is used wrongly"), format!("`{name}` の書き方が正しくありません"));
        self.complain(Complaint::at(node, what, (format!("it wants {wants}"), format!("正しい形: {wants}"))));
        unknown(format!("function {name}"))
    }

    pub(super) fn transform_name(&mut self, argument: &'t Node) -> String {
        format!("Transform {}", argument.get("Name").and_then(Node::as_str).unwrap_or("")).trim_end().to_owned()
    }

    fn branch(&mut self, argument: &'t Node, shape: Option<Shape>) -> Option<Value> {
        let [condition, then, otherwise] = argument.items() else {
            return Some(self.wrong(argument, "Fn::If", "[condition, value if true, value if false]"));
        };
        let Some(name) = condition.as_str() else {
            return Some(self.wrong(condition, "Fn::If", "the name of a condition first"));
        };
        match self.condition(condition, name) {
            Truth::True => self.value(then, shape),
            Truth::False => self.value(otherwise, shape),
            Truth::Unknown(reason) => {
                let (then, otherwise) = (self.value(then, shape), self.value(otherwise, shape));
                either(then, otherwise, &reason, false)
            }
        }
    }

    fn get_att(&mut self, argument: &'t Node) -> Value {
        if let Some((id, attribute)) = argument.as_str().and_then(|text| text.split_once('.')) {
            return self.attribute(argument, id, attribute);
        }
        if let [id, rest @ ..] = argument.items()
            && let Some(id) = id.as_str()
            && !rest.is_empty()
        {
            let parts: Vec<Value> = rest.iter().filter_map(|part| self.value(part, None)).collect();
            if let Some(reason) = parts.iter().find_map(first_unknown) {
                return unknown(reason);
            }
            let attribute = parts.iter().filter_map(text_of).collect::<Vec<_>>().join(".");
            return self.attribute(argument, id, &attribute);
        }
        self.wrong(argument, "Fn::GetAtt", "[logical id, attribute]")
    }

    fn sub(&mut self, argument: &'t Node) -> Value {
        let (template, names) = match (argument.as_str(), argument.items()) {
            (Some(text), _) => (text, None),
            (None, [text, names]) if text.as_str().is_some() => (text.as_str().unwrap_or_default(), Some(names)),
            _ if call(argument).is_some() => {
                let reason = self.value(argument, None).as_ref().and_then(first_unknown);
                return unknown(reason.unwrap_or_else(|| "function Fn::Sub".to_owned()));
            }
            _ => return self.wrong(argument, "Fn::Sub", "a text, or [text, {name: value}]"),
        };
        let mut out = String::new();
        let mut rest = template;
        while let Some(start) = rest.find("${") {
            out.push_str(&rest[..start]);
            let Some(end) = rest[start..].find('}').map(|i| start + i) else {
                rest = &rest[start..];
                break;
            };
            let name = rest[start + 2..end].trim();
            rest = &rest[end + 1..];
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str("${");
                out.push_str(literal);
                out.push('}');
                continue;
            }
            if !self.spend(names.map_or(0, |names| names.entries().len())) {
                return self.give_up(argument, "takes too much work", "の計算量が多すぎます");
            }
            let own = names.and_then(|names| names.get(name));
            let value = match (own, name.split_once('.')) {
                (Some(node), _) => self.value(node, None).unwrap_or_default(),
                (None, Some((id, attribute))) => self.attribute(argument, id, attribute),
                (None, None) => self.reference(argument, name, true).unwrap_or_default(),
            };
            if let Some(reason) = first_unknown(&value) {
                return unknown(reason);
            }
            let Some(text) = text_of(&value) else {
                return self.wrong(argument, "Fn::Sub", &format!("a text for `${{{name}}}`"));
            };
            out.push_str(&text);
            if out.len() > 4 << 20 {
                return self.give_up(
                    argument,
                    "makes a text of more than 4 MiB",
                    "から作られるテキストが 4 MiB を超えます",
                );
            }
        }
        out.push_str(rest);
        self.text(argument, out)
    }

    fn join(&mut self, argument: &'t Node) -> Value {
        let [delimiter, list] = argument.items() else {
            return self.wrong(argument, "Fn::Join", "[delimiter, [values]]");
        };
        let delimiter = self.value(delimiter, None).as_ref().and_then(text_of).unwrap_or_default();
        // Inside a text, a Region or account need not be known by itself.
        let items = match list.items() {
            [] => self.value(list, None).unwrap_or_default(),
            items => Value::Array(items.iter().filter_map(|item| self.inside_text(item)).collect()),
        };
        if let Some(reason) = first_unknown(&items) {
            return unknown(reason);
        }
        let Value::Array(items) = items else {
            return self.wrong(list, "Fn::Join", "a list of values");
        };
        let texts: Option<Vec<String>> = items.iter().map(text_of).collect();
        match texts {
            Some(texts) => self.text(argument, texts.join(&delimiter)),
            None => self.wrong(list, "Fn::Join", "texts to join"),
        }
    }

    fn inside_text(&mut self, node: &'t Node) -> Option<Value> {
        if let [(key, target)] = node.entries()
            && key.as_str() == Some("Ref")
            && let Some(name) = target.as_str()
        {
            return self.reference(target, name, true);
        }
        self.value(node, None)
    }

    fn text(&mut self, node: &Node, text: String) -> Value {
        if self.spend(text.len()) { Value::String(text) } else { self.give_up(node, TOO_MUCH_TEXT.0, TOO_MUCH_TEXT.1) }
    }

    fn select(&mut self, argument: &'t Node) -> Option<Value> {
        let [index, list] = argument.items() else {
            return Some(self.wrong(argument, "Fn::Select", "[index, [values]]"));
        };
        let index = self.value(index, None).unwrap_or_default();
        if let Some(reason) = first_unknown(&index) {
            return Some(unknown(reason));
        }
        let Some(index) = text_of(&index).and_then(|text| text.trim().parse::<usize>().ok()) else {
            return Some(self.wrong(argument, "Fn::Select", "a number as index"));
        };
        match self.value(list, None) {
            Some(Value::Array(mut items)) if index < items.len() => Some(items.swap_remove(index)),
            Some(list) if is_unknown(&list) => Some(list),
            // The list itself may only be named in a symbol.
            Some(Value::String(text)) if self.mode == Mode::Symbol => Some(Value::String(format!("{index}:{text}"))),
            Some(Value::Array(items)) => {
                let what = (
                    format!("`Fn::Select` of element {index} from a list of {}", items.len()),
                    format!("`Fn::Select` が {} 個のリストから {index} 番を選んでいます", items.len()),
                );
                self.complain(Complaint::at(argument, what, ("count from 0", "番号は 0 から数えます")));
                Some(unknown("function Fn::Select"))
            }
            _ => Some(self.wrong(list, "Fn::Select", "a list of values")),
        }
    }

    fn split(&mut self, argument: &'t Node) -> Value {
        let [delimiter, text] = argument.items() else {
            return self.wrong(argument, "Fn::Split", "[delimiter, text]");
        };
        let delimiter = self.value(delimiter, None).as_ref().and_then(text_of).unwrap_or_default();
        let text = self.value(text, None).unwrap_or_default();
        if let Some(reason) = first_unknown(&text) {
            return unknown(reason);
        }
        match text_of(&text) {
            // A text that AWS fills in may be split anywhere.
            Some(text) if text.contains("${") => self.missing(&format!("Split {text}"), text.as_str()),
            Some(text) if !delimiter.is_empty() => {
                if !self.spend(text.len()) {
                    return self.give_up(argument, TOO_MUCH_TEXT.0, TOO_MUCH_TEXT.1);
                }
                Value::Array(text.split(delimiter.as_str()).map(|part| Value::String(part.to_owned())).collect())
            }
            _ => self.wrong(argument, "Fn::Split", "a delimiter and a text"),
        }
    }

    fn find_in_map(&mut self, argument: &'t Node, shape: Option<Shape>) -> Value {
        let (keys, options) = match argument.items() {
            [a, b, c] => ([a, b, c], None),
            [a, b, c, options] => ([a, b, c], options.get("DefaultValue")),
            _ => return self.wrong(argument, "Fn::FindInMap", "[map, top key, second key]"),
        };
        let keys = keys.map(|key| self.in_mode(Mode::Exact, |this| this.value(key, None)).unwrap_or_default());
        if let Some(reason) = first_unknown(&keys[0]) {
            return unknown(reason);
        }
        let map = text_of(&keys[0]).unwrap_or_default();
        let Some((_, map_node)) = self.mappings.get(map.as_str()).copied() else {
            let what = (
                format!("`Fn::FindInMap` in `{map}`, which the template doesn't define"),
                format!("`Fn::FindInMap` のマップ `{map}` がテンプレートで定義されていません"),
            );
            return self.not_found(argument, options, what);
        };
        // A lookup goes through the entries.
        let entries: usize = map_node.entries().iter().map(|(_, entry)| 1 + entry.entries().len()).sum();
        if !self.spend(entries) {
            return self.give_up(argument, "takes too much work", "の計算量が多すぎます");
        }
        let (top, second) = (first_unknown(&keys[1]), first_unknown(&keys[2]));
        if let Some(reason) = top.clone().or_else(|| second.clone()) {
            return self.same_in_all(map_node, &keys, [top.is_none(), second.is_none()], shape, reason);
        }
        let [top, second] = [&keys[1], &keys[2]].map(|key| text_of(key).unwrap_or_default());
        match map_node.get(&top).and_then(|entry| entry.get(&second)) {
            Some(found) => self.value(found, shape).unwrap_or_default(),
            None => {
                let what = (
                    format!("`Fn::FindInMap`: the map `{map}` has no `{top}.{second}`"),
                    format!("`Fn::FindInMap`: マップ `{map}` に `{top}.{second}` がありません"),
                );
                self.not_found(argument, options, what)
            }
        }
    }

    fn not_found(&mut self, argument: &'t Node, default: Option<&'t Node>, what: (String, String)) -> Value {
        match default {
            Some(default) => self.value(default, None).unwrap_or_default(),
            None => {
                let hint =
                    ("correct the keys, or add a `DefaultValue`", "キーを直すか、`DefaultValue` を加えてください");
                self.complain(Complaint::at(argument, what, hint));
                unknown("function Fn::FindInMap")
            }
        }
    }

    /// The value that a map gives whatever the key that isn't known: known when all of them are equal.
    fn same_in_all(
        &mut self,
        map: &'t Node,
        keys: &[Value; 3],
        known: [bool; 2],
        shape: Option<Shape>,
        reason: String,
    ) -> Value {
        let [top, second] = [&keys[1], &keys[2]].map(|key| text_of(key).unwrap_or_default());
        let mut values = Vec::new();
        for (key, entry) in map.entries() {
            if known[0] && key.as_str() != Some(top.as_str()) {
                continue;
            }
            for (key, node) in entry.entries() {
                if !known[1] || key.as_str() == Some(second.as_str()) {
                    values.push(self.value(node, shape).unwrap_or_default());
                }
            }
        }
        match values.split_first() {
            Some((first, rest)) if rest.iter().all(|v| v == first) => first.clone(),
            _ => unknown(reason),
        }
    }

    fn base64(&mut self, argument: &'t Node) -> Value {
        let value = self.value(argument, None).unwrap_or_default();
        match (first_unknown(&value), text_of(&value)) {
            (Some(reason), _) => unknown(reason),
            (None, Some(text)) => self.text(argument, STANDARD.encode(text)),
            (None, None) => self.wrong(argument, "Fn::Base64", "a text"),
        }
    }

    fn length(&mut self, argument: &'t Node) -> Value {
        match self.value(argument, None) {
            Some(Value::Array(items)) => Value::from(items.len()),
            Some(value) if is_unknown(&value) => value,
            _ => self.wrong(argument, "Fn::Length", "a list"),
        }
    }

    fn json_string(&mut self, argument: &'t Node) -> Value {
        let value = self.value(argument, None).unwrap_or_default();
        match first_unknown(&value) {
            Some(reason) => unknown(reason),
            None => self.text(argument, value.to_string()),
        }
    }

    fn cidr(&mut self, argument: &'t Node) -> Value {
        let [block, count, rest @ ..] = argument.items() else {
            return self.wrong(argument, "Fn::Cidr", "[block, count, bits]");
        };
        let mut inputs = vec![self.value(block, None).unwrap_or_default(), self.value(count, None).unwrap_or_default()];
        inputs.extend(rest.first().and_then(|bits| self.value(bits, None)));
        if let Some(reason) = inputs.iter().find_map(first_unknown) {
            return unknown(reason);
        }
        let texts: Vec<String> = inputs.iter().filter_map(text_of).collect();
        match (texts.first(), texts.get(1).and_then(|t| t.parse().ok())) {
            (Some(block), _) if block.contains("${") => unknown(block.as_str()),
            (Some(block), Some(count)) => {
                match super::cidr::split(block, count, texts.get(2).and_then(|t| t.parse().ok())) {
                    Some(blocks) => Value::Array(blocks.into_iter().map(Value::String).collect()),
                    None => self.wrong(argument, "Fn::Cidr", "a block that holds that many smaller ones"),
                }
            }
            _ => self.wrong(argument, "Fn::Cidr", "[block, count, bits]"),
        }
    }
}

/// The text of a scalar; `None` for anything that is no scalar.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Number(n) => Some(n.to_string()),
        Value::Null => Some(String::new()),
        _ => None,
    }
}
