//! Values to try for the variables of patterns.

use crate::context::{Context, Value};
use crate::error::Error;
use crate::quest::Values;
use crate::scene::Scene;
use crate::template::Template;
use std::collections::BTreeSet;

/// Combinations that are tried.
const MAX_COMBINATIONS: usize = 256;
/// Values of one variable that are tried.
const MAX_VALUES: usize = 14;

/// Words of which the first that no pattern holds is a variable's value like any other.
const WORDS: [&str; 4] = ["alice", "example", "somebody", "x7q"];

/// Contexts with values for the open variables, those first that are most likely to tell.
pub fn assignments(
    scene: &mut Scene<'_>,
    open: &BTreeSet<String>,
    known: &Context,
    told: &Values<'_>,
    free: &dyn Fn(&str) -> bool,
) -> Result<Vec<Context>, Error> {
    let spelled = scene.keys();
    let mut all = vec![known.clone()];
    for key in open {
        let name = spelled.get(key).unwrap_or(key);
        let (told, _) = told(scene, key, known)?;
        let values = if free(key) { values(scene, key, told) } else { told };
        let with = |context: &Context, value: &Option<Value>| {
            let mut context = context.clone();
            if let Some(value) = value {
                context.set(name, value.clone());
            }
            context
        };
        all = values.iter().flat_map(|value| all.iter().map(|c| with(c, value)).collect::<Vec<_>>()).collect();
        all.truncate(MAX_COMBINATIONS);
    }
    Ok(all)
}

/// Values of a key that can have any: those that conditions tell apart, and such as patterns line up with.
fn values(scene: &Scene<'_>, key: &str, told: Vec<Option<Value>>) -> Vec<Option<Value>> {
    let one = |text: &str| Some(Value::One(text.to_owned()));
    let sources: Vec<&str> = templates(scene).map(|t| t.source()).collect();
    let fresh = WORDS.into_iter().find(|word| sources.iter().all(|s| !s.contains(word))).unwrap_or("x7q0");
    let mut found = vec![one(fresh), None];
    let mut aligned = BTreeSet::new();
    let targets: BTreeSet<String> = sources.iter().filter(|s| !s.contains("${")).map(|s| plain(s)).collect();
    for template in templates(scene).filter(|t| t.keys().any(|k| k == key)) {
        aligned.extend(targets.iter().take(64).flat_map(|target| template.solve(key, target)).take(64));
    }
    // The longest is what takes in all that a variable can.
    let mut aligned: Vec<String> = aligned.into_iter().filter(|text| text.len() < 200).collect();
    aligned.sort_by_key(|text| (text.contains([':', '/']), text.len()));
    found.extend(aligned.iter().take(5).map(|text| one(text)));
    found.extend(told.into_iter().take(5));
    found.extend([one("x"), one(""), Some(Value::Many(vec!["x".to_owned()]))]);
    let mut once: Vec<Option<Value>> = Vec::new();
    for value in found {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    // A wildcard as a text is what nobody is called.
    once.sort_by_key(|value| matches!(value, Some(Value::One(text)) if text.contains(['*', '?'])));
    once.truncate(MAX_VALUES);
    once
}

fn templates<'a>(scene: &Scene<'a>) -> impl Iterator<Item = &'a Template> {
    let statements: Vec<_> = scene.statements.clone();
    statements.into_iter().flat_map(|s| s.resources.iter().chain(s.clauses.iter().flat_map(|c| &c.operands)))
}

/// A pattern as a text that it covers.
fn plain(pattern: &str) -> String {
    pattern.replace(['*', '?'], "x")
}
