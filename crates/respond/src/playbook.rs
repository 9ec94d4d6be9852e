//! What a playbook file says. All jq filters see `{finding, resource, account, caller, now, lookup, target, answer, before,
//! want, each}`, as far as these are known at their point; they are worked out in this order.

use serde::Deserialize;
use std::collections::BTreeMap;
use yagura_content::{Document, Error, Kind, Library};
use yagura_inventory::mapping::Jq;
use yagura_model::Text;

/// An answer that is asked for before the target is known.
pub(crate) struct Lookup {
    pub id: String,
    pub ask: Ask,
}

/// What must not be so for the playbook to touch its target.
pub(crate) struct Guard {
    /// Its answer is `.answer`; `None` where what is known already decides.
    pub ask: Option<Ask>,
    /// A text says why the target is left alone; null lets it pass.
    pub refuse: Jq,
}

/// A state that the playbook changes: how it is read, and what it should become.
pub(crate) struct Watched {
    pub id: String,
    pub ask: Ask,
    /// From the answer to the part that matters; equal values are equal states.
    pub value: Jq,
    pub want: Jq,
}

/// A call that changes something.
pub(crate) struct Act {
    pub ask: Ask,
    pub when: Option<Jq>,
    /// Once for each of its values, which are `.each`.
    pub over: Option<Jq>,
    pub undo: Vec<Act>,
}

/// A call with its parameters as a filter.
pub(crate) struct Ask {
    pub service: String,
    pub operation: String,
    /// The IAM action that the call needs.
    pub action: String,
    pub params: Jq,
    /// Error codes that are as good as an answer: nothing is set (reading), it is so already (changing).
    pub fine: Vec<String>,
}

/// A compiled playbook.
pub struct Playbook {
    pub id: String,
    pub title: Text,
    pub body: Text,
    pub file: String,
    /// `low`, `medium` or `high`: what the change may break.
    pub risk: String,
    pub(crate) target: Jq,
    pub(crate) region: Option<Jq>,
    pub(crate) lookups: Vec<Lookup>,
    pub(crate) guards: Vec<Guard>,
    pub(crate) states: Vec<Watched>,
    pub(crate) acts: Vec<Act>,
}

