//! Proves that nothing is to be found where an axis is too tangled to be walked: there each statement may match or not,
//! whatever the others do. Real requests are among these, so if none of these serves, no real one does.

use crate::bits::Bits;
use crate::policy::Statement;
use crate::scene::{Choice, Scene};
use crate::search::Axis;

/// Statements that can each go either way, at most.
const MAX_SWITCHES: usize = 9;

/// Every way in which statements could match on an axis; those that are `alike` on it do together. `None` if there are
/// too many.
fn ways(scene: &Scene<'_>, among: &[usize], alike: &dyn Fn(&Statement, &Statement) -> bool) -> Option<Vec<Bits>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for i in among {
        let same = |group: &&mut Vec<usize>| alike(scene.statements[group[0]], scene.statements[*i]);
        match groups.iter_mut().find(same) {
            Some(group) => group.push(*i),
            None => groups.push(vec![*i]),
        }
    }
    if groups.len() > MAX_SWITCHES {
        return None;
    }
    let way = |chosen: usize| {
        let mut bits = Bits::new(scene.statements.len());
        let on = groups.iter().enumerate().filter(|(g, _)| chosen & (1 << g) != 0);
        on.flat_map(|(_, group)| group).for_each(|i| bits.set(*i));
        bits
    };
    Some((0..1usize << groups.len()).map(way).collect())
}

/// A key's axis if nothing is known of its values.
pub fn key(scene: &Scene<'_>, key: &str) -> Option<Axis<Choice>> {
    let on = |s: &Statement| s.clauses.iter().filter(|c| c.key == key).cloned().collect::<Vec<_>>();
    let among: Vec<usize> = (0..scene.statements.len()).filter(|i| !on(scene.statements[*i]).is_empty()).collect();
    let others = scene.holding(|s| on(s).is_empty());
    let mut axis = Axis::new();
    for mut way in ways(scene, &among, &|a, b| on(a) == on(b))? {
        way.add(&others);
        axis.add(Choice::Key(key.to_owned(), None), way);
    }
    Some(axis)
}

/// Resources if nothing is known of patterns but which are the same.
pub fn resources(scene: &Scene<'_>, must: &Bits, among: &Bits) -> Option<Vec<(String, Bits)>> {
    let all: Vec<usize> = must.ones().chain(among.ones()).collect();
    let alike = |a: &Statement, b: &Statement| (&a.resources, a.not_resource) == (&b.resources, b.not_resource);
    let ways = ways(scene, &all, &alike)?;
    Some(ways.into_iter().filter(|way| way.holds(must)).map(|way| (String::new(), way)).collect())
}
