//! Evidence from files, for `yagura check`: CloudFormation and SAM templates, `terraform show -json` plans and states,
//! AWS Config snapshots and histories, and the resource lists that `yagura scan` writes.
//!
//! A file's kind is told by its content. Whatever a file holds, nothing here panics and memory stays bounded: what
//! can't be read becomes a [`Problem`], one for each file, and the rest is judged.
//!
//! # What a template doesn't tell
//!
//! A template parameter has the value that was given, else its default (what a deployment without further words uses);
//! one without either is unknown, with the reason `Parameter NAME`. A Terraform attribute that the plan marks is
//! unknown with the reason `known after apply`, unless the configuration doesn't set it and the resource is new: then
//! it is absent, as a property that a template leaves out.

mod body;
mod cloudformation;
mod config;
mod fold;
mod kind;
mod parameters;
mod problem;
mod records;
mod scan;
mod terraform;
mod walk;

pub use parameters::Parameters;
pub use problem::Problem;
pub use records::write as write_resources;

use crate::live::global_region;
use crate::mapping::{Catalog, Scope, Type};
use body::Body;
use kind::{Guess, Kind};
use problem::{Words, words};
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf};
use yagura_model::{Inventory, Resource, partition_of};

/// Something to read.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file, or a folder that is walked.
    Path(PathBuf),
    /// Content that is in memory already, with the name by which it is spoken of.
    Bytes(String, Vec<u8>),
}

/// How files are read.
pub struct Options<'a> {
    /// The resource files, which say how Config and Terraform write each type.
    pub catalog: &'a Catalog,
    /// Values for the parameters of CloudFormation templates.
    pub parameters: Parameters,
    /// Where templates will be deployed, when that is known: `AWS::AccountId` and `AWS::Region`.
    pub account: Option<String>,
    pub region: Option<String>,
}

/// What the files gave.
#[derive(Debug, Default)]
pub struct FilesResult {
    pub inventory: Inventory,
    /// At most one for each file, in the order of reading.
    pub problems: Vec<Problem>,
    /// Files that held evidence of which at least some could be read.
    pub files_read: usize,
    /// Of an account's state, not all was read: a history tells of what changed, a damaged file lacks a part. What is
    /// not here may still be there.
    pub partial: bool,
}

/// Reads all inputs. Of the AWS Config items about one resource, in whichever files they stand, the newest holds.
pub fn read(inputs: &[Input], options: &Options<'_>) -> FilesResult {
    let mut reader = Reader { options, result: FilesResult::default(), items: config::Items::default() };
    for input in inputs {
        match input {
            Input::Path(path) => {
                let before = (reader.result.files_read, reader.result.problems.len());
                for found in walk::expand(path, &mut reader.result.problems) {
                    let file = found.path.display().to_string();
                    match Body::open(&found.path) {
                        Ok(body) => reader.file(&file, body, found.named),
                        Err(e) => reader.result.problems.push(Problem::unreadable(&found.path, &e)),
                    }
                }
                if before == (reader.result.files_read, reader.result.problems.len()) {
                    let what = ("holds nothing that can be judged", "判定できるファイルがありません");
                    reader.problem(&path.display().to_string(), what, GIVE);
                }
            }
            Input::Bytes(name, bytes) => match Body::from_bytes(bytes.clone()) {
                Ok(body) => reader.file(name, body, true),
                Err(e) => reader.result.problems.push(Problem::unreadable(name.as_ref(), &e)),
            },
        }
    }
    let resources = reader.items.finish(options, &mut reader.result.problems);
    reader.result.inventory.resources.extend(resources);
    reader.result.problems = problem::one_a_file(reader.result.problems);
    reader.result
}

const GIVE: kind::Said = (
    "give a template, the output of `terraform show -json`, or a Config snapshot",
    "テンプレート、`terraform show -json` の出力、Config スナップショットのいずれかを指定してください",
);

struct Reader<'a> {
    options: &'a Options<'a>,
    result: FilesResult,
    items: config::Items,
}

