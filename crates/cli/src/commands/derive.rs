//! What the engine of access says of resources, for the controls that look at it.

use super::access::sight::{self, Sight};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};
use yagura_access::escalate::{Closure, Ground as Rests, Method, Path, Step, methods};
use yagura_access::usage::{self, What, Window};
use yagura_access::{Estate, Exposure, Inside, Insider, Trust};
use yagura_content::Library;
use yagura_inventory::mapping::Catalog;
use yagura_model::{Arn, Gap, Inventory, Resource};
use yagura_posture::{AccessFact, Derive, Derived, Deriver, Evidence, FUNCTION};

/// Principals of one resource that are told as evidence.
const MOST: usize = 100;

/// What wasn't used for so many days counts as unused, as in IAM Access Analyzer.
const DAYS: u32 = 90;

/// How the paths of what is observed of passwords and access keys begin.
const CREDENTIALS: [&str; 2] = ["observed.Password", "observed.AccessKeys"];

/// What a fixture says that a person would configure.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    trust: Trust,
}

/// What a deriver knows beside the evidence.
struct Ground {
    catalog: Catalog,
    methods: Vec<Method>,
    trust: Trust,
    beside: Inventory,
}

/// Derives who has access, under what is configured of trust. `beside` is what is known of other accounts, which tells of
/// the organization and of the principals there.
pub fn deriver(library: &Library, trust: Trust, beside: Inventory) -> Arc<Deriver> {
    let (catalog, methods) = (Catalog::read(library).0, methods(library).0);
    let ground = Arc::new(Ground { catalog, methods, trust, beside });
    Arc::new(move |evidence| derive(Arc::clone(&ground), evidence))
}

fn derive(ground: Arc<Ground>, evidence: Evidence<'_>) -> Derive<'_> {
    let own = evidence.settings.map(|settings| serde_json::from_value::<Settings>(settings.clone()));
    let (inventory, now) = (evidence.inventory, evidence.now);
    let resources = &inventory.resources;
    let sight = OnceCell::new();
    Box::new(move |fact| {
        let Ground { catalog, methods, trust, beside } = &*ground;
        let trust = match &own {
            None => trust,
            Some(Ok(own)) => &own.trust,
            Some(Err(error)) => {
                let missing =
                    |index| (index, Derived { missing: vec![format!("$settings: {error}")], ..Derived::default() });
                return (0..resources.len()).map(missing).collect();
            }
        };
        let sight = || sight.get_or_init(|| Sight::new(catalog, inventory, beside));
        let each = |derived: &dyn Fn(&Resource) -> Option<Derived>| {
            let derived = |(index, resource)| Some((index, derived(resource)?));
            resources.iter().enumerate().filter_map(derived).collect()
        };
        match fact {
            AccessFact::Outside => {
                let found = sight().exposures(trust, now).into_iter();
                found.map(|(index, exposure)| (index, exposed(&exposure))).collect()
            }
            AccessFact::Critical => each(&|resource| Some(told(is_critical(resource, trust), Vec::new()))),
            AccessFact::Unexpected => each(&|resource| {
                let inside = is_critical(resource, trust).then(|| sight().inside(catalog, resource, trust, now))??;
                let mut derived = unexpected(&inside);
                // Of those whom nobody could list in another account, and the resource lets in, nobody knows what they reach.
                if derived.truth != Some(true) {
                    let lets_in = |gap: &&Gap| gap.account.as_deref().is_some_and(|of| sight().lets_in(resource, of));
                    let hidden = beside.gaps.iter().filter(|gap| sight::is_of_principals(gap)).filter(lets_in);
                    derived.missing.extend(hidden.map(sight::gap_text));
                    derived.truth = derived.missing.is_empty().then_some(false);
                }
                Some(derived)
            }),
            AccessFact::Escalates => {
                let estate = &sight().estate;
                let closure = Closure::of(estate, methods);
                let found = closure.escalation();
                let doubts = unlisted(estate, &closure, methods, inventory.gaps.iter().chain(&beside.gaps));
                let hidden = if doubts.is_empty() {
                    closure.hidden(estate, methods)
                } else {
                    let estate = estate.doubting(&doubts);
                    Closure::of(&estate, methods).hidden(&estate, methods)
                };
                // A longer way that is sure tells more than a shorter one that hangs on something nobody knows.
                let sure = Closure::sure(estate, methods).escalation();
                let all = found.paths.iter().chain(&sure.paths);
                let paths: HashMap<&str, &Path> = all.map(|path| (path.principal.as_str(), path)).collect();
                each(&|resource| escalates(resource, estate, &paths, &hidden))
            }
            AccessFact::Unused => {
                let nothing = BTreeMap::new();
                let window = Window { now, since: &nothing, days: DAYS };
                let found = usage::unused(resources, &usage::Used::new(), &window);
                let mut of: HashMap<&str, Vec<&What>> = HashMap::new();
                for unused in &found {
                    of.entry(&unused.principal).or_default().push(&unused.what);
                }
                each(&|resource| unneeded(resource, &of))
            }
        }
    })
}

/// The principals that might come to something which nobody could list: functions of their own account, or roles and
/// functions of another. Each with what is missing.
fn unlisted<'a>(
    estate: &'a Estate,
    closure: &Closure,
    methods: &[Method],
    gaps: impl Iterator<Item = &'a Gap> + Clone,
) -> BTreeMap<&'a str, BTreeSet<String>> {
    let gaps = gaps.filter(|gap| sight::is_of_principals(gap) || gap.kind == FUNCTION);
    let mut doubts: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for principal in estate.principals() {
        let own = Arn::parse(principal).map(|arn| arn.account);
        let takes_functions = closure.wants(principal, methods, FUNCTION);
        let bears = |gap: &&Gap| match gap.account.as_deref() {
            // Of principals that its own account could not list the rules tell.
            of if gap.bears_on(own) => of.is_none_or(|_| gap.kind == FUNCTION && takes_functions),
            Some(of) => (gap.kind != FUNCTION || takes_functions) && estate.might_enter(principal, of),
            None => false,
        };
        let missing: BTreeSet<String> = gaps.clone().filter(bears).map(sight::gap_text).collect();
        if !missing.is_empty() {
            doubts.insert(principal, missing);
        }
    }
    doubts
}

