use std::{collections::BTreeSet, rc::Rc};

/// Why something can't be said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// What is missing: an IAM action, a template parameter, `known after apply`.
    Missing(String),
    /// What the rule could not do with the values it found, in both languages.
    Failed { en: String, ja: String },
}

/// All reasons why something can't be said, each once, in order.
pub type Reasons = Rc<BTreeSet<Reason>>;

/// A truth that may be unknown; Kleene's strong logic, which is CEL's for unknown operands.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    Yes,
    No,
    Unknown(Reasons),
}

pub fn missing(reason: &str) -> Reasons {
    Rc::new(BTreeSet::from([Reason::Missing(reason.to_owned())]))
}

pub fn failed(en: impl Into<String>, ja: impl Into<String>) -> Reasons {
    Rc::new(BTreeSet::from([Reason::Failed { en: en.into(), ja: ja.into() }]))
}

pub fn merge(a: &Reasons, b: &Reasons) -> Reasons {
    if a == b {
        return Rc::clone(a);
    }
    Rc::new(a.union(b).cloned().collect())
}

impl Known {
    pub fn of(truth: bool) -> Known {
        if truth { Known::Yes } else { Known::No }
    }

    pub fn or(self, other: Known) -> Known {
        match (self, other) {
            (Known::Yes, _) | (_, Known::Yes) => Known::Yes,
            (Known::No, other) => other,
            (known, Known::No) => known,
            (Known::Unknown(a), Known::Unknown(b)) => Known::Unknown(merge(&a, &b)),
        }
    }

    pub fn and(self, other: Known) -> Known {
        match (self, other) {
            (Known::No, _) | (_, Known::No) => Known::No,
            (Known::Yes, other) => other,
            (known, Known::Yes) => known,
            (Known::Unknown(a), Known::Unknown(b)) => Known::Unknown(merge(&a, &b)),
        }
    }

    pub fn negate(self) -> Known {
        match self {
            Known::Yes => Known::No,
            Known::No => Known::Yes,
            unknown => unknown,
        }
    }

    pub fn is_yes(&self) -> bool {
        matches!(self, Known::Yes)
    }
}
