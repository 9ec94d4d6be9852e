//! Resources that need each other: CloudFormation can't create them.

use std::collections::{BTreeMap, HashSet};

/// The first circle in a graph of needs, as the ids on it, beginning and ending with the same one.
pub(super) fn find<'a>(needs: &BTreeMap<&'a str, Vec<&'a str>>) -> Option<Vec<&'a str>> {
    let mut finished = HashSet::new();
    for start in needs.keys() {
        // A path of (id, how many of its needs were followed), since a chain may be longer than the stack is deep.
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        let mut on_path: HashSet<&str> = HashSet::from([*start]);
        while let Some((id, followed)) = path.last_mut() {
            let id = *id;
            let next = needs.get(id).and_then(|n| n.get(*followed)).copied();
            *followed += 1;
            match next {
                Some(next) if on_path.contains(next) => {
                    let from = path.iter().position(|(id, _)| *id == next)?;
                    return Some(path[from..].iter().map(|(id, _)| *id).chain([next]).collect());
                }
                Some(next) if finished.contains(next) => {}
                Some(next) => {
                    on_path.insert(next);
                    path.push((next, 0));
                }
                None => {
                    finished.insert(id);
                    on_path.remove(id);
                    path.pop();
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_circle() {
        let needs = BTreeMap::from([("A", vec!["B"]), ("B", vec!["C", "D"]), ("C", vec![]), ("D", vec!["B"])]);
        assert_eq!(find(&needs), Some(vec!["B", "D", "B"]));
        let names: Vec<String> = (0..200_000).map(|i| format!("R{i:06}")).collect();
        let chain = names.windows(2).map(|w| (w[0].as_str(), vec![w[1].as_str()])).collect();
        assert_eq!(find(&chain), None);
    }
}
