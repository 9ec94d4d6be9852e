//! Measures `diff` over generated pairs of policies and prints the figures as JSON.
//!
//! `cargo run --release -p yagura-access --example diff_speed -- 10000 100000` takes 10,000 pairs as the law of the tests
//! does, and asks 100,000 requests for each that shows nothing new; without numbers it takes fewer requests. After them
//! come pairs of the length of what people write: p50 and p95 tell how long one takes.

#![expect(clippy::print_stdout, reason = "a program that prints and ends")]
#![expect(
    dead_code,
    unused_imports,
    clippy::needless_pass_by_value,
    reason = "the tests use more of these than a measure does"
)]

#[path = "../tests/it/ask.rs"]
mod ask;
#[path = "../tests/it/laws.rs"]
mod laws;
#[path = "../tests/it/naive.rs"]
mod naive;
#[path = "../tests/it/ordinary.rs"]
mod ordinary;
#[path = "../tests/it/pairs.rs"]
mod pairs;

use laws::Dice;
use serde_json::{Value, json};
use std::time::Instant;
use yagura_access::{PolicyKind, Probe, diff};

#[derive(Default)]
struct Figures {
    count: usize,
    witnesses: usize,
    nones: usize,
    undecided: usize,
    disagreements: usize,
    milliseconds: Vec<f64>,
}

impl Figures {
    fn take(&mut self, kind: PolicyKind, old: &Value, new: &Value, probes: &[Probe]) {
        let start = Instant::now();
        let found = diff(old, new, kind);
        self.milliseconds.push(start.elapsed().as_secs_f64() * 1000.0);
        self.count += 1;
        match found {
            Ok(Some(found)) => {
                self.witnesses += 1;
                for (document, wanted) in [(new, true), (old, false)] {
                    let case = pairs::case(document, kind, &found.witness);
                    self.disagreements += usize::from(!pairs::agree(&case, wanted));
                }
            }
            Ok(None) => {
                self.nones += 1;
                self.disagreements += usize::from(pairs::differing(kind, old, new, probes).is_some());
            }
            Err(_) => self.undecided += 1,
        }
    }

    fn json(mut self) -> Value {
        self.milliseconds.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (self.milliseconds.len() as f64 * share) as usize;
            self.milliseconds.get(place).map(|ms| (ms * 1000.0).round() / 1000.0)
        };
        json!({"count": self.count, "witnesses": self.witnesses, "nones": self.nones, "undecided": self.undecided,
            "disagreements": self.disagreements, "p50_ms": at(0.5), "p95_ms": at(0.95), "max_ms": at(0.999_999)})
    }
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let (count, requests) = (numbers.first().copied().unwrap_or(10_000), numbers.get(1).copied().unwrap_or(1_000));
    let mut dice = Dice::new(29);
    let probes = (0..requests).map(|_| Probe::read(&pairs::request(&mut dice)).expect("a request"));
    let probes: Vec<Probe> = probes.collect();
    let mut small = Figures::default();
    for _ in 0..count {
        let (kind, old, new) = pairs::pair(&mut dice);
        small.take(kind, &old, &new, &probes);
    }
    let mut long = Figures::default();
    for _ in 0..count / 10 {
        let (kind, old, new) = ordinary::pair(&mut dice);
        long.take(kind, &old, &new, &[]);
    }
    println!("{}", json!({"requests": requests, "generated": small.json(), "ordinary": long.json()}));
}
