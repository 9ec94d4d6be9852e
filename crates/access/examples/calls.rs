//! Reads CloudTrail files (plain JSON) and tells how many records are understood, which aren't, and whether the least
//! policy of each principal allows all that it did.
//!
//!     cargo run --release -p yagura-access --example calls -- FILE...

#![expect(clippy::print_stdout, reason = "an example speaks to who runs it")]

use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Instant;
use yagura_access::size;
use yagura_access::usage::{Call, Options, Skipped, least, replay};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut calls: BTreeMap<String, Vec<Call>> = BTreeMap::new();
    let mut unknown: BTreeMap<(String, String), u64> = BTreeMap::new();
    let (mut records, mut nobody, mut free, mut read) = (0, 0, 0, 0);
    let mut spent = std::time::Duration::ZERO;
    for path in std::env::args().skip(1) {
        let file: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        let began = Instant::now();
        for record in file["Records"].as_array().into_iter().flatten() {
            records += 1;
            match Call::of(record) {
                Ok(found) => {
                    read += 1;
                    for call in found {
                        calls.entry(call.principal.clone()).or_default().push(call);
                    }
                }
                Err(Skipped::NoIdentity) => nobody += 1,
                Err(Skipped::NoPermission) => free += 1,
                Err(Skipped::Unknown { source, name }) => *unknown.entry((source, name)).or_default() += 1,
            }
        }
        spent += began.elapsed();
    }
    println!("{records} records: {read} read, {nobody} by no identity, {free} need nothing, {spent:?}");
    for ((source, name), count) in &unknown {
        println!("unknown {count:5} {source} {name}");
    }
    for (principal, calls) in &calls {
        let began = Instant::now();
        let found = least(calls, &Options::default());
        let made = began.elapsed();
        let began = Instant::now();
        let told = replay(&found.policies, calls)?;
        let blind = calls.iter().filter(|call| call.resources.is_empty()).count();
        println!(
            "{principal}: {} calls ({blind} without resource), {} actions, {} policies of {:?} characters, {} widened; {} asked, {} denied; {made:?}, {:?}",
            calls.len(),
            found.actions.len(),
            found.policies.len(),
            found.policies.iter().map(|(_, policy)| size(policy)).collect::<Vec<_>>(),
            found.widened.len(),
            told.asked,
            told.denied.len(),
            began.elapsed()
        );
        if std::env::var_os("YAGURA_SHOW").is_some() {
            for (name, policy) in &found.policies {
                println!("{name}: {}", serde_json::to_string_pretty(policy)?);
            }
            for wide in &found.widened {
                println!("{wide:?}");
            }
        }
    }
    Ok(())
}