/// Whether a person named a resource as one that few may reach.
pub fn is_critical(resource: &Resource, trust: &Trust) -> bool {
    resource.arn.as_deref().is_some_and(|arn| trust.is_critical(arn))
}

fn told(truth: bool, because: Vec<(String, Value)>) -> Derived {
    Derived { truth: Some(truth), missing: Vec::new(), because }
}

fn exposed(exposure: &Exposure) -> Derived {
    // Who and what first, as a person reads it; then a request of each.
    let who = exposure.open().enumerate().map(|(i, outsider)| {
        let (actions, statements) = (outsider.actions.join(" "), outsider.statements.join(" "));
        let text = format!("{} → {actions} ({statements})", outsider.principal);
        (format!("derived.outside_access[{i}]"), Value::from(text))
    });
    let requests = exposure
        .open()
        .enumerate()
        .map(|(i, outsider)| (format!("derived.outside_request[{i}]"), outsider.witness.json()));
    let because: Vec<(String, Value)> = who.chain(requests).collect();
    // What is not known may deny what is open, or open what is closed.
    if !exposure.unread.is_empty() {
        return Derived { truth: None, missing: exposure.unread.clone(), because };
    }
    if exposure.open().any(|outsider| outsider.doubt.is_none()) {
        return told(true, because);
    }
    let missing: BTreeSet<String> = exposure.open().filter_map(|outsider| outsider.doubt.clone()).collect();
    Derived { truth: missing.is_empty().then_some(false), missing: missing.into_iter().collect(), because }
}

fn unexpected(inside: &Inside) -> Derived {
    let open: Vec<&Insider> = inside.insiders.iter().filter(|insider| insider.is_open()).collect();
    let line = |(i, insider): (usize, &&Insider)| {
        let statements: BTreeSet<&str> = insider.reached.iter().filter_map(|r| r.statement.as_deref()).collect();
        let keys: BTreeSet<&str> = insider.reached.iter().flat_map(|r| &r.conditions).map(String::as_str).collect();
        let actions: Vec<&str> = insider.reached.iter().map(|r| r.action.as_str()).collect();
        let because = because(&statements.into_iter().collect::<Vec<_>>().join(" "), keys);
        let text = format!("{} → {} ({because})", insider.principal, actions.join(" "));
        (format!("derived.unexpected_access[{i}]"), Value::from(text))
    };
    let because = open.iter().enumerate().take(MOST).map(line).collect();
    // Whoever is let in for sure is told of, whatever else is hidden.
    if open.iter().any(|insider| insider.ungoverned.is_empty()) {
        return told(true, because);
    }
    let ungoverned = open.iter().flat_map(|insider| &insider.ungoverned);
    let ungoverned: BTreeSet<String> = ungoverned.map(|(account, reason)| format!("{account} ({reason})")).collect();
    let missing: Vec<String> = inside.unread.iter().cloned().chain(ungoverned).collect();
    Derived { truth: missing.is_empty().then_some(false), missing, because }
}