/// All playbooks by id.
#[derive(Default)]
pub struct Playbooks {
    by_id: BTreeMap<String, Playbook>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: Option<String>,
    risk: String,
    target: String,
    region: Option<String>,
    #[serde(default)]
    lookup: Vec<LookupHead>,
    #[serde(default)]
    guard: Vec<GuardHead>,
    state: Vec<StateHead>,
    call: Vec<CallHead>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LookupHead {
    id: String,
    api: String,
    action: Option<String>,
    params: Option<String>,
    #[serde(default)]
    absent: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardHead {
    api: Option<String>,
    action: Option<String>,
    params: Option<String>,
    #[serde(default)]
    absent: Vec<String>,
    refuse: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateHead {
    id: String,
    api: String,
    action: Option<String>,
    params: String,
    #[serde(default)]
    absent: Vec<String>,
    value: String,
    want: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallHead {
    api: String,
    action: Option<String>,
    params: String,
    when: Option<String>,
    over: Option<String>,
    #[serde(default)]
    done: Vec<String>,
    #[serde(default)]
    undo: Vec<CallHead>,
}

impl Playbooks {
    /// Reads and compiles all playbooks; bad ones are left out and reported.
    pub fn read(library: &Library) -> (Playbooks, Vec<Error>) {
        let (mut playbooks, mut errors) = (Playbooks::default(), Vec::new());
        for document in library.of(Kind::Playbook) {
            match Playbook::read(document) {
                Ok(playbook) => {
                    playbooks.by_id.insert(playbook.id.clone(), playbook);
                }
                Err(mut more) => errors.append(&mut more),
            }
        }
        (playbooks, errors)
    }

    pub fn get(&self, id: &str) -> Option<&Playbook> {
        self.by_id.get(id)
    }
}

impl Playbook {
    /// Reads and compiles one file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn read(document: &Document) -> Result<Playbook, Vec<Error>> {
        let head: Head = document.head().map_err(|e| vec![e])?;
        let mut reader = Reader { document, errors: Vec::new() };
        if !["low", "medium", "high"].contains(&head.risk.as_str()) {
            reader.fail(format!("`{}` is no risk: use low, medium or high", head.risk));
        }
        if head.state.is_empty() || head.call.is_empty() {
            reader.fail("a playbook needs a [[state]] and a [[call]]".to_owned());
        }
        let playbook = Playbook {
            id: head.id.unwrap_or_else(|| document.id.clone()),
            title: document.title.clone(),
            body: document.body.clone(),
            file: document.file.clone(),
            risk: head.risk,
            target: reader.jq(&head.target),
            region: head.region.as_deref().map(|text| reader.jq(text)),
            lookups: head
                .lookup
                .iter()
                .map(|l| Lookup {
                    id: l.id.clone(),
                    ask: reader.ask(&l.api, &l.action, l.params.as_deref().unwrap_or("{}"), &l.absent),
                })
                .collect(),
            guards: head
                .guard
                .iter()
                .map(|g| Guard {
                    ask: g
                        .api
                        .as_deref()
                        .map(|api| reader.ask(api, &g.action, g.params.as_deref().unwrap_or("{}"), &g.absent)),
                    refuse: reader.jq(&g.refuse),
                })
                .collect(),
            states: head
                .state
                .iter()
                .map(|s| Watched {
                    id: s.id.clone(),
                    ask: reader.ask(&s.api, &s.action, &s.params, &s.absent),
                    value: reader.jq(&s.value),
                    want: reader.jq(&s.want),
                })
                .collect(),
            acts: head.call.iter().map(|c| reader.act(c)).collect(),
        };
        if playbook.acts.iter().any(|a| a.undo.is_empty()) {
            reader.fail("every [[call]] needs an [[call.undo]] that leads back".to_owned());
        }
        if reader.errors.is_empty() { Ok(playbook) } else { Err(reader.errors) }
    }

    /// All calls that only read.
    pub(crate) fn reads(&self) -> impl Iterator<Item = &Ask> {
        let lookups = self.lookups.iter().map(|l| &l.ask);
        lookups.chain(self.guards.iter().filter_map(|g| g.ask.as_ref())).chain(self.states.iter().map(|s| &s.ask))
    }

    /// All IAM actions that the playbook may need.
    pub fn permissions(&self) -> Vec<String> {
        let reads = self.reads();
        let acts = self.acts.iter().flat_map(|a| std::iter::once(&a.ask).chain(a.undo.iter().map(|u| &u.ask)));
        let mut actions: Vec<String> = reads.chain(acts).map(|ask| ask.action.clone()).collect();
        actions.sort_unstable();
        actions.dedup();
        actions
    }
}

struct Reader<'a> {
    document: &'a Document,
    errors: Vec<Error>,
}

impl Reader<'_> {
    fn fail(&mut self, message: String) {
        self.errors.push(self.document.error(2, message));
    }

    fn jq(&mut self, text: &str) -> Jq {
        let jq = Jq::new(text, 2);
        if let Err((line, message)) = jq.check() {
            self.errors.push(self.document.error(line, format!("`{text}`: {message}")));
        }
        jq
    }

    fn ask(&mut self, api: &str, action: &Option<String>, params: &str, fine: &[String]) -> Ask {
        let (service, operation) = api.split_once(':').unwrap_or((api, ""));
        if !yagura_aws::knows(service, operation) {
            self.fail(format!("`{api}` is no AWS operation: write service:Operation as the SDKs name them"));
        }
        Ask {
            service: service.to_owned(),
            operation: operation.to_owned(),
            action: action.clone().unwrap_or_else(|| api.to_owned()),
            params: self.jq(params),
            fine: fine.to_vec(),
        }
    }

    fn act(&mut self, head: &CallHead) -> Act {
        Act {
            ask: self.ask(&head.api, &head.action, &head.params, &head.done),
            when: head.when.as_deref().map(|text| self.jq(text)),
            over: head.over.as_deref().map(|text| self.jq(text)),
            undo: head.undo.iter().map(|undo| self.act(undo)).collect(),
        }
    }
}
