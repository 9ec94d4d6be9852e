use crate::{
    control::{Control, Head},
    framework::Framework,
    rule::{self, Program},
    schema::Schemas,
};
use std::collections::HashMap;
use yagura_content::{Document, Error, Kind, Library};

/// All controls of the content, compiled, by id; and the frameworks that name them.
#[derive(Debug, Default)]
pub struct Rulebook {
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
                    book.by_type.entry(control.resource.clone()).or_default().push(book.controls.len());
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
    if !schemas.knows(&head.resource) {
        errors
            .push(document.error(1, format!("no resource type `{}`: write it as CloudFormation does", head.resource)));
    }
    let when = block(document, "when", schemas, &head.resource, &mut errors);
    let rule = block(document, "cel", schemas, &head.resource, &mut errors);
    if rule.is_none() && errors.is_empty() {
        errors.push(document.error(1, "the control has no rule: add a ```cel block"));
    }
    match rule {
        Some(rule) if errors.is_empty() => Ok(Control {
            id: head.id,
            severity: head.severity,
            resource: head.resource,
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
            when,
            rule,
        }),
        _ => Err(errors),
    }
}

fn block(document: &Document, word: &str, schemas: &Schemas, kind: &str, errors: &mut Vec<Error>) -> Option<Program> {
    let mut blocks = document.blocks(word);
    let first = blocks.next()?;
    if let Some(second) = blocks.next() {
        errors.push(document.error(second.line, format!("a second ```{word} block: a control has one")));
    }
    match rule::compile(&first.text, schemas, kind) {
        Ok(program) => Some(program),
        Err(mistakes) => {
            errors.extend(mistakes.into_iter().map(|m| document.error(first.line + m.line, m.message)));
            None
        }
    }
}
