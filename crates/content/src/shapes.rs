//! What properties each CloudFormation resource type has and of which type they are, so that a misspelt path in a rule
//! is named at load and a template's `"true"` becomes `true`. Read from the table that `xtask/gen/cfn_shapes.py` writes;
//! a type is parsed when it is first asked for, since one run touches few of the 1,800.

use flate2::read::GzDecoder;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
    sync::OnceLock,
};

static PACKED: &[u8] = include_bytes!("../shapes/cfn-shapes.txt.gz");

/// What a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShapeKind {
    String,
    Integer,
    Number,
    Boolean,
    Array,
    Object,
    /// The schema doesn't say (policy documents, free JSON).
    Any,
}

/// One place in a type's property tree: the properties as a whole, or anything below.
#[derive(Clone, Copy)]
pub struct Shape {
    tree: &'static Tree,
    node: &'static Node,
}

struct Tree {
    root: Node,
    named: BTreeMap<String, Node>,
}

enum Node {
    Scalar(ShapeKind),
    Array(Box<Node>),
    /// The name `*` stands for any other name.
    Object(BTreeMap<String, Node>),
    Named(String),
}

/// The properties of a resource type, `AWS::S3::Bucket`; `None` for a type that CloudFormation doesn't have.
pub fn of(kind: &str) -> Option<Shape> {
    let tree = types().get(kind)?.tree();
    Some(Shape::at(tree, &tree.root))
}

impl Shape {
    pub fn kind(self) -> ShapeKind {
        match self.node {
            Node::Scalar(kind) => *kind,
            Node::Array(_) => ShapeKind::Array,
            Node::Object(_) => ShapeKind::Object,
            Node::Named(_) => ShapeKind::Any,
        }
    }

    /// The property `name` of an object; an object that takes any name has it, too.
    pub fn child(self, name: &str) -> Option<Shape> {
        match self.node {
            Node::Object(children) => children.get(name).or_else(|| children.get("*")).map(|n| Shape::at(self.tree, n)),
            _ => None,
        }
    }

    /// What the elements of an array are.
    pub fn element(self) -> Option<Shape> {
        match self.node {
            Node::Array(element) => Some(Shape::at(self.tree, element)),
            _ => None,
        }
    }

    /// The names that an object has, sorted; empty for anything else.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let children = match self.node {
            Node::Object(children) => Some(children),
            _ => None,
        };
        children.into_iter().flat_map(BTreeMap::keys).map(String::as_str).filter(|n| *n != "*")
    }

    fn at(tree: &'static Tree, mut node: &'static Node) -> Shape {
        while let Node::Named(name) = node {
            match tree.named.get(name) {
                Some(target) => node = target,
                None => break,
            }
        }
        Shape { tree, node }
    }
}

struct Type {
    text: String,
    tree: OnceLock<Tree>,
}

impl Type {
    fn tree(&self) -> &Tree {
        self.tree.get_or_init(|| {
            let value: Value = serde_json::from_str(&self.text).unwrap_or_default();
            let named = value.get("d").and_then(Value::as_object).into_iter().flatten();
            Tree {
                root: Node::read(value.get("p").unwrap_or(&Value::Null)),
                named: named.map(|(name, node)| (name.clone(), Node::read(node))).collect(),
            }
        })
    }
}

impl Node {
    fn read(value: &Value) -> Node {
        match value {
            Value::Array(items) => Node::Array(Box::new(Node::read(items.first().unwrap_or(&Value::Null)))),
            Value::Object(map) => Node::Object(map.iter().map(|(k, v)| (k.clone(), Node::read(v))).collect()),
            Value::String(code) => match code.as_str() {
                "s" => Node::Scalar(ShapeKind::String),
                "i" => Node::Scalar(ShapeKind::Integer),
                "n" => Node::Scalar(ShapeKind::Number),
                "b" => Node::Scalar(ShapeKind::Boolean),
                code => match code.strip_prefix('#') {
                    Some(name) => Node::Named(name.to_owned()),
                    None => Node::Scalar(ShapeKind::Any),
                },
            },
            _ => Node::Scalar(ShapeKind::Any),
        }
    }
}

/// The table by type. It is part of the binary, so a table that can't be read is one that the test below rejects.
fn types() -> &'static HashMap<String, Type> {
    static TYPES: OnceLock<HashMap<String, Type>> = OnceLock::new();
    TYPES.get_or_init(|| {
        let mut text = String::new();
        if GzDecoder::new(PACKED).read_to_string(&mut text).is_err() {
            return HashMap::new();
        }
        text.lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(kind, tree)| (kind.to_owned(), Type { text: tree.to_owned(), tree: OnceLock::new() }))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_table_reads() {
        assert!(types().len() > 1500, "{} types", types().len());
        for (kind, entry) in types() {
            assert!(serde_json::from_str::<Value>(&entry.text).is_ok(), "{kind}");
            assert!(matches!(entry.tree().root, Node::Object(_)), "{kind}");
        }
    }

    #[test]
    fn knows_names_kinds_and_elements() {
        let bucket = of("AWS::S3::Bucket").expect("known");
        let flag = bucket.child("PublicAccessBlockConfiguration").and_then(|b| b.child("BlockPublicAcls"));
        assert_eq!(flag.map(Shape::kind), Some(ShapeKind::Boolean));
        assert!(bucket.child("Bukcet").is_none());
        let ingress = of("AWS::EC2::SecurityGroup").and_then(|s| s.child("SecurityGroupIngress")).expect("known");
        assert_eq!(ingress.kind(), ShapeKind::Array);
        let port = ingress.element().and_then(|e| e.child("FromPort"));
        assert_eq!(port.map(Shape::kind), Some(ShapeKind::Integer));
        let role = of("AWS::IAM::Role").and_then(|r| r.child("AssumeRolePolicyDocument"));
        assert_eq!(role.map(Shape::kind), Some(ShapeKind::Any));
        assert!(of("AWS::EC2::Snapshot").is_none());
    }

    #[test]
    fn follows_a_type_that_contains_itself() {
        let mut statement =
            of("AWS::WAFv2::RuleGroup").and_then(|r| r.child("Rules")?.element()?.child("Statement")).expect("known");
        for _ in 0..5 {
            statement = statement.child("NotStatement").and_then(|s| s.child("Statement")).expect("nested");
        }
        assert!(statement.names().any(|n| n == "GeoMatchStatement"));
    }

    #[test]
    fn takes_any_name_where_the_schema_does() {
        let variables = of("AWS::Lambda::Function").and_then(|f| f.child("Environment")?.child("Variables"));
        assert!(variables.and_then(|v| v.child("ANYTHING")).is_some());
    }
}
