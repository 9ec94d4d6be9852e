//! What is known of AWS's services: operations, shapes, paginators and endpoints, read from `api/*.json.gz`.
//!
//! A service's file is inflated when it is first called, so a process pays only for what it uses. The short keys of
//! the files are explained by the `rename`s below; `xtask/gen/aws_api.py` writes them.

use flate2::read::GzDecoder;
use serde::Deserialize;
use std::{collections::HashMap, sync::OnceLock};

include!(concat!(env!("OUT_DIR"), "/entries.rs"));

struct Entry {
    name: &'static str,
    packed: &'static [u8],
    loaded: OnceLock<Option<Service>>,
}

impl Entry {
    const fn new(name: &'static str, packed: &'static [u8]) -> Entry {
        Entry { name, packed, loaded: OnceLock::new() }
    }
}

/// The services that can be called, by botocore's names, sorted.
pub fn services() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|entry| entry.name)
}

/// The operations of a service, sorted; `None` when the service isn't known.
pub fn operations(service: &str) -> Option<Vec<&'static str>> {
    let mut names: Vec<&str> = find(service)?.operations.keys().map(String::as_str).collect();
    names.sort_unstable();
    Some(names)
}

/// Whether an operation can be called.
pub fn knows(service: &str, operation: &str) -> bool {
    find(service).is_some_and(|found| found.operations.contains_key(operation))
}

/// The service of that name, inflated on first use.
pub(crate) fn find(service: &str) -> Option<&'static Service> {
    let at = ENTRIES.binary_search_by(|entry| entry.name.cmp(service)).ok()?;
    let entry = ENTRIES.get(at)?;
    // A file that can't be read is a broken build; the tests read all of them.
    entry.loaded.get_or_init(|| serde_json::from_reader(GzDecoder::new(entry.packed)).ok()).as_ref()
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Protocol {
    Json,
    RestJson,
    RestXml,
    Query,
    Ec2,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Service {
    /// botocore's name, by which it is called here.
    #[serde(rename = "service")]
    pub name: String,
    /// AWS's service id (`CloudWatch Logs`), from which variables and profile keys are named.
    pub id: String,
    pub protocol: Protocol,
    /// The API's version date, sent by the query protocols.
    pub version: String,
    /// First label of the endpoint's host.
    pub prefix: String,
    /// The name requests are signed for.
    pub signing: String,
    /// JSON protocol's version, `1.0` or `1.1`.
    #[serde(default)]
    pub json: String,
    /// JSON protocol's `X-Amz-Target` before the dot.
    #[serde(default)]
    pub target: String,
    /// 1: once spoke Query, and gives that time's error codes when asked to.
    #[serde(default)]
    pub compatible: u8,
    /// By partition, where it differs from `https://PREFIX.REGION.SUFFIX`.
    #[serde(default)]
    pub endpoints: HashMap<String, Place>,
    /// The same for FIPS endpoints, where it differs from `https://PREFIX-fips.REGION.SUFFIX`.
    #[serde(default)]
    pub fips: HashMap<String, Place>,
    pub operations: HashMap<String, Operation>,
    shapes: Vec<Shape>,
}

impl Service {
    /// The shape of that number; an empty structure for a number that no file written by the generator holds.
    pub fn shape(&self, number: usize) -> &Shape {
        static NOTHING: Shape = Shape::Structure { members: Vec::new(), payload: None };
        self.shapes.get(number).unwrap_or(&NOTHING)
    }
}

/// Where a service answers in a partition.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Place {
    /// With `{region}` where the Region stands; `None`: the usual form.
    pub url: Option<String>,
    /// The Region to sign for; `None`: the one asked for.
    pub region: Option<String>,
    /// Regions that differ again.
    #[serde(default)]
    pub except: HashMap<String, Place>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    #[serde(rename = "m", default = "post")]
    pub method: String,
    #[serde(rename = "u", default = "slash")]
    pub uri: String,
    #[serde(rename = "i")]
    pub input: Option<usize>,
    /// REST-XML: the root element of a body that isn't one payload member.
    #[serde(rename = "in")]
    pub input_name: Option<String>,
    #[serde(rename = "ix")]
    pub input_namespace: Option<String>,
    #[serde(rename = "o")]
    pub output: Option<usize>,
    /// Query: the element around the result.
    #[serde(rename = "w")]
    pub wrapper: Option<String>,
    #[serde(rename = "p")]
    pub paginator: Option<Paginator>,
    /// What stands before the host, with `{Member}`s.
    #[serde(rename = "h")]
    pub host_prefix: Option<String>,
    /// 1: the body needs a checksum.
    #[serde(rename = "c", default)]
    pub checksum: u8,
    /// 0: not signed.
    #[serde(rename = "a", default = "one")]
    pub signed: u8,
}

/// How to follow pages. Paths are JMESPath's dots, `[-1]` and `||`.
#[derive(Debug, Deserialize)]
pub(crate) struct Paginator {
    #[serde(rename = "in")]
    pub input: Vec<String>,
    #[serde(rename = "out")]
    pub output: Vec<String>,
    #[serde(rename = "res")]
    pub results: Vec<String>,
    pub more: Option<String>,
}

