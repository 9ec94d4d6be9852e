//! With which member of a record a path begins, remembered for records of the same shape.
//!
//! A record's shape is the names of its top-level members in their order. A log has few of them, so instead of looking
//! through all names for each path, the names are compared once with those of a record seen before. What is remembered
//! follows from the names alone, and they are compared as a whole: no record can be made to look like another.

use yagura_logs::{
    Record,
    json::{self, Member},
};

/// Shapes that are remembered; made-up ones past that are looked through.
const REMEMBERED: usize = 32;

/// Where a path begins in records of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// No member's name begins the path.
    Nowhere,
    /// The member at this place does, with a name of this length. Of two with one name it is the last.
    At(u32, u32),
    /// Several members do, since names may hold dots.
    Several,
}

#[derive(Clone, Debug)]
struct Shape {
    /// All names, one after the other, and where each ends.
    names: Vec<u8>,
    ends: Vec<u32>,
    /// For each path.
    starts: Vec<Start>,
    /// The members that say who acted.
    actor: Vec<u32>,
}

/// The shapes seen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shapes {
    known: Vec<Shape>,
    /// The shape of the record at hand.
    current: Option<usize>,
    /// The members that say who acted, where the shape is not known.
    actor: Vec<u32>,
}

/// The members from which a detection's principal, account, address and Region are read, and whether a service acts.
const ACTOR: [&[u8]; 5] = [b"userIdentity", b"recipientAccountId", b"sourceIPAddress", b"awsRegion", b"eventType"];

impl Shapes {
    /// Recalls the shape of a record.
    pub(crate) fn recall(&mut self, record: &Record<'_>, paths: &[String]) {
        let (raw, members) = (record.raw(), record.layout());
        let is = |shape: &Shape| shape.is_of(raw, members);
        if self.current.is_some_and(|at| is(&self.known[at])) {
            return;
        }
        self.current = self.known.iter().position(is);
        if self.current.is_none() && self.known.len() < REMEMBERED && members.iter().all(|m| !m.escaped) {
            self.known.push(Shape::new(raw, members, paths));
            self.current = Some(self.known.len() - 1);
        }
        if self.current.is_none() {
            self.actor = actor(raw, members);
        }
    }

    /// The places of the members that say who acted, in their order.
    pub(crate) fn actor(&self) -> &[u32] {
        self.current.map_or(&self.actor, |at| &self.known[at].actor)
    }

    /// Where a path begins; `None` if the shape is not known.
    pub(crate) fn start(&self, path: u32) -> Option<Start> {
        Some(self.known[self.current?].starts[path as usize])
    }
}

fn name<'a>(raw: &'a [u8], member: &Member) -> &'a [u8] {
    &raw[member.key.0 as usize..member.key.1 as usize]
}

fn actor(raw: &[u8], members: &[Member]) -> Vec<u32> {
    let says = |member: &Member| {
        let name = name(raw, member);
        if member.escaped {
            let quoted = &raw[member.key.0 as usize - 1..member.key.1 as usize + 1];
            return json::text(quoted).is_some_and(|name| ACTOR.contains(&name.as_bytes()));
        }
        ACTOR.contains(&name)
    };
    (0u32..).zip(members).filter(|(_, member)| says(member)).map(|(at, _)| at).collect()
}

impl Shape {
    fn new(raw: &[u8], members: &[Member], paths: &[String]) -> Shape {
        let (mut names, mut ends) = (Vec::new(), Vec::new());
        for member in members {
            names.extend_from_slice(name(raw, member));
            ends.push(names.len() as u32);
        }
        let start = |path: &String| {
            let path = path.as_bytes();
            let begins =
                |name: &[u8]| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."));
            let mut found = Start::Nowhere;
            for (at, member) in members.iter().enumerate() {
                let name = name(raw, member);
                if begins(name) {
                    let length = name.len() as u32;
                    found = match found {
                        Start::Several => Start::Several,
                        Start::At(_, other) if other != length => Start::Several,
                        Start::Nowhere | Start::At(..) => Start::At(at as u32, length),
                    };
                }
            }
            found
        };
        Shape { names, ends, starts: paths.iter().map(start).collect(), actor: actor(raw, members) }
    }

    fn is_of(&self, raw: &[u8], members: &[Member]) -> bool {
        let mut from = 0;
        members.len() == self.ends.len()
            && members.iter().zip(&self.ends).all(|(member, to)| {
                let same = !member.escaped && name(raw, member) == &self.names[from..*to as usize];
                from = *to as usize;
                same
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yagura_logs::Layout;

    #[test]
    fn the_last_of_two_holds_and_dots_are_told_apart() {
        let paths = ["a", "a.b", "a.b.c", "x"].map(str::to_owned);
        let mut shapes = Shapes::default();
        let mut starts = |raw: &str| {
            let mut layout = Layout::default();
            let record = Record::scan(raw.as_bytes(), &mut layout).expect("json");
            shapes.recall(&record, &paths);
            (0..4).map(|path| shapes.start(path)).collect::<Vec<_>>()
        };
        let at = |at, length| Some(Start::At(at, length));
        for _ in 0..2 {
            assert_eq!(starts(r#"{"a":1,"y":2}"#), [at(0, 1), at(0, 1), at(0, 1), Some(Start::Nowhere)]);
            assert_eq!(starts(r#"{"a":1,"a":2}"#), [at(1, 1), at(1, 1), at(1, 1), Some(Start::Nowhere)]);
            let several = Some(Start::Several);
            assert_eq!(starts(r#"{"a":1,"a.b":2}"#), [at(0, 1), several, several, Some(Start::Nowhere)]);
            assert_eq!(starts(r#"{"\u0061":1}"#), [None; 4]);
        }
        for n in 0..100 {
            starts(&format!(r#"{{"made{n}":1}}"#));
        }
        assert_eq!(shapes.known.len(), REMEMBERED);
    }
}
