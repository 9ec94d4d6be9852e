use serde::Deserialize;
use yagura_content::{Document, Error, Kind, Library};
use yagura_model::Text;

/// A catalogue of requirements, each with the controls that answer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framework {
    pub id: String,
    pub title: Text,
    pub version: String,
    pub items: Vec<Item>,
    pub file: String,
}

/// One requirement.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    pub id: String,
    pub title: Text,
    #[serde(default)]
    pub controls: Vec<String>,
    /// A person must answer it: no configuration tells.
    #[serde(default)]
    pub manual: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: String,
    title: Text,
    version: String,
    #[serde(default)]
    item: Vec<Item>,
}

impl Framework {
    /// Reads `content/frameworks/*.toml`.
    ///
    /// # Errors
    /// A head that doesn't read, an item that stands twice, a control that isn't there.
    pub(crate) fn read(document: &Document, library: &Library) -> Result<Framework, Vec<Error>> {
        let head: Head = document.head().map_err(|e| vec![e])?;
        let mut errors = Vec::new();
        for (i, item) in head.item.iter().enumerate() {
            if head.item[..i].iter().any(|earlier| earlier.id == item.id) {
                errors.push(document.error(1, format!("item `{}` stands twice: ids are unique", item.id)));
            }
            for control in &item.controls {
                if library.get(Kind::Control, control).is_none() {
                    errors
                        .push(document.error(1, format!("item `{}` names `{control}`, which is no control", item.id)));
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Framework {
            id: head.id,
            title: head.title,
            version: head.version,
            items: head.item,
            file: document.file.clone(),
        })
    }

    /// The ids of all controls that answer some item, each once.
    pub fn controls(&self) -> impl Iterator<Item = &str> {
        let mut ids: Vec<&str> = self.items.iter().flat_map(|item| &item.controls).map(String::as_str).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter()
    }
}