/// The statements of an answer, and the keys that it hangs on.
fn because<'a>(statements: &str, keys: impl IntoIterator<Item = &'a str>) -> String {
    let keys: Vec<&str> = keys.into_iter().collect();
    if keys.is_empty() { statements.to_owned() } else { format!("{statements}, if {}", keys.join(" ")) }
}

fn escalates(
    resource: &Resource,
    estate: &Estate,
    paths: &HashMap<&str, &Path>,
    hidden: &BTreeMap<String, BTreeSet<String>>,
) -> Option<Derived> {
    if !is_principal(resource) {
        return None;
    }
    let arn = resource.arn.as_deref()?;
    let steps = paths.get(arn).map_or(&[][..], |path| &path.steps);
    let because: Vec<(String, Value)> = steps.iter().enumerate().flat_map(|(i, step)| told_step(i, step)).collect();
    let ungoverned = resource.account.as_deref().and_then(|account| Some((account, estate.ungoverned(account)?)));
    let missing: Vec<String> = match (steps.is_empty(), ungoverned) {
        // What the organization may deny is of no account where there is no path.
        (false, Some((account, reason))) => vec![format!("{account} ({reason})")],
        (false, None) => {
            // Whether what no policy tells holds is for a person to find out.
            let assumed = steps.iter().filter(|step| step.assumes.is_some());
            let assumed: Vec<String> = assumed.map(|step| format!("yagura explain {}", step.method)).collect();
            if assumed.is_empty() {
                return Some(told(true, because));
            }
            assumed
        }
        (true, _) if paths.contains_key(arn) => Vec::new(),
        (true, _) => hidden.get(arn).into_iter().flatten().cloned().collect(),
    };
    Some(Derived { truth: missing.is_empty().then_some(false), missing, because })
}

/// A step as a person reads it, and for who draws it.
fn told_step(i: usize, step: &Step) -> [(String, Value); 2] {
    let ground = |ground: &Rests| {
        let statement = ground.statement.as_deref().unwrap_or_default();
        let because = because(statement, ground.conditions.iter().map(String::as_str));
        format!("{} ({because})", ground.action)
    };
    let grounds: Vec<String> = step.grounds.iter().map(ground).collect();
    let to = step.to.as_deref().map(|to| format!(" → {to}")).unwrap_or_default();
    let text = format!("{}{to}: {}", step.method, grounds.join(", "));
    let drawn = json!({
        "from": step.from, "method": step.method, "title": step.title, "to": step.to, "because": grounds,
        "assumes": step.assumes,
    });
    [(format!("derived.escalation[{i}]"), text.into()), (format!("derived.escalation_step[{i}]"), drawn)]
}

/// By what AWS remembers of uses alone: the lake's own events are asked by `access unused`.
fn unneeded(resource: &Resource, of: &HashMap<&str, Vec<&What>>) -> Option<Derived> {
    if !is_principal(resource) {
        return None;
    }
    let found = of.get(resource.arn.as_deref()?).map_or(&[][..], Vec::as_slice);
    let mut lines = Vec::new();
    for what in found {
        match what {
            What::Role => lines.push("the role as a whole".to_owned()),
            What::Permissions(services) => lines.extend(services.iter().map(|service| {
                let last = service.last.as_deref().map(|last| format!(" (last {last})")).unwrap_or_default();
                match service.whole {
                    true => format!("{}: all{last}", service.service),
                    false => format!("{}: {}", service.service, service.actions.join(" ")),
                }
            })),
            What::Password | What::AccessKey(_) | What::Unknown(_) => {}
        }
    }
    let name = |(i, line)| (format!("derived.unused_access[{i}]"), Value::from(line));
    let because: Vec<(String, Value)> = lines.into_iter().enumerate().map(name).collect();
    // Passwords and keys are the affair of other controls.
    let is_credential = |what: &str| CREDENTIALS.iter().any(|start| what.starts_with(start));
    let unknown =
        found.iter().filter_map(|what| if let What::Unknown(what) = what { Some(what.clone()) } else { None });
    let missing: Vec<String> = unknown.filter(|what| !is_credential(what)).collect();
    if !because.is_empty() && missing.is_empty() {
        return Some(told(true, because));
    }
    Some(Derived { truth: missing.is_empty().then_some(false), missing, because })
}

fn is_principal(resource: &Resource) -> bool {
    matches!(resource.kind.as_str(), "AWS::IAM::User" | "AWS::IAM::Role")
}
