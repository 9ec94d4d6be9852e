//! All detections, compiled: ours from the content, other people's plain Sigma rules, and the correlations over them.

use crate::dispatch::Dispatch;
use crate::sigma::{self, Body, Correlation, Expr, Fault, Items};
use crate::target::Targets;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use yagura_content::{Document, Error, Kind, Library};
use yagura_model::{DetectionKind, Severity, Text};

/// What a finding says of the detection that made it.
#[derive(Clone, Debug)]
pub struct Meta {
    pub id: String,
    pub kind: DetectionKind,
    pub title: Text,
    pub severity: Severity,
    pub guardduty: Vec<String>,
    pub attack: Vec<String>,
    /// Events that a service made for itself count, too.
    pub service_made: bool,
    /// The file that it came from.
    pub file: String,
}

/// A rule over single events.
#[derive(Clone, Debug)]
pub(crate) struct Matching {
    pub(crate) expr: Expr,
    /// The detection that its matches are findings of; none when only correlations use them.
    pub(crate) detection: Option<u32>,
    /// Fields whose values correlations need.
    pub(crate) captures: Vec<u32>,
    /// A correlation uses it.
    pub(crate) correlated: bool,
    pub(crate) service_made: bool,
}

/// A correlation whose rules have been found. `inputs` are in the order of the correlation's `rules`.
#[derive(Clone, Debug)]
pub(crate) struct Correlating {
    pub(crate) source: Correlation,
    pub(crate) inputs: Vec<Input>,
    pub(crate) detection: Option<u32>,
    /// For each rule over single events below it: which captured fields are its group and its values.
    pub(crate) columns: BTreeMap<u32, Columns>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Matching(u32),
    Correlating(u32),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    pub(crate) group: Vec<usize>,
    pub(crate) values: Vec<usize>,
}

/// A rule file from outside the content.
#[derive(Clone, Debug)]
pub struct Foreign {
    pub file: String,
    pub text: String,
}

/// What came of loading.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Rules that can't be used: blind spots.
    pub errors: Vec<Error>,
    /// Rules for other products' events, rightly left out.
    pub skipped: Vec<Error>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    pub(crate) items: Items,
    pub(crate) matching: Vec<Matching>,
    pub(crate) correlating: Vec<Correlating>,
    pub(crate) metas: Vec<Meta>,
    pub(crate) targets: Targets,
    pub(crate) dispatch: Dispatch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(rename = "id")]
    _id: Option<String>,
    severity: Severity,
    kind: KindWord,
    #[serde(default)]
    guardduty: Vec<String>,
    #[serde(default)]
    attack: Vec<String>,
    #[serde(rename = "playbook")]
    _playbook: Option<String>,
    #[serde(default)]
    service_made: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindWord {
    Alert,
    Signal,
}

/// A rule on its way in, with the file and line that errors name.
struct Entry {
    file: String,
    line: usize,
    rule: sigma::Rule,
    /// For foreign rules made from the rule, for ours from the file's head.
    meta: Option<Meta>,
}

impl RuleSet {
    /// Compiles the content's detections, unless `only_foreign`, and the foreign rules. What can't be compiled is left
    /// out and reported.
    pub fn compile(library: &Library, foreign: &[Foreign], only_foreign: bool) -> (RuleSet, Loaded) {
        let (mut set, mut loaded) = (RuleSet::default(), Loaded::default());
        set.targets = Targets::compile(library, &mut set.items, &mut loaded.errors);
        if !only_foreign {
            for document in library.of(Kind::Detection) {
                if let Err(errors) = set.add_document(document) {
                    loaded.errors.extend(errors);
                }
            }
        }
        let entries = set.read_foreign(foreign, &mut loaded);
        loaded.errors.extend(set.add_scope(entries, None));
        loaded.errors.sort();
        loaded.skipped.sort();
        set.items.plan();
        set.dispatch = Dispatch::new(&set);
        (set, loaded)
    }

    /// How many detections there are.
    pub fn len(&self) -> usize {
        self.metas.len()
    }

    pub fn is_empty(&self) -> bool {
        self.metas.is_empty()
    }

    /// How far apart two events can be, in microseconds, and still make a correlation hold together.
    pub fn longest_correlation(&self) -> i64 {
        let mut spans: Vec<i64> = Vec::new();
        for correlation in &self.correlating {
            let below = correlation.inputs.iter().map(|input| match input {
                Input::Matching(_) => 0,
                // A correlation comes behind those that it looks at.
                Input::Correlating(inner) => spans[*inner as usize],
            });
            spans.push(correlation.source.timespan.saturating_add(below.max().unwrap_or(0)));
        }
        spans.into_iter().max().unwrap_or(0)
    }

