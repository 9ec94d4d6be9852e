use std::collections::BTreeMap;
use yagura_content::{Kind, Library};
use yagura_model::{Severity, Text};
use yagura_posture::Stage;

/// What deciding needs to know of a rule: how early it comes, how long its fix takes, which playbook does it.
#[derive(Clone, Debug)]
pub struct Topic {
    /// A control, else a detection.
    pub control: bool,
    pub title: Text,
    pub body: Text,
    pub severity: Severity,
    pub stage: Option<Stage>,
    pub minutes: Option<u32>,
    pub cost: Option<String>,
    pub risk: Option<String>,
    pub playbook: Option<String>,
    pub attack: Vec<String>,
    pub file: String,
}

/// The rules' topics by id, taken from the content once.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    topics: BTreeMap<String, Topic>,
}

impl Catalog {
    /// Reads the heads of all controls and detections.
    pub fn of(library: &Library) -> Catalog {
        let mut topics = BTreeMap::new();
        for document in library.of(Kind::Control).chain(library.of(Kind::Detection)) {
            let word = |key: &str| document.value(key).and_then(|v| v.as_str()).map(str::to_owned);
            let topic = Topic {
                control: document.kind == Kind::Control,
                title: document.title.clone(),
                body: document.body.clone(),
                severity: word("severity").and_then(|s| s.parse().ok()).unwrap_or(Severity::Medium),
                stage: word("stage").and_then(|s| Stage::ALL.iter().copied().find(|v| v.as_str() == s)),
                minutes: document.value("minutes").and_then(|v| v.as_integer()).and_then(|m| u32::try_from(m).ok()),
                cost: word("cost"),
                risk: word("risk"),
                playbook: word("playbook"),
                attack: document
                    .value("attack")
                    .and_then(|v| v.as_array())
                    .map(|a| a.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect())
                    .unwrap_or_default(),
                file: document.file.clone(),
            };
            topics.insert(document.id.clone(), topic);
        }
        Catalog { topics }
    }

    pub fn get(&self, rule: &str) -> Option<&Topic> {
        self.topics.get(rule)
    }

    /// All topics with their rule's id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Topic)> {
        self.topics.iter().map(|(id, topic)| (id.as_str(), topic))
    }
}
