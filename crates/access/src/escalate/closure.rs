//! Everybody's shortest path to an administrator, and what of it a change of policies touches.
//!
//! A path is kept as its first step. After a change, who takes a step that rests on something changed, or whose path goes
//! over such a one, is asked anew; whoever has a path still can only have got a shorter one, and only over those. How many steps
//! a path has is as if all were asked anew; which ones of equally many may differ.

use super::edge::{Edge, Edges, View};
use super::{Escalation, Gives, Method, Path};
use crate::estate::{Change, Changed, Estate};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// So many pairs of who could become whom are asked at most about what is not known.
const MOST_PAIRS: usize = 30_000;

/// Who becomes an administrator, and how.
#[derive(Default)]
pub struct Closure {
    taken: BTreeMap<String, Taken>,
    usable: HashMap<String, Vec<usize>>,
    /// Principals that have policies which could not be read, each with the resource that was asked about.
    unread: BTreeSet<(String, String)>,
}

/// The first step of a path.
struct Taken {
    /// How many steps the path has.
    rank: usize,
    /// `None`: it is an administrator.
    edge: Option<Edge>,
}

impl Closure {
    pub fn of(estate: &Estate, methods: &[Method]) -> Closure {
        Closure::anew(estate, methods, View::Plain)
    }

    /// [`Closure::of`] by ways that assume nothing which neither policies nor what is observed tell. They may be longer than
    /// others. What a condition asks of the request, whoever makes it can meet.
    pub fn sure(estate: &Estate, methods: &[Method]) -> Closure {
        Closure::anew(estate, methods, View::Sure)
    }

    fn anew(estate: &Estate, methods: &[Method], view: View) -> Closure {
        let identities = estate.principals().map(str::to_owned).collect();
        Closure::default().follow(estate, methods, &Changed { identities, ..Changed::default() }, view)
    }

    /// Who may be an administrator, or become one, if what could not be read or decided allows it; of each principal what
    /// that is. Those who are or do anyway are left out.
    pub fn hidden(&self, estate: &Estate, methods: &[Method]) -> BTreeMap<String, BTreeSet<String>> {
        if self.unread.is_empty() {
            return BTreeMap::new();
        }
        let free = || estate.principals().filter(|name| !self.taken.contains_key(*name));
        let (unread, others): (Vec<&str>, Vec<&str>) = free().partition(|name| !estate.unread_of(name).is_empty());
        if unread.len() * others.len() > MOST_PAIRS {
            return self.roughly_hidden(estate, methods, &unread, &others);
        }
        let possible = Closure::anew(estate, methods, View::Lenient);
        let names = |path: &Path| {
            let mut names: BTreeSet<String> =
                path.steps.iter().flat_map(|step| &step.grounds).flat_map(|g| g.unread.iter().cloned()).collect();
            let end = path.steps.iter().rev().find_map(|step| step.to.as_deref()).unwrap_or(&path.principal);
            if self.rank(end) != Some(0) {
                names.extend(estate.unread_of(end).into_iter().map(str::to_owned));
            }
            if names.is_empty() {
                names.insert(format!("{end} (policies)"));
            }
            names
        };
        let hidden = possible.taken.keys().filter(|name| !self.taken.contains_key(*name));
        hidden.filter_map(|name| Some((name.clone(), names(&possible.path(name)?)))).collect()
    }

    /// [`Closure::hidden`] where so many policies could not be read that it would take too long to ask each pair: everybody is
    /// named whose own policies, or whom a role's policies, could allow some method.
    fn roughly_hidden(
        &self,
        estate: &Estate,
        methods: &[Method],
        unread: &[&str],
        others: &[&str],
    ) -> BTreeMap<String, BTreeSet<String>> {
        let trusted = estate.named_by(unread);
        let could = |name: &&str| {
            let Some(identity) = estate.identities.get(*name) else { return false };
            let may = |method: &Method| method.needs.iter().all(|need| need.actions.iter().any(|a| identity.may(a)));
            trusted.contains(*name) || self.usable(name, methods).any(|m| m.gives != Gives::Data && may(m))
        };
        let many = format!("policies of {} users and roles", unread.len());
        let own = unread.iter().map(|name| {
            let names = estate.unread_of(name).into_iter().map(str::to_owned).collect();
            ((*name).to_owned(), names)
        });
        let of_others = others.iter().filter(|name| could(name));
        own.chain(of_others.map(|name| ((*name).to_owned(), [many.clone()].into()))).collect()
    }

    /// The closure of an estate that differs from the one before by `changed`.
    pub fn after(&self, estate: &Estate, methods: &[Method], changed: &Changed) -> Closure {
        self.follow(estate, methods, changed, View::Plain)
    }

