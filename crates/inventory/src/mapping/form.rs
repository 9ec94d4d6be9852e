//! Resource files as typed values, and all of them indexed: by type, by Terraform type, by the parts that fold in.

use super::{
    Jq,
    run::{Fold, Place},
};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use yagura_content::{Document, Error, Kind, Library};
use yagura_model::{Source, Text};

/// How often a type is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Once for an account.
    Global,
    /// Once for each Region of an account.
    Regional,
}

/// What a step is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its answer holds the items.
    List,
    /// Once for all items.
    Shared,
    /// Once for each item, or for each of the item's `over` values.
    Item,
}

/// One call by which a live account is read.
pub struct Step {
    pub id: String,
    pub service: String,
    pub operation: String,
    /// The IAM action that it needs.
    pub action: String,
    pub role: Role,
    pub params: Option<Jq>,
    pub each: Option<Jq>,
    pub over: Option<Jq>,
    pub when: Option<Jq>,
    pub join: Option<Join>,
    pub locates: bool,
    pub region: Option<String>,
    pub absent: Vec<String>,
    pub start: Option<Start>,
    pub wait: Vec<String>,
    /// Over an answer: whether the job is done.
    pub until: Option<Jq>,
    /// The member of the answer that is CSV.
    pub csv: Option<String>,
    /// Made only if a person asks for what goes by this name.
    pub with: Option<String>,
}

/// How the rows of a shared answer find their item.
pub struct Join {
    pub rows: Jq,
    pub by: Jq,
    pub key: Jq,
}

/// A job that AWS must do before a step can be answered.
pub struct Start {
    pub service: String,
    pub operation: String,
    pub action: String,
}

/// A resource type: how its evidence is read from every source.
pub struct Type {
    pub kind: String,
    pub service: String,
    pub title: Text,
    pub scope: Scope,
    pub arn: Option<String>,
    /// What AWS Config calls the type.
    pub config_type: String,
    /// CloudFormation properties whose literal value names the resource.
    pub names: Vec<String>,
    /// The property that is the resource's own policy.
    pub(super) policy: Option<String>,
    /// What its policies speak of, where that is not the resource's own ARN.
    pub(super) guards: Option<String>,
    /// By a form of what is asked about, the IAM actions that get at the resource's data.
    pub(super) data: BTreeMap<String, Vec<String>>,
    pub item_region: Option<Jq>,
    pub gone: Vec<String>,
    pub steps: Vec<Step>,
    /// Terraform types that are this type, with the attributes that name it.
    pub terraform: Vec<(String, Vec<String>)>,
    pub folds: Vec<Fold>,
    /// `{"properties", "observed"}` with every path that a control may read.
    pub sample: serde_json::Value,
    pub(super) policies: Option<Jq>,
    pub(super) live: Option<Jq>,
    pub(super) config: Option<Jq>,
    pub(super) cloudformation: Option<Jq>,
    pub(super) terraform_jq: HashMap<String, usize>,
    pub(super) terraform_blocks: Vec<Jq>,
}

