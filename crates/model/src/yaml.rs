//! YAML with places: every node knows its line, column and tag, so that a template's resource can be pointed at and a
//! rule's error names its line. Aliases are expanded under a cap, so that a few nested anchors can't fill memory.

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Number, Value};
use std::{borrow::Cow, collections::HashMap};

/// Nodes that one document may expand to, aliases included.
pub const MAX_NODES: usize = 1_000_000;
/// Length from which a text counts as one node more: all texts together stay under 256 MiB.
const BYTES_A_NODE: usize = 256;
/// Nesting that a document may have.
pub const MAX_DEPTH: usize = 128;

/// One YAML value and the place where it starts; line and column count from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub line: u32,
    pub column: u32,
    /// The local tag as written, without YAML's own (`!!str`): `!Ref`, `!GetAtt`.
    pub tag: Option<String>,
    pub data: Data,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// `plain` is false for quoted and block scalars, which are always strings.
    Scalar {
        text: String,
        plain: bool,
    },
    Seq(Vec<Node>),
    /// In the order of the file; a key may stand twice.
    Map(Vec<(Node, Node)>),
}

#[derive(Debug, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct Error {
    pub line: u32,
    pub column: u32,
    pub message: String,
}

impl Node {
    /// The value under `key` when this is a mapping; the last one holds where a key stands twice.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().rev().find(|(k, _)| k.as_str() == Some(key)).map(|(_, v)| v)
    }

    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Node] {
        match &self.data {
            Data::Seq(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar, whatever type it stands for.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Plain JSON by YAML 1.2's core schema; tags are dropped, non-string keys become their text.
    pub fn to_json(&self) -> Value {
        match &self.data {
            Data::Scalar { text, plain } => {
                if *plain {
                    plain_scalar(text)
                } else {
                    Value::String(text.clone())
                }
            }
            Data::Seq(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Data::Map(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    let key = key.as_str().map_or_else(|| key.to_json().to_string(), str::to_owned);
                    map.insert(key, value.to_json());
                }
                Value::Object(map)
            }
        }
    }
}

/// The JSON value of an unquoted scalar (YAML 1.2 core schema).
pub fn plain_scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let number_like = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    if number_like {
        if let Ok(n) = text.parse::<i64>() {
            return Value::Number(n.into());
        }
        if text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'))
            && let Some(n) = text.parse::<f64>().ok().and_then(Number::from_f64)
        {
            return Value::Number(n);
        }
    }
    Value::String(text.to_owned())
}

/// Reads all documents of a YAML (or JSON) text.
///
/// # Errors
/// The first syntax error with its place, or the cap that was passed.
pub fn parse(text: &str) -> Result<Vec<Node>, Error> {
    let mut loader = Loader { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    let mut documents = Vec::new();
    loop {
        let (event, span) = loader.next()?;
        match event {
            Event::StreamEnd => return Ok(documents),
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => documents.push(loader.node(event, span, 0)?),
        }
    }
}

struct Loader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

impl<'a> Loader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Error> {
        match self.parser.next_event() {
            Some(Ok(pair)) => Ok(pair),
            Some(Err(e)) => Err(Error {
                line: e.marker().line() as u32,
                column: e.marker().col() as u32 + 1,
                message: e.info().to_owned(),
            }),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Error> {
        let (line, column) = (span.start.line() as u32, span.start.col() as u32 + 1);
        let fail = |message: String| Error { line, column, message };
        if depth > MAX_DEPTH {
            return Err(fail(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let before = self.nodes;
        self.count(1).map_err(|m| fail(m.to_owned()))?;
        let (data, anchor, tag) = match event {
            Event::Alias(id) => {
                let (node, size) = self.anchors.get(&id).cloned().ok_or_else(|| fail("alias to itself".to_owned()))?;
                self.count(size).map_err(|m| fail(m.to_owned()))?;
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, tag) => {
                // Long text counts as several nodes, or a few hundred aliases of it would fill the memory, too.
                self.count(text.len() / BYTES_A_NODE).map_err(|m| fail(m.to_owned()))?;
                let plain = style == ScalarStyle::Plain && !is_core(tag.as_deref(), "str");
                (Data::Scalar { text: text.into_owned(), plain }, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                (Data::Seq(items), anchor, tag)
            }
            Event::MappingStart(anchor, tag) => {
                let mut entries = Vec::new();
                loop {
                    let key = match self.next()? {
                        (Event::MappingEnd, _) => break,
                        (event, span) => self.node(event, span, depth + 1)?,
                    };
                    let (event, span) = self.next()?;
                    entries.push((key, self.node(event, span, depth + 1)?));
                }
                (Data::Map(entries), anchor, tag)
            }
            _ => return Err(fail("unexpected end of the document".to_owned())),
        };
        let node = Node { line, column, tag: local_tag(tag), data };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - before));
        }
        Ok(node)
    }

    fn count(&mut self, more: usize) -> Result<(), &'static str> {
        self.nodes += more;
        if self.nodes > MAX_NODES { Err("expands to more than 1,000,000 nodes") } else { Ok(()) }
    }
}

fn is_core(tag: Option<&Tag>, suffix: &str) -> bool {
    tag.is_some_and(|t| t.is_yaml_core_schema() && t.suffix == suffix)
}

fn local_tag(tag: Option<Cow<'_, Tag>>) -> Option<String> {
    let tag = tag?;
    if tag.is_yaml_core_schema() { None } else { Some(format!("!{}", tag.suffix)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_tags_places_and_types() {
        let docs = parse("a: !Ref X\nb: [1, '1', true, ~]\nc: &k {d: 1.5}\ne: *k\n").expect("parses");
        assert_eq!(docs[0].get("a").and_then(|n| n.tag.as_deref()), Some("!Ref"));
        assert_eq!(docs[0].get("b").map(|n| (n.line, n.column)), Some((2, 4)));
        assert_eq!(docs[0].to_json(), json!({"a": "X", "b": [1, "1", true, null], "c": {"d": 1.5}, "e": {"d": 1.5}}));
    }

    #[test]
    fn caps_alias_bombs_and_depth() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..10 {
            let p = i - 1;
            bomb += &format!("a{i}: &a{i} [*a{p},*a{p},*a{p},*a{p},*a{p},*a{p},*a{p},*a{p},*a{p},*a{p}]\n");
        }
        assert!(parse(&bomb).is_err());
        let aliases = "*a,".repeat(100_000);
        assert!(parse(&format!("a: &a '{}'\nb: [{aliases}]\n", "x".repeat(10_000))).is_err());
        assert!(parse(&"[".repeat(1000)).is_err());
    }
}
