use crate::{Document, Error, FILES, Kind};
use std::collections::BTreeMap;

/// All content by kind and id: what is built in, under what a user added.
#[derive(Clone, Debug, Default)]
pub struct Library {
    documents: BTreeMap<(Kind, String), Document>,
}

impl Library {
    /// The content that is built into this binary.
    ///
    /// # Errors
    /// Every file that can't be read; a released binary has none, since the test of the index would have failed.
    pub fn builtin() -> Result<Library, Vec<Error>> {
        let mut library = Library::default();
        let errors = library.add(FILES.iter().copied(), false);
        if errors.is_empty() { Ok(library) } else { Err(errors) }
    }

    /// How many files are built in.
    pub fn builtin_files() -> usize {
        FILES.len()
    }

    /// Adds files given as (path below the content root, text). With `replace`, a file with a known id takes the
    /// place of the older one; without, it is an error. Bad files are left out and reported.
    pub fn add<'a>(&mut self, files: impl IntoIterator<Item = (&'a str, &'a str)>, replace: bool) -> Vec<Error> {
        let mut errors = Vec::new();
        let mut added: BTreeMap<(Kind, String), String> = BTreeMap::new();
        for (path, text) in files {
            let Some(kind) = Kind::of_path(path) else {
                errors.push(Error {
                    file: path.to_owned(),
                    line: 1,
                    message: "unknown kind of content: put the file below controls/, detections/, escalations/, frameworks/, \
                              playbooks/, resources/ or targets/"
                        .to_owned(),
                });
                continue;
            };
            let document = match Document::parse(kind, path, text) {
                Ok(document) => document,
                Err(e) => {
                    errors.push(e);
                    continue;
                }
            };
            let key = (kind, document.id.clone());
            let earlier = added
                .get(&key)
                .cloned()
                .or_else(|| if replace { None } else { self.documents.get(&key).map(|d| d.file.clone()) });
            if let Some(earlier) = earlier {
                errors.push(document.error(1, format!("{kind} `{}` is already in `{earlier}`: ids are unique", key.1)));
                continue;
            }
            added.insert(key.clone(), path.to_owned());
            self.documents.insert(key, document);
        }
        errors
    }

    /// All documents of a kind, by id.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(move |((k, _), _)| *k == kind).map(|(_, d)| d)
    }

    pub fn get(&self, kind: Kind, id: &str) -> Option<&Document> {
        self.documents.get(&(kind, id.to_owned()))
    }

    /// Everything, by kind and id.
    pub fn all(&self) -> impl Iterator<Item = &Document> {
        self.documents.values()
    }

    pub fn len(&self) -> usize {
        self.documents.len()
    }

    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }
}
