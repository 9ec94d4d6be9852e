//! Conditions, in three-valued logic: a condition over a parameter that nobody gave is unknown, unless the other half
//! of an `And` or `Or` decides alone.

use super::{
    evaluate::{Evaluator, Mode, Truth},
    functions::text_of,
    template::Complaint,
};
use serde_json::Value;
use yagura_model::{unknown_reason, yaml::Node};

/// Nesting of conditions, references to others included.
const MAX_DEPTH: usize = 100;

impl<'t> Evaluator<'t> {
    /// What the named condition comes to.
    pub fn condition(&mut self, node: &'t Node, name: &'t str) -> Truth {
        if let Some(truth) = self.truths.get(name) {
            return truth.clone();
        }
        let Some((_, definition)) = self.conditions.get(name).copied() else {
            let what = (
                format!("condition `{name}`, which the template doesn't define"),
                format!("条件 `{name}` がテンプレートで定義されていません"),
            );
            let hint = ("correct the name, or add it to `Conditions`", "名前を直すか、`Conditions` に加えてください");
            self.complain(Complaint::at(node, what, hint));
            return Truth::Unknown(format!("Condition {name}"));
        };
        if let Some(start) = self.pending.iter().position(|p| *p == name) {
            let mut cycle = self.pending[start..].join(" → ");
            cycle = format!("{cycle} → {name}");
            let what = (
                format!("conditions that need each other: {cycle}"),
                format!("条件が互いに参照し合っています: {cycle}"),
            );
            self.complain(Complaint::at(definition, what, ("break the circle", "循環を解消してください")));
            return Truth::Unknown(format!("Condition {name}"));
        }
        if self.pending.len() >= MAX_DEPTH {
            self.give_up(definition, "needs too many other conditions", "がほかの条件に依存しすぎています");
            return Truth::Unknown(format!("Condition {name}"));
        }
        self.pending.push(name);
        let truth = self.in_mode(Mode::Exact, |this| this.truth(definition, 0));
        self.pending.pop();
        if self.pending.is_empty() || !matches!(truth, Truth::Unknown(_)) {
            self.truths.insert(name, truth.clone());
        }
        truth
    }

    fn truth(&mut self, node: &'t Node, depth: usize) -> Truth {
        let [(key, argument)] = node.entries() else {
            return match node.as_str() {
                Some("true") => Truth::True,
                Some("false") => Truth::False,
                _ => self.no_condition(node, "something else"),
            };
        };
        // The depths multiply: conditions, and the functions in each.
        if depth + self.pending.len() > MAX_DEPTH {
            self.give_up(node, "is nested too deep", "の入れ子が深すぎます");
            return Truth::Unknown("condition nested too deep".to_owned());
        }
        match key.as_str() {
            Some("Condition") => match argument.as_str() {
                Some(name) => self.condition(argument, name),
                None => self.no_condition(argument, "something else"),
            },
            Some("Fn::Not") => match argument.items() {
                [inner] => match self.truth(inner, depth + 1) {
                    Truth::True => Truth::False,
                    Truth::False => Truth::True,
                    unknown => unknown,
                },
                _ => self.no_condition(argument, "`Fn::Not` without its one condition"),
            },
            Some("Fn::And") => self.all(argument.items(), &Truth::False, &Truth::True, depth),
            Some("Fn::Or") => self.all(argument.items(), &Truth::True, &Truth::False, depth),
            Some("Fn::Equals") => match argument.items() {
                [left, right] => self.equal(left, right),
                _ => self.no_condition(argument, "`Fn::Equals` without its two values"),
            },
            other => {
                let what = format!("`{}`", other.unwrap_or("something else"));
                self.no_condition(node, &what)
            }
        }
    }

    /// `And` or `Or`: `decides` settles it alone, else `otherwise`, else unknown.
    fn all(&mut self, items: &'t [Node], decides: &Truth, otherwise: &Truth, depth: usize) -> Truth {
        let mut result = otherwise.clone();
        for item in items {
            let truth = self.truth(item, depth + 1);
            if truth == *decides {
                return truth;
            }
            if matches!(truth, Truth::Unknown(_)) && result == *otherwise {
                result = truth;
            }
        }
        result
    }

    fn equal(&mut self, left: &'t Node, right: &'t Node) -> Truth {
        let values = [self.value(left, None), self.value(right, None)].map(|v| v.unwrap_or(Value::Null));
        for value in &values {
            if let Some(reason) = first_unknown(value) {
                return Truth::Unknown(reason);
            }
        }
        let [left, right] = values;
        // `"true"` and `true` are one value to CloudFormation.
        let equal = left == right || matches!((text_of(&left), text_of(&right)), (Some(l), Some(r)) if l == r);
        if equal { Truth::True } else { Truth::False }
    }

    fn no_condition(&mut self, node: &Node, what: &str) -> Truth {
        let hint = (
            "use Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition",
            "Fn::Equals、Fn::And、Fn::Or、Fn::Not、Condition のいずれかを使ってください",
        );
        let said = (format!("{what} stands where a condition belongs"), format!("条件を書く位置に {what} があります"));
        self.complain(Complaint::at(node, said, hint));
        Truth::Unknown(format!("condition that can't be read: {what}"))
    }
}

/// The reason of the first marker anywhere in a value.
pub(super) fn first_unknown(value: &Value) -> Option<String> {
    if let Some(reason) = unknown_reason(value) {
        return Some(reason.to_owned());
    }
    match value {
        Value::Array(items) => items.iter().find_map(first_unknown),
        Value::Object(map) => map.values().find_map(first_unknown),
        _ => None,
    }
}
