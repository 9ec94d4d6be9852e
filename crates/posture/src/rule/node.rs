use regex::Regex;

/// A variable that every rule has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    Resource,
    Observed,
    Derived,
    Tags,
    Id,
    Arn,
    Account,
    Region,
}

impl Root {
    pub const ALL: [Root; 8] =
        [Root::Resource, Root::Observed, Root::Derived, Root::Tags, Root::Id, Root::Arn, Root::Account, Root::Region];

    pub fn name(self) -> &'static str {
        match self {
            Root::Resource => "resource",
            Root::Observed => "observed",
            Root::Derived => "derived",
            Root::Tags => "tags",
            Root::Id => "id",
            Root::Arn => "arn",
            Root::Account => "account",
            Root::Region => "region",
        }
    }

    pub fn of(name: &str) -> Option<Root> {
        Root::ALL.into_iter().find(|root| root.name() == name)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    All,
    Exists,
    ExistsOne,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Functions that take plain values; `related` and a `matches` with a fixed pattern are nodes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Size,
    StartsWith,
    EndsWith,
    Contains,
    Matches,
    Lower,
    Glob,
    DaysSince,
    IsWorld,
    WorldOpen,
    WorldOpenV4,
    WorldOpenV6,
    Statements,
    PolicyPublic,
    String,
    Int,
    Double,
    /// Gives up with a reason: what the evidence doesn't tell must be neither PASS nor FAIL.
    Unknown,
}

/// Where a chain of properties begins.
#[derive(Clone, Copy, Debug)]
pub enum Base {
    Root(Root),
    /// A comprehension's variable, by its depth.
    Local(usize),
}

/// A compiled expression.
#[derive(Debug)]
pub enum Node {
    Literal(Literal),
    List(Vec<Node>),
    /// An object that is written out.
    Object(Vec<(Box<str>, Node)>),
    /// `resource.A.B`, in one step.
    Path {
        base: Base,
        names: Box<[Box<str>]>,
    },
    Select {
        of: Box<Node>,
        names: Box<[Box<str>]>,
    },
    Index {
        of: Box<Node>,
        index: Box<Node>,
    },
    Has(Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    If {
        condition: Box<Node>,
        then: Box<Node>,
        otherwise: Box<Node>,
    },
    Equal {
        left: Box<Node>,
        right: Box<Node>,
        negated: bool,
    },
    Compare {
        op: Compare,
        left: Box<Node>,
        right: Box<Node>,
    },
    Arithmetic {
        op: Arithmetic,
        left: Box<Node>,
        right: Box<Node>,
    },
    In {
        item: Box<Node>,
        list: Box<Node>,
    },
    Quantify {
        kind: Quantifier,
        range: Box<Node>,
        body: Box<Node>,
        join: Option<Join>,
    },
    Collect {
        range: Box<Node>,
        filter: Option<Box<Node>>,
        map: Option<Box<Node>>,
        join: Option<Join>,
    },
    Related {
        kind: Box<str>,
        here: bool,
    },
    Matches {
        text: Box<Node>,
        pattern: Box<Regex>,
    },
    Call {
        function: Function,
        args: Vec<Node>,
    },
}

/// What makes `related(T).exists(v, v.PATH == KEY && …)` a look-up instead of a loop over all resources of `T`: only
/// those whose value at `path` equals `key`, or isn't known, can make the body true.
#[derive(Debug)]
pub struct Join {
    pub path: Box<[Box<str>]>,
    pub key: Box<Node>,
}