    /// What is known of each detection.
    pub fn detections(&self) -> &[Meta] {
        &self.metas
    }

    fn add_document(&mut self, document: &Document) -> Result<(), Vec<Error>> {
        let head: Head = document.head().map_err(|e| vec![e])?;
        let (mut entries, mut errors) = (Vec::new(), Vec::new());
        for block in document.blocks("sigma") {
            for rule in sigma::read(&block.text, &mut self.items) {
                match rule {
                    Ok(rule) => {
                        let line = block.line + rule.line - 1;
                        match &rule.body {
                            Body::Elsewhere(product) => errors.push(
                                document.error(line, format!("the rule is for {product}, not for aws/cloudtrail")),
                            ),
                            _ => entries.push(Entry { file: document.file.clone(), line, rule, meta: None }),
                        }
                    }
                    Err(fault) => errors.push(document.error(block.line + fault.line - 1, fault.message)),
                }
            }
        }
        if entries.is_empty() && errors.is_empty() {
            errors.push(document.error(1, "the detection has no ```sigma block"));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        self.metas.push(Meta {
            id: document.id.clone(),
            kind: match head.kind {
                KindWord::Alert => DetectionKind::Alert,
                KindWord::Signal => DetectionKind::Signal,
            },
            title: document.title.clone(),
            severity: head.severity,
            guardduty: head.guardduty,
            attack: head.attack,
            service_made: head.service_made,
            file: document.file.clone(),
        });
        let errors = self.add_scope(entries, Some(self.metas.len() as u32 - 1));
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn read_foreign(&mut self, foreign: &[Foreign], loaded: &mut Loaded) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut ids: BTreeMap<String, String> = self.metas.iter().map(|m| (m.id.clone(), m.file.clone())).collect();
        for Foreign { file, text } in foreign {
            let error = |line: usize, message: String| Error { file: file.clone(), line, message };
            for (n, rule) in sigma::read(text, &mut self.items).into_iter().enumerate() {
                let rule = match rule {
                    Ok(rule) => rule,
                    Err(Fault { line, message }) => {
                        loaded.errors.push(error(line, message));
                        continue;
                    }
                };
                let line = rule.line;
                if let Body::Elsewhere(product) = &rule.body {
                    loaded.skipped.push(error(line, format!("the rule is for {product}, not for aws/cloudtrail")));
                    continue;
                }
                let meta = match foreign_meta(file, n, &rule) {
                    Ok(meta) => meta,
                    Err(message) => {
                        loaded.errors.push(error(line, message));
                        continue;
                    }
                };
                if let Some(earlier) = ids.insert(meta.id.clone(), file.clone()) {
                    loaded.errors.push(error(line, format!("id `{}` is already used in `{earlier}`", meta.id)));
                    continue;
                }
                entries.push(Entry { file: file.clone(), line, rule, meta: Some(meta) });
            }
        }
        entries
    }

    /// Adds rules that may refer to each other. With `detection` all of them make findings of that one.
    fn add_scope(&mut self, entries: Vec<Entry>, detection: Option<u32>) -> Vec<Error> {
        let mut errors = Vec::new();
        let (filters, entries): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|e| matches!(e.rule.body, Body::Filter { .. }));
        let used: BTreeSet<String> = entries
            .iter()
            .filter_map(|e| match &e.rule.body {
                Body::Correlation(c) if !c.generate => Some(c.rules.iter().cloned()),
                _ => None,
            })
            .flatten()
            .collect();
        let mut names: HashMap<String, Input> = HashMap::new();
        let mut waiting = Vec::new();
        for entry in entries {
            let labels = labels(&entry.rule);
            let emits = !labels.iter().any(|l| used.contains(l));
            match entry.rule.body {
                Body::Match(expr) => {
                    let expr = filtered(expr, &labels, &filters);
                    let service_made = match (&entry.meta, detection) {
                        (Some(meta), _) => meta.service_made,
                        (None, Some(d)) => self.metas[d as usize].service_made,
                        (None, None) => false,
                    };
                    let detection = self.emit(emits, entry.meta, detection);
                    self.matching.push(Matching {
                        expr,
                        detection,
                        captures: Vec::new(),
                        correlated: false,
                        service_made,
                    });
                    let input = Input::Matching(self.matching.len() as u32 - 1);
                    names.extend(labels.into_iter().map(|l| (l, input)));
                }
                _ => waiting.push((entry, labels, emits)),
            }
        }
        // Correlations of correlations: those whose rules are all there go first, until none is left or none can.
        loop {
            let before = waiting.len();
            for (entry, labels, emits) in std::mem::take(&mut waiting) {
                let Body::Correlation(source) = &entry.rule.body else { continue };
                let inputs: Option<Vec<Input>> = source.rules.iter().map(|r| names.get(r).copied()).collect();
                let Some(inputs) = inputs else {
                    waiting.push((entry, labels, emits));
                    continue;
                };
                let source = source.clone();
                let detection = self.emit(emits, entry.meta, detection);
                let columns = self.columns(&source, &inputs, &names);
                self.correlating.push(Correlating { source, inputs, detection, columns });
                let input = Input::Correlating(self.correlating.len() as u32 - 1);
                names.extend(labels.into_iter().map(|l| (l, input)));
            }
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        for (entry, ..) in waiting {
            if let Body::Correlation(source) = &entry.rule.body {
                let missing = source.rules.iter().find(|r| !names.contains_key(*r)).cloned().unwrap_or_default();
                let message = format!("the correlation names rule `{missing}`, which was not loaded");
                errors.push(Error { file: entry.file, line: entry.line, message });
            }
        }
        errors
    }

    fn emit(&mut self, emits: bool, meta: Option<Meta>, detection: Option<u32>) -> Option<u32> {
        if !emits {
            return None;
        }
        match meta {
            Some(meta) => {
                self.metas.push(meta);
                Some(self.metas.len() as u32 - 1)
            }
            None => detection,
        }
    }

    /// Makes every rule below a correlation capture the fields that it groups by and computes with.
    fn columns(
        &mut self,
        source: &Correlation,
        inputs: &[Input],
        names: &HashMap<String, Input>,
    ) -> BTreeMap<u32, Columns> {
        let mut columns = BTreeMap::new();
        for input in inputs {
            for rule in self.rules_below(*input) {
                self.matching[rule as usize].correlated = true;
                let own = [Input::Matching(rule), *input];
                let mut column = |name: &String| {
                    let alias = source.aliases.get(name).and_then(|rules| {
                        rules.iter().find(|(label, _)| names.get(*label).is_some_and(|i| own.contains(i)))
                    });
                    let path = self.items.path(alias.map_or(name.as_str(), |(_, field)| field));
                    let captures = &mut self.matching[rule as usize].captures;
                    captures.iter().position(|c| *c == path).unwrap_or_else(|| {
                        captures.push(path);
                        captures.len() - 1
                    })
                };
                let group = source.group_by.iter().map(&mut column).collect();
                let values = source.fields.iter().map(&mut column).collect();
                columns.insert(rule, Columns { group, values });
            }
        }
        columns
    }

    fn rules_below(&self, input: Input) -> Vec<u32> {
        match input {
            Input::Matching(rule) => vec![rule],
            Input::Correlating(c) => self.correlating[c as usize].columns.keys().copied().collect(),
        }
    }
}

fn labels(rule: &sigma::Rule) -> Vec<String> {
    [&rule.id, &rule.name].into_iter().flatten().cloned().collect()
}

fn filtered(expr: Expr, labels: &[String], filters: &[Entry]) -> Expr {
    let mut all = vec![expr];
    for filter in filters {
        if let Body::Filter { rules, keep } = &filter.rule.body
            && rules.iter().any(|r| r == "any" || labels.contains(r))
        {
            all.push(keep.clone());
        }
    }
    if all.len() == 1 { all.remove(0) } else { Expr::All(all) }
}

fn foreign_meta(file: &str, number: usize, rule: &sigma::Rule) -> Result<Meta, String> {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let id = rule.id.clone().unwrap_or_else(|| match number {
        0 => stem.to_owned(),
        n => format!("{stem}#{}", n + 1),
    });
    let severity = match &rule.level {
        None => Severity::Medium,
        Some(level) => level
            .parse()
            .map_err(|_| format!("`{level}` is no level of Sigma: use informational, low, medium, high or critical"))?,
    };
    let title = rule.title.clone().unwrap_or_else(|| id.clone());
    Ok(Meta {
        id,
        kind: DetectionKind::Alert,
        title: Text::new(title.clone(), title),
        severity,
        guardduty: Vec::new(),
        attack: rule.tags.iter().filter_map(|t| technique(t)).collect(),
        service_made: rule.service_made,
        file: file.to_owned(),
    })
}

/// `attack.t1562.008` → `T1562.008`; tactics and groups are no techniques.
fn technique(tag: &str) -> Option<String> {
    let id = tag.to_ascii_lowercase();
    let digits = id.strip_prefix("attack.t")?;
    let (technique, sub) = digits.split_once('.').map_or((digits, None), |(t, s)| (t, Some(s)));
    let is = |part: &str, length: usize| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    (is(technique, 4) && sub.is_none_or(|s| is(s, 3))).then(|| format!("T{digits}"))
}
