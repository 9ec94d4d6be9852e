//! What a resource type's evidence looks like, and how it is reshaped: `content/resources/<service>/<name>.md`, read
//! into typed [`Type`]s and compiled jq. One file is all that a type needs; this module only knows the form.
//!
//! # The form of a resource file
//!
//! Head (TOML):
//! ```toml
//! type = "AWS::S3::Bucket"             # CloudFormation name, the id of the file
//! service = "s3"                       # what `--service` names
//! scope = "global"                     # global: one listing an account; regional: one an account and Region
//! arn = "arn:{partition}:s3:::{id}"    # {partition} {region} {account} {id}; a jq block's own `arn` goes first
//! config = "AWS::S3::Bucket"           # what AWS Config calls the type, where that is another name
//! names = ["BucketName"]               # CloudFormation properties whose literal value names the resource elsewhere
//! policy = "PolicyDocument"            # the property that is the resource's own policy: who may do what to it; where
//! #                                      more than a policy says that, a block `jq policy`
//! guards = "arn:{partition}:execute-api:{region}:{account}:{id}"   # what the policies speak of, and all that lies in it,
//! #                                      where that is not the resource's own ARN
//! data = { "{arn}/*" = ["s3:GetObject"] }   # IAM actions that read its data, change it or hand it on, by what they are
//! #                                      asked of; {arn} is what the policies speak of
//! item_region = '.item.BucketRegion'   # jq; only where a global listing gives things that live in one Region
//! gone = ["NoSuchBucket"]              # error codes of a detail call that mean: deleted since it was listed
//!
//! [[call]]                             # how a live account is read, in order
//! id = "tagging"                       # later steps and blocks find the answer at .calls.tagging
//! api = "s3:ListBuckets"               # botocore's service and operation names
//! action = "s3:ListAllMyBuckets"       # IAM action, when it isn't the service's IAM prefix and the operation
//! params = '{MaxBuckets: 1000}'        # jq over {item, calls, each, account, region, partition}; with `each`, each value
//! #                                      it gives is a call
//! each = '.Buckets[]'                  # jq over the answer (with account, region, partition, regions beside its members): the
//! #                                      items. A type without such a step has one item an account (or Region). Its
//! #                                      failure is a gap of the type.
//! per = "item"                         # once for each item. Without `each` and `per`: once, shared by all items
//! over = '.calls.keys.AccessKeyMetadata[]'  # with `per`: once for each value (`.each`); the answer is
//! #                                      [{each, answer}]
//! join = { rows = '.FlowLogs[]', by = '.ResourceId', key = '.item.VpcId' }   # shared calls: an item sees only the
//! #                                      rows whose `by` equals its `key`, as a list, however long the answer is
//! locates = true                       # with `per`: called before `item_region` is computed
//! when = '.item.BucketRegion == null'  # jq; false: not called, the answer is null
//! absent = ["NoSuchTagSet"]            # error codes that mean null; `Code: words` also wants words in the message
//! region = "us-east-1"                 # a fixed Region for this call
//! start = "iam:GenerateCredentialReport"     # a job to start first, then `api` is asked until its error is none of
//! wait = ["ReportInProgress"]          # these codes
//! until = '.JobStatus != "IN_PROGRESS"'      # jq over the answer; asked again while it is false
//! with = "last-accessed"               # made only if `scan --with` asks for it; else the answer is null
//! decode = "csv:Content"               # that blob of the answer is CSV: the answer becomes the rows, as objects
//!
//! [[terraform]]                        # Terraform types that are this type
//! type = "aws_s3_bucket"
//! names = ["bucket", "id", "arn"]      # attributes by whose (known) value other resources name it
//!
//! [[fold]]                             # what a source writes as a thing of its own, put into its owner; in order
//! cloudformation = "AWS::S3::BucketPolicy"   # or `terraform = "aws_…"`, or `config = "AWS::…"` (a Config item)
//! owner = "Bucket"                     # property (attribute) of the part that names the owner, or a list of them:
//! #                                      Ref, GetAtt, Sub, a reference, or a literal equal to one of `names` (for a
//! #                                      Config item: a dotted path into the item, equal to the owner's id or ARN)
//! jq = '.owner + {PolicyDocument: .part.PolicyDocument}'   # over {owner, part, account, region, partition}:
//! #                                      the owner's properties before, the part's properties → the owner's after
//! ```
//!
//! Blocks:
//! - `jq live`: `{item, calls, account, region, partition}` → `{id, arn, region, tags, properties, observed, relations}`
//!   (`id` and `properties` at least). No output: the item isn't one of this type.
//! - `jq config`: `{item, account, region, partition}`, `item` a Config item whose `configuration` and
//!   `supplementaryConfiguration.*` are parsed where they were JSON in a string → the same. What is left out is taken
//!   from the item: `id` from resourceId (resourceName if absent), `arn`, `region`, `tags`. Keys that the `sample`
//!   has and the output lacks become unknown: AWS Config doesn't record them.
//! - `jq terraform aws_s3_bucket [more types]`: `{values, address, configured, account, region, partition}`, `values` the
//!   planned attributes with unknown markers where the plan says "known after apply", `configured` the names of the
//!   attributes and blocks that the configuration sets, or null → `{properties, tags}`.
//! - `jq cloudformation` (only where the template's shape differs from ours): `{properties, account, region,
//!   partition}` → `{properties}`.
//! - `jq policy`: the resource → `{NAME: POLICY}`, all that says who may do what to it, written as policies of resources: an
//!   access control list, whom it is shared with.
//! - `jq shared`: definitions (`def f: …;`) that stand in front of every other block of the file.
//! - `sample`: `{"properties": …, "observed": …}` that has every path a control may read.
//! - `case live|config|terraform TYPE|cloudformation|policy`: `{"input": …, "output": …}`, run by [`test()`]. The output's keys
//!   that are named must be equal. For templates `"parts": [["aws_s3_bucket_versioning", {…}], …]` are folded in.
//!
//! # What is not known stays not known
//!
//! A denied call's answer is an unknown marker ([`yagura_model::unknown`]), a plan's value may be one. Every block is
//! compiled so that *using* a marker (a path below it, a comparison, a condition, a calculation, a call's input) fails
//! with the marker, and each entry of an object construction catches that and becomes the marker itself. So
//! `{IsPublic: (.calls.status.PolicyStatus.IsPublic // false)}` is `{IsPublic: {"$unknown": "s3:GetBucketPolicyStatus"}}`
//! when that call was denied, without a word in the file. Any other error inside an entry is a marker that begins
//! `mapping error`. Copying a marker is not using it.
//!
//! Besides jq's own functions, blocks have those of `prelude.jq`.

mod form;
mod jq;
mod poison;
mod run;
mod test;

pub use form::{Catalog, Join, Role, Scope, Start, Step, Type};
pub use jq::{Jq, MAPPING_ERROR, as_marker};
pub(crate) use run::with_place;
pub use run::{Fold, Mapped, MappingError, Place};
pub use test::test;

use std::collections::BTreeMap;
use yagura_content::Library;

/// For each resource type the IAM actions by which it is read: what a least-privilege policy must allow, and what
/// blinds the controls of the type when it is denied.
pub fn actions(library: &Library) -> BTreeMap<String, Vec<String>> {
    let (catalog, _) = Catalog::read(library);
    catalog.types().map(|t| (t.kind.clone(), t.actions().into_iter().map(str::to_owned).collect())).collect()
}
