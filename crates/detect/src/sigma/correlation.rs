//! Correlation rules (Sigma specification 2.1): counts, sums and sequences of other rules' matches.

use super::value::Order;
use super::{Fault, Node, strings};
use std::collections::BTreeMap;
use yagura_model::yaml::Data;

/// A correlation as it stands in its file; rules are still names or ids.
#[derive(Clone, Debug)]
pub(crate) struct Correlation {
    pub(crate) aggregate: Aggregate,
    pub(crate) rules: Vec<String>,
    pub(crate) group_by: Vec<String>,
    /// alias → rule → field
    pub(crate) aliases: BTreeMap<String, BTreeMap<String, String>>,
    /// Microseconds.
    pub(crate) timespan: i64,
    /// Every criterion must hold of the aggregate.
    pub(crate) criteria: Vec<Criterion>,
    pub(crate) fields: Vec<String>,
    /// The referenced rules also speak for themselves.
    pub(crate) generate: bool,
}

pub(crate) type Criterion = (Order, f64);

/// What is computed over the matches in a window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Aggregate {
    EventCount,
    ValueCount,
    Sum,
    Average,
    /// 0 to 100.
    Percentile(f64),
    /// How many of the rules matched, or a condition on which ones.
    Temporal(Option<Presence>),
    /// The rules matched in the order of the list.
    Ordered(Option<Presence>),
}

/// A condition on which rules matched in the window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Presence {
    Rule(usize),
    All(Vec<Presence>),
    Any(Vec<Presence>),
    Not(Box<Presence>),
}

impl Presence {
    pub(crate) fn holds(&self, present: &[bool]) -> bool {
        match self {
            Presence::Rule(i) => present.get(*i).copied().unwrap_or(false),
            Presence::All(parts) => parts.iter().all(|p| p.holds(present)),
            Presence::Any(parts) => parts.iter().any(|p| p.holds(present)),
            Presence::Not(part) => !part.holds(present),
        }
    }
}

pub(crate) fn read(node: &Node) -> Result<Correlation, Fault> {
    let kind = node.get("type").ok_or_else(|| Fault::at(node, "the correlation has no `type`"))?;
    let word = kind.as_str().unwrap_or_default();
    let mut rules = node.get("rules").map(strings).unwrap_or_default();
    let condition = node.get("condition");
    let (mut criteria, mut presence, mut fields, mut percentile) = (Vec::new(), None, Vec::new(), 50.0);
    match condition.map(|c| (c, &c.data)) {
        Some((c, Data::Map(entries))) => {
            for (key, value) in entries {
                match key.as_str().unwrap_or_default() {
                    "field" => fields = strings(value),
                    "percentile" => percentile = number(value)?,
                    other => {
                        let order = Order::parse(other).ok_or_else(|| {
                            Fault::at(key, format!("`{other}` in the condition: use gt, gte, lt, lte, eq or neq"))
                        })?;
                        criteria.push((order, number(value)?));
                    }
                }
            }
            if criteria.is_empty() {
                return Err(Fault::at(c, "the condition compares with nothing: add gt, gte, lt, lte, eq or neq"));
            }
        }
        Some((c, Data::Scalar { text, .. })) => {
            presence = Some(read_presence(text, &mut rules).map_err(|message| Fault::at(c, message))?);
        }
        Some((c, Data::Seq(_))) => return Err(Fault::at(c, "the condition must be a mapping or a string")),
        None => {}
    }
    if rules.is_empty() {
        return Err(Fault::at(node, "the correlation names no `rules`"));
    }
    let temporal = matches!(word, "temporal" | "temporal_ordered");
    let aggregate = match word {
        "event_count" => Aggregate::EventCount,
        "value_count" => Aggregate::ValueCount,
        "value_sum" => Aggregate::Sum,
        "value_avg" => Aggregate::Average,
        "value_percentile" => Aggregate::Percentile(percentile),
        "value_median" => Aggregate::Percentile(50.0),
        "temporal" => Aggregate::Temporal(presence.take()),
        "temporal_ordered" => Aggregate::Ordered(presence.take()),
        other => return Err(Fault::at(kind, format!("`{other}` is no correlation type of Sigma 2.1"))),
    };
    if !(0.0..=100.0).contains(&percentile) {
        return Err(Fault::at(node, "`percentile` must be between 0 and 100"));
    }
    if presence.is_some() || !temporal && criteria.is_empty() {
        return Err(Fault::at(condition.unwrap_or(node), format!("`{word}` needs a condition such as `gte: 10`")));
    }
    if word.starts_with("value_") && fields.is_empty() {
        return Err(Fault::at(condition.unwrap_or(node), format!("`{word}` needs `field` in its condition")));
    }
    Ok(Correlation {
        aggregate,
        rules,
        group_by: node.get("group-by").map(strings).unwrap_or_default(),
        aliases: read_aliases(node.get("aliases"))?,
        timespan: read_timespan(node)?,
        criteria,
        fields,
        generate: node.get("generate").and_then(Node::as_str) == Some("true"),
    })
}

