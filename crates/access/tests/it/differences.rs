//! Whether one policy allows more than another: generated pairs.

use crate::laws::Dice;
use crate::pairs::{agree, case, differing, pair, request};
use yagura_access::{Probe, diff};

/// Pairs and, for each that shows nothing new, requests: `cargo run --release --example diff_speed` takes more.
const PAIRS: usize = 1_000;
const REQUESTS: usize = 1_000;

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
