//! Whether one policy allows more than another: generated pairs.

use crate::laws::Dice;
use crate::ordinary;
use crate::pairs::{agree, case, differing, pair, request};
use yagura_access::{PolicyKind, Probe, diff};

/// Pairs and, for each that shows nothing new, requests: `cargo run --release --example diff_speed` takes more.
const PAIRS: usize = 1_000;
const REQUESTS: usize = 1_000;
/// Pairs of the length of what people write.
const ORDINARY: usize = 150;

#[test]
fn witnesses_are_confirmed_and_nothing_escapes() {
    let mut dice = Dice::new(23);
    let probes: Vec<Probe> = (0..REQUESTS).map(|_| Probe::read(&request(&mut dice)).expect("a request")).collect();
    let (mut yes, mut no, mut open) = (0, 0, 0);
    for number in 0..PAIRS {
        let (kind, old, new) = pair(&mut dice);
        match diff(&old, &new, kind) {
            Ok(Some(found)) => {
                for (document, wanted) in [(&new, true), (&old, false)] {
                    let case = case(document, kind, &found.witness);
                    assert!(agree(&case, wanted), "pair {number}: {found:#?} {old:#} {new:#}");
                }
                yes += 1;
            }
            Ok(None) => {
                let escaped = differing(kind, &old, &new, &probes);
                assert_eq!(
                    escaped.map(|i| &probes[i]).map(|p| format!("{p:?}")),
                    None,
                    "pair {number}: {old:#} {new:#}"
                );
                no += 1;
            }
            Err(_) => open += 1,
        }
    }
    assert!(yes > PAIRS / 4 && no > PAIRS / 4 && open < PAIRS / 20, "{yes} new, {no} not, {open} not decided");
}

#[test]
fn ordinary_policies_are_compared() {
    let mut dice = Dice::new(31);
    let (mut witnesses, mut nones) = (Vec::new(), Vec::new());
    for number in 0..ORDINARY {
        let (kind, old, new) = ordinary::pair(&mut dice);
        assert_eq!(diff(&new, &new, kind), Ok(None), "pair {number}");
        match diff(&old, &new, kind) {
            Ok(Some(found)) => {
                assert!(agree(&case(&new, kind, &found.witness), true), "pair {number}: {found:#?}");
                assert!(agree(&case(&old, kind, &found.witness), false), "pair {number}: {found:#?}");
                witnesses.push(found.witness);
            }
            Ok(None) => nones.push((kind, old, new)),
            Err(e) => assert!(e.to_string().contains("to be decided exactly"), "{e}"),
        }
    }
    // What shows one edit is a request near all the others.
    for (kind, old, new) in &nones {
        let probes = witnesses.iter().filter(|w| (*kind == PolicyKind::Resource) == w.principal.is_some());
        let probes: Vec<Probe> = probes.map(|w| Probe::read(&w.json()).expect("a request")).collect();
        assert_eq!(differing(*kind, old, new, &probes), None, "{old:#} {new:#}");
    }
    assert!(witnesses.len() > ORDINARY / 4 && nones.len() > ORDINARY / 4);
}