fn number(node: &Node) -> Result<f64, Fault> {
    node.as_str()
        .and_then(|t| t.parse::<f64>().ok())
        .filter(|n| n.is_finite())
        .ok_or_else(|| Fault::at(node, "a number must stand here"))
}

fn read_timespan(node: &Node) -> Result<i64, Fault> {
    let place = node
        .get("timespan")
        .or_else(|| node.get("timeframe"))
        .ok_or_else(|| Fault::at(node, "the correlation has no `timespan`"))?;
    let text = place.as_str().unwrap_or_default();
    let fail = || Fault::at(place, format!("`{text}` is no timespan: write a number and s, m, h, d, w, M or y"));
    let unit = text.chars().last().ok_or_else(fail)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        'M' => 2_629_746,
        'y' => 31_556_952,
        _ => return Err(fail()),
    };
    let count: i64 = text[..text.len() - 1].parse().map_err(|_| fail())?;
    let span = count.checked_mul(seconds * 1_000_000).filter(|s| *s > 0);
    span.ok_or_else(fail)
}

fn read_aliases(node: Option<&Node>) -> Result<BTreeMap<String, BTreeMap<String, String>>, Fault> {
    let mut aliases = BTreeMap::new();
    for (alias, rules) in node.map(Node::entries).unwrap_or_default() {
        let fields: BTreeMap<String, String> = rules
            .entries()
            .iter()
            .filter_map(|(rule, field)| Some((rule.as_str()?.to_owned(), field.as_str()?.to_owned())))
            .collect();
        let alias = alias.as_str().unwrap_or_default().to_owned();
        if fields.is_empty() {
            return Err(Fault::at(rules, format!("alias `{alias}` must map rules to fields")));
        }
        aliases.insert(alias, fields);
    }
    Ok(aliases)
}

/// `rule_a and not rule_b`; rules that `rules` doesn't list are added to it.
fn read_presence(text: &str, rules: &mut Vec<String>) -> Result<Presence, String> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
    let presence = presence_any(&mut words, rules, 0)?;
    match words.pop() {
        None => Ok(presence),
        Some(word) => Err(format!("unexpected `{word}` in the condition")),
    }
}

fn presence_any(words: &mut Vec<&str>, rules: &mut Vec<String>, depth: usize) -> Result<Presence, String> {
    let mut any = vec![presence_all(words, rules, depth)?];
    while words.pop_if(|w| *w == "or").is_some() {
        any.push(presence_all(words, rules, depth)?);
    }
    Ok(Presence::Any(any))
}

fn presence_all(words: &mut Vec<&str>, rules: &mut Vec<String>, depth: usize) -> Result<Presence, String> {
    let mut all = vec![presence_one(words, rules, depth)?];
    while words.pop_if(|w| *w == "and").is_some() {
        all.push(presence_one(words, rules, depth)?);
    }
    Ok(Presence::All(all))
}

fn presence_one(words: &mut Vec<&str>, rules: &mut Vec<String>, depth: usize) -> Result<Presence, String> {
    if depth > 64 {
        return Err("the condition is nested too deeply".to_owned());
    }
    match words.pop() {
        None => Err("the condition ends too early".to_owned()),
        Some("not") => Ok(Presence::Not(Box::new(presence_one(words, rules, depth + 1)?))),
        Some("(") => {
            let inner = presence_any(words, rules, depth + 1)?;
            words.pop_if(|w| *w == ")").ok_or("a `)` is missing in the condition")?;
            Ok(inner)
        }
        Some(word @ (")" | "and" | "or")) => Err(format!("`{word}` where a rule should be")),
        Some(rule) => Ok(Presence::Rule(rules.iter().position(|r| r == rule).unwrap_or_else(|| {
            rules.push(rule.to_owned());
            rules.len() - 1
        }))),
    }
}
