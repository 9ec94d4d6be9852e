use crate::{
    access::Deriver,
    control::{Control, Head},
    framework::Framework,
    rule::{self, Program},
    schema::Schemas,
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use yagura_content::{Document, Error, Kind, Library};

/// All controls of the content, compiled, by id; and the frameworks that name them.
#[derive(Default)]
pub struct Rulebook {
    pub(crate) deriver: Option<Arc<Deriver>>,
    controls: Vec<Control>,
    by_type: HashMap<String, Vec<usize>>,
    frameworks: Vec<Framework>,
}

impl Rulebook {
    /// Compiles what is right and reports what is wrong: one bad file of a user takes no other control away.
    pub fn compile(library: &Library) -> (Rulebook, Vec<Error>) {
        let schemas = Schemas::new(library);
        let (mut book, mut errors) = (Rulebook::default(), Vec::new());
        for document in library.of(Kind::Control) {
            match control(document, &schemas) {
                Ok(control) => {
                    for kind in &control.resources {
                        book.by_type.entry(kind.clone()).or_default().push(book.controls.len());
                    }
                    book.controls.push(control);
                }
                Err(mut more) => errors.append(&mut more),
            }
        }
        for document in library.of(Kind::Framework) {
            match Framework::read(document, library) {
                Ok(framework) => book.frameworks.push(framework),
                Err(mut more) => errors.append(&mut more),
            }
        }
        (book, errors)
    }

    /// With what derives the facts that this crate can't; without it they are not known.
    #[must_use]
    pub fn deriving(self, deriver: Arc<Deriver>) -> Rulebook {
        Rulebook { deriver: Some(deriver), ..self }
    }

    /// All controls by id.
    pub fn controls(&self) -> &[Control] {
        &self.controls
    }

    pub fn control(&self, id: &str) -> Option<&Control> {
        self.controls.binary_search_by(|control| control.id.as_str().cmp(id)).ok().map(|i| &self.controls[i])
    }

    /// The controls that judge a resource type, by id.
    pub fn controls_of(&self, kind: &str) -> impl Iterator<Item = &Control> {
        self.by_type.get(kind).into_iter().flatten().map(|i| &self.controls[*i])
    }

    /// Judges resources of these types only. The others are still there for rules to look at.
    pub fn limit(&mut self, kinds: &[String]) {
        self.by_type.retain(|kind, _| kinds.contains(kind));
    }

    /// The types of resources that the controls of `kinds` look at: without them, what is missing looks like what isn't
    /// there.
    pub fn looked_at(&self, kinds: &[String]) -> BTreeSet<String> {
        let controls = kinds.iter().flat_map(|kind| self.controls_of(kind));
        controls.flat_map(|control| control.looks_at.iter().cloned()).collect()
    }

    pub fn frameworks(&self) -> &[Framework] {
        &self.frameworks
    }

    pub fn framework(&self, id: &str) -> Option<&Framework> {
        self.frameworks.iter().find(|framework| framework.id == id)
    }
}

/// Reads and compiles one control file.
pub(crate) fn control(document: &Document, schemas: &Schemas) -> Result<Control, Vec<Error>> {
    let head: Head = document.head().map_err(|e| vec![e])?;
    let mut errors = Vec::new();
    let kinds = head.resource.into_vec();
    if kinds.is_empty() {
        errors.push(document.error(1, "`resource` names no resource type"));
    }
    for kind in kinds.iter().filter(|kind| !schemas.knows(kind)) {
        errors.push(document.error(1, format!("no resource type `{kind}`: write it as CloudFormation does")));
    }
    let when = block(document, "when", schemas, &kinds, &mut errors);
    let rule = block(document, "cel", schemas, &kinds, &mut errors);
    if rule.is_none() && errors.is_empty() {
        errors.push(document.error(1, "the control has no rule: add a ```cel block"));
    }
    match rule {
        Some(rule) if errors.is_empty() => Ok(Control {
            id: head.id,
            severity: head.severity,
            resources: kinds,
            stage: head.stage,
            layer: head.layer,
            maps: head.maps,
            playbook: head.playbook,
            minutes: head.minutes,
            cost: head.cost,
            risk: head.risk,
            title: document.title.clone(),
            body: document.body.clone(),
            file: document.file.clone(),
            live_only: rule.reads_observed || when.as_ref().is_some_and(|when| when.reads_observed),
            looks_at: when.iter().chain([&rule]).flat_map(|program| program.looks_at.iter().cloned()).collect(),
            when,
            rule,
        }),
        _ => Err(errors),
    }
}

/// The rule of a block. It is the same for every type of the control, but its paths must be right on each.
fn block(
    document: &Document,
    word: &str,
    schemas: &Schemas,
    kinds: &[String],
    errors: &mut Vec<Error>,
) -> Option<Program> {
    let mut blocks = document.blocks(word);
    let first = blocks.next()?;
    if let Some(second) = blocks.next() {
        errors.push(document.error(second.line, format!("a second ```{word} block: a control has one")));
    }
    let mut program = None;
    for kind in kinds {
        match rule::compile(&first.text, schemas, kind) {
            Ok(compiled) => program = Some(compiled),
            Err(mistakes) => {
                for mistake in mistakes {
                    let error = document.error(first.line + mistake.line, mistake.message);
                    if !errors.contains(&error) {
                        errors.push(error);
                    }
                }
            }
        }
    }
    program
}
