//! A template's text as a tree in which every intrinsic function is written the long way (`{"Fn::Sub": …}`), with the
//! sections picked out.

use crate::files::problem::{Words, words};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
};
use yagura_model::yaml::{self, Data, Node};

/// A template before anything is evaluated.
pub(super) struct Template {
    root: Node,
}

impl Template {
    /// Reads YAML or JSON.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn parse(text: &str) -> Result<Template, (Words, Words)> {
        let documents = yaml::parse(&joined_surrogates(text)).map_err(|e| {
            let place = words("correct the YAML or JSON at that place", "その位置の YAML または JSON を直してください");
            (
                words(
                    format!("is a broken template: {e}"),
                    format!("テンプレートの書式が正しくありません: {} 行 {} 列: {}", e.line, e.column, e.message),
                ),
                place,
            )
        })?;
        let mut root = documents
            .into_iter()
            .find(|node| node.get("Resources").is_some() || node.get("AWSTemplateFormatVersion").is_some())
            .ok_or_else(|| {
                let give =
                    words("give a file with a `Resources` section", "`Resources` のあるファイルを指定してください");
                (words("holds no template", "テンプレートがありません"), give)
            })?;
        lengthen(&mut root);
        if !matches!(root.get("Resources"), Some(Node { data: Data::Map(_), .. })) {
            return Err((
                words(
                    "is a template without a `Resources` section that lists resources by name",
                    "リソースを名前ごとに並べた `Resources` がないテンプレートです",
                ),
                words("add `Resources`, or leave the file out", "`Resources` を加えるか、対象から外してください"),
            ));
        }
        Ok(Template { root })
    }

    pub fn root_mut(&mut self) -> &mut Node {
        &mut self.root
    }

    pub fn section(&self, name: &str) -> Option<&Node> {
        self.root.get(name)
    }

    /// A section's entries by name; the last one holds where a name stands twice.
    pub fn entries(&self, section: &str) -> BTreeMap<&str, (&Node, &Node)> {
        let entries = self.section(section).map_or(&[][..], Node::entries);
        entries.iter().filter_map(|(key, value)| Some((key.as_str()?, (key, value)))).collect()
    }

    /// The names under `Transform`.
    pub fn transforms(&self) -> Vec<&str> {
        let Some(node) = self.section("Transform") else { return Vec::new() };
        let one = std::slice::from_ref(node);
        let nodes = if node.items().is_empty() { one } else { node.items() };
        nodes.iter().filter_map(|n| n.as_str().or_else(|| n.get("Name").and_then(Node::as_str))).collect()
    }
}

/// JSON writes a character beyond U+FFFF as two escapes, which YAML's escapes are not; here it is the character.
fn joined_surrogates(text: &str) -> Cow<'_, str> {
    if !text.trim_start().starts_with('{') || !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let unit = |rest: &str| u16::from_str_radix(rest.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(high @ 0xd800..=0xdfff), low) => {
                let units: Vec<u16> = std::iter::once(high).chain(low).collect();
                let pair = String::from_utf16(&units).ok();
                out.push_str(pair.as_deref().unwrap_or("\u{fffd}"));
                if pair.is_some() { 12 } else { 6 }
            }
            _ => {
                let escaped = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                out.push_str(&rest[..escaped]);
                escaped
            }
        };
        rest = &rest[length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Turns `!Sub x` into `{"Fn::Sub": x}` everywhere below `node`.
fn lengthen(node: &mut Node) {
    match &mut node.data {
        Data::Scalar { .. } => {}
        Data::Seq(items) => items.iter_mut().for_each(lengthen),
        Data::Map(entries) => {
            entries.iter_mut().for_each(|(_, value)| lengthen(value));
            if entries.iter().any(|(key, _)| is_merge(key)) {
                merge(entries);
            }
        }
    }
    let Some(tag) = node.tag.take() else { return };
    let short = tag.trim_start_matches('!');
    if short.is_empty() {
        return;
    }
    let name = if matches!(short, "Ref" | "Condition") { short.to_owned() } else { format!("Fn::{short}") };
    let (line, column) = (node.line, node.column);
    let key = Node { line, column, tag: None, data: Data::Scalar { text: name, plain: false } };
    let argument = std::mem::replace(node, Node { line, column, tag: None, data: Data::Map(Vec::new()) });
    node.data = Data::Map(vec![(key, argument)]);
}

/// YAML's `<<`, which `aws cloudformation package` resolves before CloudFormation sees it.
fn is_merge(key: &Node) -> bool {
    matches!(&key.data, Data::Scalar { text, plain: true } if text == "<<")
}

fn merge(entries: &mut Vec<(Node, Node)>) {
    let (merged, mut own): (Vec<_>, Vec<_>) = std::mem::take(entries).into_iter().partition(|(key, _)| is_merge(key));
    let mut known: HashSet<String> = own.iter().filter_map(|(key, _)| key.as_str().map(str::to_owned)).collect();
    for (_, value) in merged {
        let sources = if value.items().is_empty() { std::slice::from_ref(&value) } else { value.items() };
        for (key, inner) in sources.iter().flat_map(Node::entries) {
            if key.as_str().is_some_and(|key| known.insert(key.to_owned())) {
                own.push((key.clone(), inner.clone()));
            }
        }
    }
    *entries = own;
}

/// The function that a node calls, with its argument. `Condition` is one only where conditions stand.
pub(super) fn call(node: &Node) -> Option<(&str, &Node)> {
    let [(key, argument)] = node.entries() else { return None };
    let name = key.as_str()?;
    (name == "Ref" || (name.starts_with("Fn::") && !name.starts_with("Fn::ForEach::"))).then_some((name, argument))
}

/// What is wrong in a template at a place, without making the rest unreadable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub message: Words,
    pub hint: Words,
}

impl Complaint {
    pub fn at(node: &Node, message: impl Into<Words>, hint: impl Into<Words>) -> Complaint {
        let Words(text) = message.into();
        let line = node.line;
        Complaint {
            message: words(format!("line {line}: {}", text.en), format!("{line} 行目: {}", text.ja)),
            hint: hint.into(),
        }
    }
}
