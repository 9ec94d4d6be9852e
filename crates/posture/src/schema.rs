//! The known shape of each resource type: CloudFormation's schema, and around it what the type's resource file shows in
//! its samples (what is folded in, what is observed, types that CloudFormation doesn't have).

use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use yagura_content::{
    Kind, Library,
    shapes::{self, Shape, ShapeKind},
};
use yagura_model::{ACCOUNT_TYPE, REGION_TYPE, is_unknown};

/// What samples show at one place.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    children: BTreeMap<String, Arc<Sample>>,
    element: Option<Arc<Sample>>,
    /// Something is here whose inside the samples don't tell.
    open: bool,
}

#[derive(Default)]
struct Samples {
    properties: Arc<Sample>,
    observed: Arc<Sample>,
    any: bool,
}

/// All types with samples, and where to look for the rest.
#[derive(Default)]
pub struct Schemas {
    samples: HashMap<String, Samples>,
}

/// One place in the tree of a type.
#[derive(Clone)]
pub struct Place {
    kind: Arc<str>,
    path: Arc<str>,
    shape: Option<Shape>,
    sample: Option<Arc<Sample>>,
    /// The type has no samples, so a name that CloudFormation doesn't know may be one that is folded in.
    lenient: bool,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.path, self.kind)
    }
}

/// What stands below a place.
pub enum Below {
    Place(Place),
    /// The schema doesn't say.
    Any,
}

impl Schemas {
    pub fn new(library: &Library) -> Schemas {
        let mut samples: HashMap<String, Samples> = HashMap::new();
        for document in library.of(Kind::Resource) {
            let (mut properties, mut observed, mut any) = (Sample::default(), Sample::default(), false);
            for block in document.blocks("sample") {
                let Ok(Value::Object(map)) = serde_json::from_str::<Value>(&block.text) else { continue };
                for (name, into) in [("properties", &mut properties), ("observed", &mut observed)] {
                    if let Some(value) = map.get(name) {
                        any = true;
                        into.learn(value);
                    }
                }
            }
            let entry = Samples { properties: Arc::new(properties), observed: Arc::new(observed), any };
            samples.insert(document.id.clone(), entry);
        }
        Schemas { samples }
    }

    /// Whether anything knows a resource type of this name.
    pub fn knows(&self, kind: &str) -> bool {
        self.samples.contains_key(kind) || shapes::of(kind).is_some() || matches!(kind, ACCOUNT_TYPE | REGION_TYPE)
    }

    /// The properties of a type, `None` where nothing is known of them.
    pub fn properties(&self, kind: &str) -> Option<Place> {
        let samples = self.samples.get(kind).filter(|s| s.any);
        let shape = shapes::of(kind);
        if shape.is_none() && samples.is_none_or(|s| s.properties.is_empty()) {
            return None;
        }
        Some(Place {
            kind: kind.into(),
            path: "".into(),
            shape,
            sample: samples.map(|s| Arc::clone(&s.properties)),
            lenient: samples.is_none(),
        })
    }

    /// What is observed of a type, `None` where no sample shows it.
    pub fn observed(&self, kind: &str) -> Option<Place> {
        let samples = self.samples.get(kind).filter(|s| !s.observed.is_empty())?;
        Some(Place {
            kind: kind.into(),
            path: "observed".into(),
            shape: None,
            sample: Some(Arc::clone(&samples.observed)),
            lenient: false,
        })
    }
}

impl Sample {
    fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    fn learn(&mut self, value: &Value) {
        match value {
            Value::Object(map) if !map.is_empty() && !is_unknown(value) => {
                for (name, value) in map {
                    let child = Arc::make_mut(self.children.entry(name.clone()).or_default());
                    child.learn(value);
                    // A policy's elements are the author's choice; samples show only some.
                    child.open |= name.ends_with("PolicyDocument") || name == "KeyPolicy" || name == "Condition";
                }
            }
            Value::Array(items) if !items.is_empty() => {
                let element = Arc::make_mut(self.element.get_or_insert_default());
                items.iter().for_each(|item| element.learn(item));
            }
            Value::Null | Value::Object(_) | Value::Array(_) => self.open = true,
            _ => {}
        }
    }
}