    fn follow<'e>(&self, estate: &'e Estate, methods: &[Method], changed: &Changed, view: View) -> Closure {
        let mut edges = Edges::new(estate, methods, view);
        let kept = self.kept(estate, changed);
        let touched: BTreeSet<&str> = changed.all().collect();
        edges.usable.clone_from(&self.usable);
        edges.usable.retain(|name, _| !changed.identities.contains(name));
        let stands = |(principal, resource): &&(String, String)| {
            !changed.identities.contains(principal) && !touched.contains(resource.as_str())
        };
        edges.unread = self.unread.iter().filter(stands).cloned().collect();
        let mut taken: BTreeMap<&str, Taken> = BTreeMap::new();
        let mut frontier: Vec<&'e str> = Vec::new();
        for principal in estate.principals() {
            let is_admin = match changed.identities.contains(principal) {
                true => edges.is_admin(principal, Change::Nothing),
                false => self.rank(principal) == Some(0),
            };
            if is_admin {
                taken.insert(principal, Taken { rank: 0, edge: None });
                frontier.push(principal);
            }
        }
        let mut rank = 0;
        while rank == 0 || !frontier.is_empty() {
            rank += 1;
            // To whom a way may be open now that was not before: later, or not at all, or not by their trust.
            let moved = |target: &&str| self.rank(target) != Some(rank - 1) || touched.contains(target);
            let identity = |target: &&'e str| Some((*target, estate.identities.get(*target)?));
            let moved: Vec<_> = frontier.iter().filter(|target| moved(target)).filter_map(identity).collect();
            let targets: Vec<_> = frontier.iter().filter_map(identity).collect();
            let mut reached = Vec::new();
            for principal in estate.principals().filter(|p| !taken.contains_key(p)) {
                let was = self.taken.get(principal);
                let found = if changed.identities.contains(principal) || (was.is_some() && !kept.contains(principal)) {
                    let alone = if rank == 1 { edges.alone(principal, None) } else { None };
                    alone.or_else(|| edges.over(principal, &targets))
                } else if let Some(Taken { rank: then, edge: Some(edge) }) = was
                    && *then == rank
                {
                    Some(edge.clone())
                } else {
                    let widened = rank == 1 && !touched.is_empty();
                    let alone = if widened { edges.alone(principal, Some(&touched)) } else { None };
                    alone.or_else(|| if moved.is_empty() { None } else { edges.over(principal, &moved) })
                };
                reached.extend(found.map(|edge| (principal, edge)));
            }
            frontier = reached.iter().map(|(principal, _)| *principal).collect();
            taken.extend(reached.into_iter().map(|(principal, edge)| (principal, Taken { rank, edge: Some(edge) })));
        }
        Closure {
            taken: taken.into_iter().map(|(name, taken)| (name.to_owned(), taken)).collect(),
            usable: edges.usable,
            unread: edges.unread,
        }
    }

    /// Whose paths no change touches: their first step rests on nothing changed and leads to one whose path is kept.
    fn kept(&self, estate: &Estate, changed: &Changed) -> BTreeSet<&str> {
        let mut by_rank: Vec<(&str, &Taken)> = self.taken.iter().map(|(name, taken)| (name.as_str(), taken)).collect();
        by_rank.sort_by_key(|(_, taken)| taken.rank);
        let mut kept = BTreeSet::new();
        for (name, taken) in by_rank {
            let rests = |via: &str| !changed.identities.contains(via) && !changed.guarded.contains(via);
            let holds = !changed.identities.contains(name)
                && estate.identities.contains_key(name)
                && taken.edge.as_ref().is_none_or(|edge| {
                    edge.via.as_deref().is_none_or(|via| rests(via) && estate.identities.contains_key(via))
                        && edge.step.to.as_deref().is_none_or(|to| kept.contains(to))
                });
            if holds {
                kept.insert(name);
            }
        }
        kept
    }

    /// How many steps a principal is from an administrator; `None`: it never becomes one.
    pub fn rank(&self, principal: &str) -> Option<usize> {
        self.taken.get(principal).map(|taken| taken.rank)
    }

    /// Whether what a principal may do could take over a thing of this type, had the estate one: as `AWS::Lambda::Function`.
    pub fn wants(&self, principal: &str, methods: &[Method], host: &str) -> bool {
        self.usable(principal, methods).any(|method| method.host.as_deref() == Some(host))
    }

    /// The methods that a principal's own policies could allow.
    fn usable<'m>(&self, principal: &str, methods: &'m [Method]) -> impl Iterator<Item = &'m Method> {
        self.usable.get(principal).into_iter().flatten().filter_map(|i| methods.get(*i))
    }

    /// How a principal becomes an administrator; `None`: it never does.
    pub fn path(&self, principal: &str) -> Option<Path> {
        let mut steps = Vec::new();
        let mut taken = self.taken.get(principal)?;
        while let Some(edge) = &taken.edge {
            steps.push(edge.step.clone());
            match edge.step.to.as_ref().and_then(|to| self.taken.get(to)) {
                Some(next) => taken = next,
                None => break,
            }
        }
        Some(Path { principal: principal.to_owned(), steps })
    }

    /// All paths, the shortest first.
    pub fn escalation(&self) -> Escalation {
        let mut order: Vec<(usize, &str)> =
            self.taken.iter().map(|(name, taken)| (taken.rank, name.as_str())).collect();
        order.sort_unstable();
        Escalation { paths: order.into_iter().filter_map(|(_, name)| self.path(name)).collect() }
    }
}
