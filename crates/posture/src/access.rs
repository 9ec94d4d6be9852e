//! Facts of who may do what to what. That is no affair of this crate: whoever runs the rules hands in what derives them.

use crate::known::{Known, Reason, missing};
use crate::world::Fact;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::{
    cell::OnceCell,
    collections::{BTreeSet, HashMap},
    rc::Rc,
};
use yagura_model::{ACCOUNT_TYPE, Gap, Inventory};

/// A fact that is derived outside this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessFact {
    /// Somebody outside the zone of trust has access.
    Outside,
    /// A person named the resource as one that few may reach.
    Critical,
    /// Somebody inside reaches a critical resource who is not expected to.
    Unexpected,
    /// A principal can make itself an administrator.
    Escalates,
    /// A principal may do what it didn't do for long.
    Unused,
}

impl AccessFact {
    pub const ALL: [AccessFact; 5] =
        [AccessFact::Outside, AccessFact::Critical, AccessFact::Unexpected, AccessFact::Escalates, AccessFact::Unused];

    /// As a rule names it below `derived`.
    pub fn name(self) -> &'static str {
        match self {
            AccessFact::Outside => "outside_access",
            AccessFact::Critical => "critical",
            AccessFact::Unexpected => "unexpected_access",
            AccessFact::Escalates => "escalates",
            AccessFact::Unused => "unused_access",
        }
    }

    pub(crate) fn of(name: &str) -> Option<AccessFact> {
        AccessFact::ALL.into_iter().find(|fact| fact.name() == name)
    }

    /// Whether resources of a type can have it.
    pub(crate) fn is_of(self, kind: &str) -> bool {
        match self {
            AccessFact::Escalates | AccessFact::Unused => matches!(kind, "AWS::IAM::User" | "AWS::IAM::Role"),
            AccessFact::Outside | AccessFact::Critical | AccessFact::Unexpected => true,
        }
    }

    /// Whether it is about what else an account holds, of which a template doesn't tell.
    pub(crate) fn is_live(self) -> bool {
        matches!(self, AccessFact::Unexpected | AccessFact::Escalates | AccessFact::Unused)
    }

    /// The types of other resources that it looks at.
    pub fn looks_at(self) -> Vec<&'static str> {
        match self {
            AccessFact::Critical => Vec::new(),
            AccessFact::Outside => ORGANIZATION.to_vec(),
            AccessFact::Unexpected | AccessFact::Unused => [&ORGANIZATION[..], &PRINCIPALS].concat(),
            AccessFact::Escalates => [&ORGANIZATION[..], &PRINCIPALS, &[FUNCTION]].concat(),
        }
    }
}

/// What tells of an organization.
const ORGANIZATION: [&str; 4] = [
    ACCOUNT_TYPE,
    "AWS::Organizations::Account",
    "AWS::Organizations::OrganizationalUnit",
    "AWS::Organizations::Policy",
];

/// What tells of principals.
pub const PRINCIPALS: [&str; 5] =
    ["AWS::IAM::User", "AWS::IAM::Role", "AWS::IAM::Group", "AWS::IAM::ManagedPolicy", "AWS::::ManagedPolicy"];

/// What a principal could use to become another, by changing what it runs.
pub const FUNCTION: &str = "AWS::Lambda::Function";

/// What was derived: whether it holds (`None`: it is not known, and `missing` says why), and the evidence for it, paths and
/// values.
#[derive(Clone, Debug, Default)]
pub struct Derived {
    pub truth: Option<bool>,
    pub missing: Vec<String>,
    pub because: Vec<(String, Value)>,
}

/// What facts are derived from.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    pub inventory: &'a Inventory,
    pub now: DateTime<Utc>,
    /// What a fixture says that a person would configure.
    pub settings: Option<&'a Value>,
}

/// Derives a fact of resources, by their place in the inventory.
pub type Derive<'a> = Box<dyn Fn(AccessFact) -> HashMap<usize, Derived> + 'a>;

/// What derives facts from an inventory.
pub type Deriver = dyn for<'a> Fn(Evidence<'a>) -> Derive<'a> + Send + Sync;

/// The facts of an inventory, each derived when something first asks for it.
pub(crate) struct Access<'a> {
    evidence: Evidence<'a>,
    deriver: Option<&'a Deriver>,
    derive: OnceCell<Option<Derive<'a>>>,
    facts: [OnceCell<HashMap<usize, Fact>>; AccessFact::ALL.len()],
    /// What is said of a resource of which nothing was derived.
    underived: [Fact; AccessFact::ALL.len()],
}

impl<'a> Access<'a> {
    pub(crate) fn new(evidence: Evidence<'a>, deriver: Option<&'a Deriver>) -> Access<'a> {
        let nothing = |fact: AccessFact| Fact { truth: Known::Unknown(missing(fact.name())), because: Vec::new() };
        let underived = AccessFact::ALL.map(nothing);
        Access { evidence, deriver, derive: OnceCell::new(), facts: Default::default(), underived }
    }

    pub(crate) fn fact(&self, fact: AccessFact, thing: usize) -> &Fact {
        let derive = self.derive.get_or_init(|| self.deriver.map(|deriver| deriver(self.evidence)));
        let all = || derive.as_ref().map(|derive| derive(fact)).unwrap_or_default();
        let known = self.facts[fact as usize].get_or_init(|| {
            let read = |(thing, derived)| (thing, read(self.seen(fact, thing, derived)));
            all().into_iter().map(read).collect()
        });
        known.get(&thing).unwrap_or(&self.underived[fact as usize])
    }

    /// Nothing found is nothing only where all principals were listed. What else was not (an organization, functions) bears
    /// on some of them only, and whoever derives the fact tells of that.
    fn seen(&self, fact: AccessFact, thing: usize, derived: Derived) -> Derived {
        if derived.truth != Some(false) || !fact.is_live() {
            return derived;
        }
        let Evidence { inventory, .. } = self.evidence;
        let account = inventory.resources.get(thing).and_then(|resource| resource.account.as_deref());
        let bears = |gap: &&Gap| {
            // Principals of another account may reach a resource as well.
            PRINCIPALS.contains(&gap.kind.as_str()) && (fact == AccessFact::Unexpected || gap.bears_on(account))
        };
        let missing: BTreeSet<&str> = inventory.gaps.iter().filter(bears).map(|gap| gap.action.as_str()).collect();
        match missing.is_empty() {
            true => derived,
            false => Derived { truth: None, missing: missing.into_iter().map(str::to_owned).collect(), ..derived },
        }
    }
}

fn read(derived: Derived) -> Fact {
    let truth = match derived.truth {
        Some(truth) => Known::of(truth),
        None => Known::Unknown(Rc::new(derived.missing.into_iter().map(Reason::Missing).collect())),
    };
    Fact { truth, because: derived.because }
}
