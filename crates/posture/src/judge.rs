//! Applies controls to an inventory.

use crate::{access::Evidence, control::Control, known::Known, reason, rule::Eval, rulebook::Rulebook, world::World};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeMap};
use yagura_model::{
    ACCOUNT_TYPE, Gap, Inventory, Judgement, REGION_TYPE, Resource, Source, Text, Verdict, partition_of,
};

/// Where a line stands in the output: account, Region, printed type, resource.
type Place<'a> = (Option<&'a str>, Option<&'a str>, &'a str, Cow<'a, str>);

enum Line<'a> {
    Resource(u32),
    Gaps { control: &'a Control, gaps: Vec<&'a Gap> },
}

impl Rulebook {
    /// Judges every resource by the controls of its type, and says `UNKNOWN` once for each control, account and Region
    /// that a failed listing blinds. Lines come in the order of account, Region, type, resource and control.
    pub fn judge<'a>(&'a self, inventory: &'a Inventory, now: DateTime<Utc>, out: &mut dyn FnMut(Judgement)) {
        let evidence = Evidence { inventory, now, settings: None };
        let world = World::new(evidence, self.deriver.as_deref());
        let mut lines: Vec<(Place<'a>, Line<'a>)> = Vec::new();
        for (index, resource) in inventory.resources.iter().enumerate() {
            if self.controls_of(&resource.kind).next().is_some() {
                lines.push((place_of(resource), Line::Resource(index as u32)));
            }
        }
        lines.extend(self.blind(inventory));
        lines.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut eval = Eval::new(&world);
        for same in lines.chunk_by(|(a, _), (b, _)| a == b) {
            let mut judged = Vec::new();
            for (place, line) in same {
                match line {
                    Line::Resource(thing) => {
                        let kind = &world.thing(*thing).resource.kind;
                        judged.extend(
                            self.controls_of(kind).filter_map(|control| verdict(&mut eval, &world, control, *thing)),
                        );
                    }
                    Line::Gaps { control, gaps } => judged.push(blinded(control, place, gaps)),
                }
            }
            judged.sort_by(|a, b| a.control.cmp(&b.control));
            judged.into_iter().for_each(&mut *out);
        }
    }

    /// One line for each control and place where a listing failed.
    fn blind<'a>(&'a self, inventory: &'a Inventory) -> Vec<(Place<'a>, Line<'a>)> {
        // By control, since one that judges several types is still one blind spot.
        let mut blind: BTreeMap<(Place<'a>, &'a str), (&'a Control, Vec<&'a Gap>)> = BTreeMap::new();
        for gap in &inventory.gaps {
            let account = gap.account.as_deref();
            let place = if gap.kind == ACCOUNT_TYPE {
                let partition = partition_of(gap.region.as_deref().unwrap_or(""));
                let region = if partition == "aws" { Some("us-east-1") } else { gap.region.as_deref() };
                let name = format!("arn:{partition}:iam::{}:root", account.unwrap_or(""));
                (account, region, ACCOUNT_TYPE, Cow::Owned(name))
            } else {
                let name = account.map_or(Cow::Borrowed(ACCOUNT_TYPE), |a| Cow::Owned(format!("{ACCOUNT_TYPE}:{a}")));
                (account, gap.region.as_deref(), ACCOUNT_TYPE, name)
            };
            for control in self.controls_of(&gap.kind) {
                let line = blind.entry((place.clone(), &control.id)).or_insert_with(|| (control, Vec::new()));
                line.1.push(gap);
            }
        }
        blind.into_iter().map(|((place, _), (control, gaps))| (place, Line::Gaps { control, gaps })).collect()
    }
}

fn place_of(resource: &Resource) -> Place<'_> {
    let (account, region) = (resource.account.as_deref(), resource.region.as_deref());
    (account, region, printed(&resource.kind), Cow::Borrowed(resource.name()))
}

/// The type that a line carries: what belongs to a Region is printed under the account.
fn printed(kind: &str) -> &str {
    if kind == REGION_TYPE { ACCOUNT_TYPE } else { kind }
}

/// What a control says of one resource; `None` when it doesn't concern it.
pub(crate) fn verdict<'a>(
    eval: &mut Eval<'a, '_>,
    world: &World<'a>,
    control: &'a Control,
    thing: u32,
) -> Option<Judgement> {
    let resource = world.thing(thing).resource;
    // A template holds nothing observed; a Config snapshot only what it says it does.
    let blind = resource.source.is_template() || (resource.source == Source::Config && resource.observed.is_null());
    let blind = control.live_only && blind;
    if let Some(when) = control.when.as_ref().filter(|when| !(blind && when.reads_observed)) {
        match eval.truth_of(when, thing) {
            Known::Yes => {}
            Known::No => return None,
            _ if blind => {}
            unknown @ Known::Unknown(_) => {
                let evidence = eval.evidence();
                let reason = reason::of_rule(&unknown, &evidence);
                return Some(line(control, resource, Verdict::Unknown, reason, evidence.to_json()));
            }
        }
    }
    if blind {
        return Some(line(control, resource, Verdict::NotApplicable, reason::needs_live(), Value::Object(Map::new())));
    }
    let truth = eval.truth_of(&control.rule, thing);
    let evidence = eval.evidence();
    let verdict = match truth {
        Known::Yes => Verdict::Pass,
        Known::No => Verdict::Fail,
        Known::Unknown(_) => Verdict::Unknown,
    };
    Some(line(control, resource, verdict, reason::of_rule(&truth, &evidence), evidence.to_json()))
}

fn line(control: &Control, resource: &Resource, verdict: Verdict, reason: Text, evidence: Value) -> Judgement {
    let origin = resource.origin.as_ref();
    Judgement {
        control: control.id.clone(),
        verdict,
        resource: resource.name().to_owned(),
        kind: printed(&resource.kind).to_owned(),
        account: resource.account.clone(),
        region: resource.region.clone(),
        severity: control.severity,
        title: control.title.clone(),
        reason,
        evidence,
        source: resource.source,
        file: origin.map(|o| o.file.clone()),
        line: origin.and_then(|o| o.line),
        column: origin.and_then(|o| o.column),
    }
}

fn blinded(control: &Control, place: &Place<'_>, gaps: &[&Gap]) -> Judgement {
    let (account, region, kind, name) = place;
    Judgement {
        control: control.id.clone(),
        verdict: Verdict::Unknown,
        resource: name.to_string(),
        kind: (*kind).to_owned(),
        account: account.map(str::to_owned),
        region: region.map(str::to_owned),
        severity: control.severity,
        title: control.title.clone(),
        reason: reason::of_gaps(gaps),
        evidence: Value::Object(Map::new()),
        source: Source::Live,
        file: None,
        line: None,
        column: None,
    }
}