impl Reader<'_> {
    fn file(&mut self, file: &str, mut body: Body, named: bool) {
        if body.is_binary() && !body.head.starts_with(b"PK") {
            return self.other(file, &body, named);
        }
        let mut guess = kind::guess(&body.head);
        if !matches!(guess, Guess::Is(Kind::Config | Kind::Resources)) {
            body.take_whole();
            guess = kind::guess(&body.head);
        }
        let kind = match guess {
            Guess::Is(kind) => kind,
            Guess::Near(what, hint) if named => return self.problem(file, what, hint),
            Guess::Near(..) => return,
            Guess::Other => return self.other(file, &body, named),
        };
        let problems = &mut self.result.problems;
        let (before, state) = (problems.len(), matches!(kind, Kind::Config | Kind::Resources));
        self.result.partial |= kind == Kind::Config && !kind::is_snapshot(&body.head);
        let read = match kind {
            Kind::Config => self.items.read(file, &mut body.stream(), self.options, problems),
            Kind::Resources => records::read(file, &mut body.stream(), &mut self.result.inventory, problems),
            Kind::Template | Kind::Terraform if !body.is_whole() => {
                return self.problem(
                    file,
                    ("is larger than 64 MiB", "64 MiB を超えています"),
                    ("split it, or give only the part that matters", "分割するか、必要な部分だけを指定してください"),
                );
            }
            Kind::Template => {
                let text = body.text(file, problems);
                self.template(file, &text, named)
            }
            Kind::Terraform => {
                let resources = terraform::read(file, &body.head, self.options, problems);
                self.take(resources)
            }
        };
        if let Some(damage) = body.damage() {
            let hint = (
                "get the file again; what could be read of it was judged",
                "取得し直してください。読み取れた部分は判定しました",
            );
            self.problem(file, damage, hint);
        }
        self.result.files_read += usize::from(read);
        self.result.partial |= state && self.result.problems.len() > before;
    }

    fn template(&mut self, file: &str, text: &str, named: bool) -> bool {
        let mut told = Vec::new();
        let resources = cloudformation::read(file, text, self.options, &mut told);
        // In a folder, a `Resources:` line alone makes no template of a text.
        if named || resources.is_some() || cloudformation::looks_like_one(text) {
            self.result.problems.extend(told);
        }
        self.take(resources)
    }

    fn take(&mut self, resources: Option<Vec<Resource>>) -> bool {
        let found = resources.is_some();
        self.result.inventory.resources.extend(resources.unwrap_or_default());
        found
    }

    /// A file that holds no evidence: worth a word only when the user named it.
    fn other(&mut self, file: &str, body: &Body, named: bool) {
        if !named {
            return;
        }
        let what = match body.stopped() {
            Some(damage) => damage.clone(),
            None if body.head.iter().all(u8::is_ascii_whitespace) => words("is empty", "空です"),
            None => words(
                "is no CloudFormation template, Terraform plan or state, AWS Config snapshot or resource list",
                "CloudFormation テンプレート、Terraform のプランや state、AWS Config スナップショット、リソース一覧のいずれでもありません",
            ),
        };
        self.problem(file, what, GIVE);
    }

    fn problem(&mut self, file: &str, message: impl Into<Words>, hint: impl Into<Words>) {
        self.result.problems.push(Problem::new(file, message, hint));
    }
}

/// The Region of a template's resource: a service without Regions has its lines in the partition's global one.
fn region_of(kind: &Type, region: Option<String>) -> Option<String> {
    if kind.scope == Scope::Regional || kind.item_region.is_some() {
        return region;
    }
    let partition = partition_of(region.as_deref().unwrap_or_default());
    Some(global_region(partition).to_owned())
}

/// The tags among CloudFormation properties: a list of keys and values, or a map.
fn tags(properties: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match properties.get("Tags") {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|tag| Some((tag.get("Key")?.as_str()?.to_owned(), text(tag.get("Value")?))))
            .collect(),
        Some(Value::Object(map)) => map.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
        _ => BTreeMap::new(),
    }
}