/// All resource types that the content knows.
#[derive(Default)]
pub struct Catalog {
    types: BTreeMap<String, Type>,
    terraform: HashMap<String, String>,
    parts: HashMap<(Source, String), Vec<(String, usize)>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
    service: String,
    scope: Scope,
    arn: Option<String>,
    config: Option<String>,
    #[serde(default)]
    names: Vec<String>,
    policy: Option<String>,
    guards: Option<String>,
    #[serde(default)]
    data: BTreeMap<String, Vec<String>>,
    item_region: Option<String>,
    #[serde(default)]
    gone: Vec<String>,
    #[serde(default)]
    call: Vec<CallHead>,
    #[serde(default)]
    terraform: Vec<TerraformHead>,
    #[serde(default)]
    fold: Vec<FoldHead>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallHead {
    id: String,
    api: String,
    action: Option<String>,
    params: Option<String>,
    each: Option<String>,
    per: Option<Per>,
    over: Option<String>,
    when: Option<String>,
    join: Option<JoinHead>,
    #[serde(default)]
    locates: bool,
    region: Option<String>,
    #[serde(default)]
    absent: Vec<String>,
    start: Option<String>,
    #[serde(default)]
    wait: Vec<String>,
    until: Option<String>,
    decode: Option<String>,
    with: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JoinHead {
    rows: String,
    by: String,
    key: String,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Per {
    Item,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TerraformHead {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FoldHead {
    cloudformation: Option<String>,
    terraform: Option<String>,
    config: Option<String>,
    owner: String,
    jq: String,
}

impl Catalog {
    /// Reads all resource files. Bad ones are left out and reported; jq is compiled when it is first run, or by
    /// [`super::test()`].
    pub fn read(library: &Library) -> (Catalog, Vec<Error>) {
        let (mut catalog, mut errors) = (Catalog::default(), Vec::new());
        for document in library.of(Kind::Resource) {
            match read_type(document) {
                Ok(kind) => catalog.add(kind),
                Err(e) => errors.push(e),
            }
        }
        (catalog, errors)
    }

    /// All types, by name.
    pub fn types(&self) -> impl Iterator<Item = &Type> {
        self.types.values()
    }

    /// The type with this CloudFormation name.
    pub fn get(&self, kind: &str) -> Option<&Type> {
        self.types.get(kind)
    }

    /// The type that AWS Config calls so.
    pub fn by_config(&self, config: &str) -> Option<&Type> {
        self.get(config).filter(|t| t.config_type == config).or_else(|| self.types().find(|t| t.config_type == config))
    }

    /// The type that a Terraform type is.
    pub fn by_terraform(&self, terraform: &str) -> Option<&Type> {
        self.get(self.terraform.get(terraform)?)
    }

    /// The owners' types that a part of `source` folds into, in the order of their files. A live account has no parts.
    pub fn folds(&self, source: Source, part: &str) -> impl Iterator<Item = (&Type, &Fold)> {
        let found = self.parts.get(&(source, part.to_owned()));
        found.into_iter().flatten().filter_map(|(kind, i)| {
            let owner = self.get(kind)?;
            Some((owner, owner.folds.get(*i)?))
        })
    }

    fn add(&mut self, kind: Type) {
        for (terraform, _) in &kind.terraform {
            self.terraform.insert(terraform.clone(), kind.kind.clone());
        }
        for (i, fold) in kind.folds.iter().enumerate() {
            self.parts.entry((fold.source, fold.part.clone())).or_default().push((kind.kind.clone(), i));
        }
        self.types.insert(kind.kind.clone(), kind);
    }
}

impl Type {
    /// The ARN by the head's form; `None` when the form needs what is not given.
    pub fn arn_of(&self, id: &str, region: Option<&str>, place: &Place) -> Option<String> {
        filled(self.arn.as_deref()?, id, region, place)
    }

    /// The names of what is read only if a person asks for it.
    pub fn extras(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| step.with.as_deref())
    }

    /// The IAM actions by which the type is read, in the order of the file.
    pub fn actions(&self) -> Vec<&str> {
        let mut actions = Vec::new();
        for step in &self.steps {
            let start = step.start.as_ref().map(|s| s.action.as_str());
            for action in start.into_iter().chain([step.action.as_str()]) {
                if !actions.contains(&action) {
                    actions.push(action);
                }
            }
        }
        actions
    }
}

/// An ARN by a form of the head.
pub(super) fn filled(form: &str, id: &str, region: Option<&str>, place: &Place) -> Option<String> {
    let mut arn = form.to_owned();
    for (key, value) in [
        ("{partition}", Some(place.partition.as_str())),
        ("{account}", place.account.as_deref()),
        ("{region}", region),
        ("{id}", Some(id)),
    ] {
        if arn.contains(key) {
            arn = arn.replace(key, value?);
        }
    }
    Some(arn)
}

fn read_type(document: &Document) -> Result<Type, Error> {
    let head: Head = document.head()?;
    let bad = |message: String| document.error(2, message);
    let mut steps = Vec::new();
    for call in head.call {
        steps.push(read_step(call).map_err(bad)?);
    }
    if steps.iter().filter(|s| s.role == Role::List).count() > 1 {
        return Err(bad("only one `[[call]]` may have `each`: split the type, or list inside `per`".to_owned()));
    }
    let folds = head.fold.into_iter().map(|f| read_fold(f).map_err(bad)).collect::<Result<_, _>>()?;
    let mut kind = Type {
        config_type: head.config.unwrap_or_else(|| head.kind.clone()),
        kind: head.kind,
        service: head.service,
        title: document.title.clone(),
        scope: head.scope,
        arn: head.arn,
        names: head.names,
        policy: head.policy,
        guards: head.guards,
        data: head.data,
        item_region: head.item_region.map(|t| Jq::new(t, 2)),
        gone: head.gone,
        steps,
        terraform: head.terraform.into_iter().map(|t| (t.kind, t.names)).collect(),
        folds,
        sample: serde_json::Value::Null,
        policies: None,
        live: None,
        config: None,
        cloudformation: None,
        terraform_jq: HashMap::new(),
        terraform_blocks: Vec::new(),
    };
    read_blocks(document, &mut kind)?;
    Ok(kind)
}

fn read_blocks(document: &Document, kind: &mut Type) -> Result<(), Error> {
    let shared: String = document.blocks("jq").filter(|b| b.label == "shared").map(|b| b.text.as_str()).collect();
    let shared_lines = shared.matches('\n').count();
    for block in document.blocks("jq").filter(|b| b.label != "shared") {
        // The shared definitions stand in front; counting back over them keeps the block's own lines right.
        let jq = Jq::new(format!("{shared}{}", block.text), block.line.saturating_sub(shared_lines));
        let mut words = block.label.split_whitespace();
        match words.next() {
            Some("policy") => kind.policies = Some(jq),
            Some("live") => kind.live = Some(jq),
            Some("config") => kind.config = Some(jq),
            Some("cloudformation") => kind.cloudformation = Some(jq),
            Some("terraform") => {
                kind.terraform_blocks.push(jq);
                for name in words {
                    if !kind.terraform.iter().any(|(t, _)| t == name) {
                        let message = format!("`{name}` has no `[[terraform]]` entry in the head: add one");
                        return Err(document.error(block.line - 1, message));
                    }
                    kind.terraform_jq.insert(name.to_owned(), kind.terraform_blocks.len() - 1);
                }
            }
            _ => {
                let message = "a jq block says what it is for: `live`, `config`, `cloudformation`, `terraform TYPE`, `policy` or `shared`";
                return Err(document.error(block.line - 1, message));
            }
        }
    }
    for (name, _) in &kind.terraform {
        if !kind.terraform_jq.contains_key(name) {
            return Err(document.error(2, format!("`{name}` has no block: write ```jq terraform {name}")));
        }
    }
    if let Some(sample) = document.blocks("sample").next() {
        kind.sample = serde_json::from_str(&sample.text)
            .map_err(|e| document.error(sample.line + e.line().saturating_sub(1), format!("not JSON: {e}")))?;
    }
    Ok(())
}

fn read_step(call: CallHead) -> Result<Step, String> {
    let (service, operation) = split_api(&call.api)?;
    let role = match (&call.each, call.per) {
        (Some(_), Some(_)) => return Err(format!("call `{}`: `each` and `per` exclude each other", call.id)),
        (Some(_), None) => Role::List,
        (None, Some(Per::Item)) => Role::Item,
        (None, None) => Role::Shared,
    };
    if role != Role::Item && (call.over.is_some() || call.locates) {
        return Err(format!("call `{}`: `over` and `locates` need `per = \"item\"`", call.id));
    }
    if role != Role::Shared && call.join.is_some() {
        return Err(format!("call `{}`: only a shared call (no `each`, no `per`) can have `join`", call.id));
    }
    let start = call.start.as_deref().map(split_api).transpose()?;
    let csv = match call.decode.as_deref().map(|d| d.split_once(':')) {
        None => None,
        Some(Some(("csv", member))) => Some(member.to_owned()),
        Some(_) => return Err(format!("call `{}`: `decode` is `csv:Member`", call.id)),
    };
    let jq = |text: Option<String>| text.map(|t| Jq::new(t, 2));
    Ok(Step {
        action: call.action.unwrap_or_else(|| format!("{}:{operation}", iam_prefix(&service))),
        id: call.id,
        service,
        operation,
        role,
        params: jq(call.params),
        each: jq(call.each),
        over: jq(call.over),
        when: jq(call.when),
        join: call.join.map(|j| Join { rows: Jq::new(j.rows, 2), by: Jq::new(j.by, 2), key: Jq::new(j.key, 2) }),
        locates: call.locates,
        region: call.region,
        absent: call.absent,
        start: start.map(|(service, operation)| Start {
            action: format!("{}:{operation}", iam_prefix(&service)),
            service,
            operation,
        }),
        wait: call.wait,
        until: jq(call.until),
        csv,
        with: call.with,
    })
}

fn read_fold(fold: FoldHead) -> Result<Fold, String> {
    let (source, part) = match (fold.cloudformation, fold.terraform, fold.config) {
        (Some(part), None, None) => (Source::CloudFormation, part),
        (None, Some(part), None) => (Source::Terraform, part),
        (None, None, Some(part)) => (Source::Config, part),
        _ => return Err("a `[[fold]]` has one of `cloudformation`, `terraform` and `config`".to_owned()),
    };
    Ok(Fold { source, part, owner: fold.owner, jq: Jq::new(fold.jq, 2) })
}

fn split_api(api: &str) -> Result<(String, String), String> {
    match api.split_once(':') {
        Some((s, o)) if !s.is_empty() && !o.is_empty() => Ok((s.to_owned(), o.to_owned())),
        _ => Err(format!("`{api}` is no API operation: write `service:Operation`, as `s3:ListBuckets`")),
    }
}

/// The prefix of a service's IAM actions where it isn't botocore's name (AWS service authorization reference).
fn iam_prefix(service: &str) -> &str {
    match service {
        "s3control" => "s3",
        "accessanalyzer" => "access-analyzer",
        "elb" | "elbv2" => "elasticloadbalancing",
        "efs" => "elasticfilesystem",
        "emr" => "elasticmapreduce",
        "stepfunctions" => "states",
        "opensearch" => "es",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str, blocks: &str) -> Result<Type, Error> {
        let text = format!("+++\n{head}\n+++\n## en: T\n## ja: T\n{blocks}");
        read_type(&Document::parse(Kind::Resource, "resources/x/y.md", &text).expect("parses"))
    }

    const HEAD: &str = "type = \"AWS::X::Y\"\nservice = \"x\"\nscope = \"regional\"\n";

    #[test]
    fn config_may_call_a_type_by_another_name() {
        let library = Library::builtin().expect("content loads");
        let (catalog, errors) = Catalog::read(&library);
        assert_eq!(errors, []);
        let named = |config| catalog.by_config(config).map(|t| t.kind.as_str());
        assert_eq!(named("AWS::IAM::Policy"), Some("AWS::IAM::ManagedPolicy"));
        assert_eq!(named("AWS::IAM::ManagedPolicy"), None);
        assert_eq!(named("AWS::S3::Bucket"), Some("AWS::S3::Bucket"));
    }

    #[test]
    fn a_wrong_file_is_told_what_to_do() {
        for (head, blocks, message) in [
            ("oops = 1", "", "unknown field `oops`"),
            ("[[call]]\nid = \"a\"\napi = \"ListThings\"", "", "write `service:Operation`"),
            ("[[call]]\nid = \"a\"\napi = \"x:A\"\neach = \".\"\nper = \"item\"", "", "exclude each other"),
            ("[[call]]\nid = \"a\"\napi = \"x:A\"\nlocates = true", "", "need `per = \"item\"`"),
            ("[[terraform]]\ntype = \"aws_x\"", "", "write ```jq terraform aws_x"),
            ("[[fold]]\nowner = \"a\"\njq = \".\"", "", "one of `cloudformation`, `terraform` and `config`"),
            ("", "```jq terraform aws_x\n.\n```\n", "has no `[[terraform]]` entry"),
            ("", "```jq\n.\n```\n", "says what it is for"),
            ("", "```sample\n{\n```\n", "not JSON"),
        ] {
            let error = read(&format!("{HEAD}{head}"), blocks).err().expect(message);
            assert!(error.message.contains(message), "{error}");
        }
    }

    #[test]
    fn actions_name_the_started_job_too() {
        let steps = "[[call]]\nid = \"r\"\napi = \"iam:Get\"\nstart = \"iam:Make\"\n[[call]]\nid = \"b\"\napi = \"s3control:Get\"\n";
        let kind = read(&format!("{HEAD}{steps}"), "").expect("reads");
        assert_eq!(kind.actions(), ["iam:Make", "iam:Get", "s3:Get"]);
    }

    #[test]
    fn an_arn_is_made_only_from_what_is_known() {
        let head = format!("{HEAD}arn = \"arn:{{partition}}:x:{{region}}:{{account}}:y/{{id}}\"");
        let kind = read(&head, "").expect("reads");
        let mut place = Place { partition: "aws".to_owned(), ..Place::default() };
        assert_eq!(kind.arn_of("a", Some("r"), &place), None);
        place.account = Some("1".to_owned());
        assert_eq!(kind.arn_of("a", Some("r"), &place).as_deref(), Some("arn:aws:x:r:1:y/a"));
    }
}
