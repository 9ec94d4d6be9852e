//! The OCSF objects that a CloudTrail record fills, attribute for attribute the columns of the table (`schema.rs`).
//! An absent value is left out of the JSON: OCSF has no nulls.

use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(super) type Text<'a> = Cow<'a, str>;

/// One OCSF event of the classes API Activity, Authentication and Account Change.
#[derive(Clone, Debug, Serialize)]
pub struct Event<'a> {
    pub metadata: Metadata<'a>,
    /// Milliseconds since 1970.
    pub time: i64,
    /// RFC 3339 in UTC; left out for a year that engines can't count nanoseconds in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_dt: Option<String>,
    pub cloud: Cloud<'a>,
    pub class_uid: i32,
    pub class_name: &'static str,
    pub category_uid: i32,
    pub category_name: &'static str,
    pub activity_id: i32,
    pub activity_name: String,
    pub type_uid: i64,
    pub type_name: String,
    pub severity_id: i32,
    pub severity: &'static str,
    pub status_id: i32,
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_detail: Option<Text<'a>>,
    pub api: Api<'a>,
    pub actor: Actor<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Service<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_mfa: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_protocol_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_protocol: Option<&'static str>,
    pub src_endpoint: Endpoint<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_endpoint: Option<Endpoint<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_request: Option<HttpRequest<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resource<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observables: Vec<Observable<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unmapped: BTreeMap<String, String>,
    pub raw_data: &'a str,
}

#[derive(Clone, Debug, Serialize)]
pub struct Metadata<'a> {
    pub product: Product<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_code: Option<Text<'a>>,
    pub uid: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_uid: Option<Text<'a>>,
    pub version: &'static str,
    pub profiles: [&'static str; 2],
}

#[derive(Clone, Debug, Serialize)]
pub struct Product<'a> {
    pub name: &'static str,
    pub vendor_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<Feature<'a>>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Feature<'a> {
    pub name: Text<'a>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Cloud<'a> {
    pub provider: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account<'a>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Account<'a> {
    pub uid: Text<'a>,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub type_id: i32,
}

#[derive(Clone, Debug, Serialize)]
pub struct Api<'a> {
    pub operation: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Text<'a>>,
    pub service: Service<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Response<'a>>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Service<'a> {
    pub name: Text<'a>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Request<'a> {
    pub uid: Text<'a>,
    /// JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Response<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Text<'a>>,
    /// JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Actor<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoked_by: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idp: Option<Idp<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<Text<'a>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct User<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid_alt: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_uid: Option<Text<'a>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Session<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time_dt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_mfa: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_uid: Option<Text<'a>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Idp<'a> {
    pub name: Text<'a>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Policy<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Endpoint<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub svc_name: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<Text<'a>>,
}

#[derive(Clone, Debug, Serialize)]
pub struct HttpRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<Text<'a>>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Resource<'a> {
    pub uid: Text<'a>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner<'a>>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Owner<'a> {
    pub account: Account<'a>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Observable<'a> {
    pub name: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub type_id: i32,
    pub value: Text<'a>,
}