impl Place {
    /// What the property `name` holds.
    ///
    /// # Errors
    /// When there is no such property, with the closest name.
    pub fn child(&self, name: &str) -> Result<Below, String> {
        let shape = self.shape.and_then(|s| s.child(name));
        let sample = self.sample.as_ref().and_then(|s| s.children.get(name).cloned());
        if shape.is_some() || sample.is_some() {
            return Ok(self.at(format!("{}.{name}", self.path).trim_start_matches('.'), shape, sample));
        }
        if self.is_open() {
            return Ok(Below::Any);
        }
        let names = self.names();
        let closest = closest(name, &names);
        if self.lenient && closest.is_none() {
            return Ok(Below::Any);
        }
        let place =
            if self.path.is_empty() { self.kind.to_string() } else { format!("`{}` of {}", self.path, self.kind) };
        let place = if self.path.is_empty() { format!("on {place}") } else { format!("in {place}") };
        Err(match (closest, names.is_empty()) {
            (Some(closest), _) => format!("no property `{name}` {place}; did you mean `{closest}`?"),
            (None, true) => format!("no property `{name}` {place}: it is {}", self.holds()),
            (None, false) => format!("no property `{name}` {place}; it has {}", some(&names)),
        })
    }

    /// What the elements of this list are; an object's are its keys.
    pub fn element(&self) -> Below {
        let shape = self.shape.and_then(Shape::element);
        let sample = self.sample.as_ref().and_then(|s| s.element.clone());
        if shape.is_none() && sample.is_none() {
            return Below::Any;
        }
        self.at(&format!("{}[]", self.path), shape, sample)
    }

    /// The names of this place when it is an object that takes no others.
    pub fn names(&self) -> Vec<String> {
        let shape = self.shape.into_iter().flat_map(Shape::names).map(str::to_owned);
        let sample = self.sample.iter().flat_map(|s| s.children.keys().cloned());
        let mut names: Vec<String> = shape.chain(sample).collect();
        names.sort();
        names.dedup();
        names
    }

    fn at(&self, path: &str, shape: Option<Shape>, sample: Option<Arc<Sample>>) -> Below {
        if shape.is_some_and(|s| s.kind() == ShapeKind::Any) {
            return Below::Any;
        }
        Below::Place(Place { kind: Arc::clone(&self.kind), path: path.into(), shape, sample, lenient: false })
    }

    fn is_open(&self) -> bool {
        let shape = self.shape.is_none_or(|s| s.kind() == ShapeKind::Any);
        shape && self.sample.as_ref().is_none_or(|s| s.open)
    }

    fn holds(&self) -> &'static str {
        match self.shape.map(Shape::kind) {
            Some(ShapeKind::String) => "a string",
            Some(ShapeKind::Integer | ShapeKind::Number) => "a number",
            Some(ShapeKind::Boolean) => "a boolean",
            Some(ShapeKind::Array) => "a list",
            _ if self.sample.as_ref().is_some_and(|s| s.element.is_some()) => "a list",
            _ => "no object",
        }
    }
}

/// The name that `wrong` was probably meant to be.
pub fn closest(wrong: &str, names: &[String]) -> Option<String> {
    let limit = (wrong.chars().count() / 3).clamp(1, 3);
    let ranked = names.iter().map(|name| (distance(&wrong.to_lowercase(), &name.to_lowercase()), name));
    let near = ranked.filter(|(d, _)| *d <= limit).min_by_key(|(d, name)| (*d, name.len()));
    // A cut-off name (`Bukcet` for `BucketName`) is compared with as much of each name as it has.
    let cut = || {
        let heads = names.iter().filter(|name| name.len() > wrong.len()).filter_map(|name| {
            let head = name.get(..wrong.len())?;
            Some((distance(&wrong.to_lowercase(), &head.to_lowercase()), name))
        });
        heads.filter(|(d, _)| *d < limit.max(2) + 1).min_by_key(|(d, name)| (*d, name.len()))
    };
    near.or_else(cut).map(|(_, name)| name.clone())
}

fn some(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(8).map(|n| format!("`{n}`")).collect();
    if names.len() > shown.len() { format!("{}, …", shown.join(", ")) } else { shown.join(", ") }
}

/// Edits that turn `a` into `b`, with a swap of neighbours as one (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let bucket = names(&["BucketName", "BucketEncryption", "AccessControl", "Arn"]);
        assert_eq!(closest("Bukcet", &bucket).as_deref(), Some("BucketName"));
        assert_eq!(closest("AccesControl", &bucket).as_deref(), Some("AccessControl"));
        assert_eq!(closest("PolicyDocument", &bucket), None);
        assert_eq!(distance("ab", "ba"), 1);
    }
}