fn post() -> String {
    "POST".to_owned()
}

fn slash() -> String {
    "/".to_owned()
}

fn one() -> u8 {
    1
}

/// How a timestamp is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeForm {
    Iso8601,
    Rfc822,
    Unix,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) enum Shape {
    String,
    /// IAM's policy: percent-encoded JSON in answers.
    Policy,
    /// JSON in a header or text.
    Json,
    Boolean,
    Integer,
    Float,
    Blob,
    /// `None`: the protocol's own form.
    Timestamp(Option<TimeForm>),
    /// Any JSON.
    Document,
    /// A stream of messages, which this client doesn't speak.
    EventStream,
    List {
        member: usize,
        /// The element's name, `member` when not given.
        name: Option<String>,
        flat: bool,
    },
    Map {
        key: usize,
        value: usize,
        key_name: String,
        value_name: String,
        flat: bool,
    },
    Structure {
        members: Vec<Member>,
        payload: Option<String>,
    },
}

/// A member: API name, shape, and how it goes over the wire.
#[derive(Debug, Deserialize)]
pub(crate) struct Member(pub String, pub usize, #[serde(default)] pub Wire);

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wire {
    #[serde(rename = "l")]
    pub location: Option<Location>,
    /// The name on the wire where it isn't the API's.
    #[serde(rename = "n")]
    pub name: Option<String>,
    /// EC2's name in requests.
    #[serde(rename = "q")]
    pub query_name: Option<String>,
    /// 1: an XML attribute.
    #[serde(rename = "a", default)]
    pub attribute: u8,
    /// XML namespace: URI, then perhaps a prefix.
    #[serde(rename = "x", default)]
    pub namespace: Vec<String>,
    /// 1: a token that makes a repeated request count once; made up when not given.
    #[serde(rename = "t", default)]
    pub token: u8,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Location {
    Uri,
    #[serde(rename = "querystring")]
    Query,
    Header,
    Headers,
    StatusCode,
}

impl Member {
    /// The name on the wire.
    pub fn wire_name(&self) -> &str {
        self.2.name.as_deref().unwrap_or(&self.0)
    }
}

/// A shape as the files hold it: a scalar's name, or an object told apart by its keys.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Scalar(String),
    Structure {
        s: Vec<Member>,
        p: Option<String>,
    },
    Map {
        k: usize,
        v: usize,
        kn: Option<String>,
        vn: Option<String>,
        #[serde(default)]
        f: u8,
    },
    List {
        l: usize,
        n: Option<String>,
        #[serde(default)]
        f: u8,
    },
}

impl TryFrom<Written> for Shape {
    type Error = String;

    fn try_from(written: Written) -> Result<Shape, String> {
        Ok(match written {
            Written::Structure { s, p } => Shape::Structure { members: s, payload: p },
            Written::Map { k, v, kn, vn, f } => Shape::Map {
                key: k,
                value: v,
                key_name: kn.unwrap_or_else(|| "key".to_owned()),
                value_name: vn.unwrap_or_else(|| "value".to_owned()),
                flat: f == 1,
            },
            Written::List { l, n, f } => Shape::List { member: l, name: n, flat: f == 1 },
            Written::Scalar(name) => match name.as_str() {
                "string" => Shape::String,
                "policy" => Shape::Policy,
                "jsonvalue" => Shape::Json,
                "boolean" => Shape::Boolean,
                "integer" => Shape::Integer,
                "float" => Shape::Float,
                "blob" => Shape::Blob,
                "timestamp" => Shape::Timestamp(None),
                "iso8601" => Shape::Timestamp(Some(TimeForm::Iso8601)),
                "rfc822" => Shape::Timestamp(Some(TimeForm::Rfc822)),
                "unix" => Shape::Timestamp(Some(TimeForm::Unix)),
                "document" => Shape::Document,
                "eventstream" => Shape::EventStream,
                other => return Err(format!("unknown shape `{other}`")),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read_and_every_number_points_at_a_shape() {
        assert!(services().count() > 50);
        for name in services() {
            let service = find(name).unwrap_or_else(|| panic!("{name} can't be read"));
            assert_eq!(service.name, name);
            let numbers = service.operations.values().flat_map(|o| [o.input, o.output]).flatten();
            let inner = service.shapes.iter().flat_map(|shape| match shape {
                Shape::List { member, .. } => vec![*member],
                Shape::Map { key, value, .. } => vec![*key, *value],
                Shape::Structure { members, .. } => members.iter().map(|m| m.1).collect(),
                _ => vec![],
            });
            for number in numbers.chain(inner) {
                assert!(number < service.shapes.len(), "{name}: no shape {number}");
            }
        }
    }

    #[test]
    fn an_unknown_service_or_operation_is_not_known() {
        assert!(knows("s3", "ListBuckets"));
        assert!(!knows("s3", "ListBukcets"));
        assert!(!knows("s4", "ListBuckets"));
    }
}
