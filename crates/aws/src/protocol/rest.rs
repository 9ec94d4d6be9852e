//! REST requests: parameters in the path, the query, headers and the body.

use super::{Request, body::Build, scalar, unknown_member};
use crate::catalogue::{Location, Member, Operation, Protocol, Shape, TimeForm};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub(super) fn build(build: &Build<'_>, found: &Operation, params: &Map<String, Value>) -> Result<Request, String> {
    let nothing = Shape::Structure { members: Vec::new(), payload: None };
    let shape = found.input.map_or(&nothing, |n| build.service.shape(n));
    let Shape::Structure { members, payload } = shape else { return Err("the input is no structure".to_owned()) };
    if let Some(name) = params.keys().find(|name| !members.iter().any(|m| m.0 == **name)) {
        return Err(unknown_member(name, members.iter().map(|m| m.0.as_str())));
    }
    let mut request = Request { method: found.method.clone(), ..Request::default() };
    address(build, found, members, params, &mut request)?;
    for member in members {
        let Some(value) = params.get(&member.0).filter(|v| !v.is_null()) else { continue };
        let context = |e: String| format!("parameter `{}`: {e}", member.0);
        match member.2.location {
            Some(Location::Query) => query(build, member, value, &mut request.query).map_err(context)?,
            Some(Location::Header | Location::Headers) => {
                header(build, member, value, &mut request.headers).map_err(context)?;
            }
            _ => {}
        }
    }
    match payload {
        Some(name) => {
            if let Some(member) = members.iter().find(|m| m.0 == *name) {
                payload_body(build, member, params.get(name), &mut request)?;
            }
        }
        None => body(build, found, members, params, &mut request)?,
    }
    if found.checksum == 1 && matches!(build.service.name.as_str(), "s3" | "s3control") {
        request.headers.retain(|(name, _)| name != "x-amz-sdk-checksum-algorithm");
        request.headers.push(("x-amz-sdk-checksum-algorithm".to_owned(), "SHA256".to_owned()));
        request.headers.push(("x-amz-checksum-sha256".to_owned(), STANDARD.encode(Sha256::digest(&request.body))));
    }
    // API Gateway answers in another dialect (HAL) unless plain JSON is asked for.
    if build.service.name == "apigateway" {
        request.headers.push(("accept".to_owned(), "application/json".to_owned()));
    }
    Ok(request)
}

/// Path and fixed query from the operation's template, its labels filled.
fn address(
    build: &Build<'_>,
    found: &Operation,
    members: &[Member],
    params: &Map<String, Value>,
    request: &mut Request,
) -> Result<(), String> {
    let (path, fixed) = found.uri.split_once('?').unwrap_or((&found.uri, ""));
    request.query = fixed.to_owned();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        request.path.push_str(before);
        let (label, after) = after.split_once('}').ok_or("a broken path template")?;
        let (label, greedy) = label.strip_suffix('+').map_or((label, false), |l| (l, true));
        let member = members.iter().find(|m| m.2.location == Some(Location::Uri) && m.wire_name() == label);
        let Some(member) = member else { return Err(format!("the path's `{label}` is no parameter")) };
        let Some(value) = params.get(&member.0).filter(|v| !v.is_null()) else {
            return Err(format!("parameter `{}` is missing", member.0));
        };
        let mut text = scalar::text(build.service.shape(member.1), value, TimeForm::Iso8601)
            .map_err(|e| format!("parameter `{}`: {e}", member.0))?;
        // Route 53 answers `/hostedzone/Z…`, and takes `Z…`.
        if build.service.name == "route53" && text.starts_with('/') {
            text = text.rsplit('/').next().unwrap_or_default().to_owned();
        }
        if text.is_empty() {
            return Err(format!("parameter `{}` is empty", member.0));
        }
        if text.split('/').any(|segment| segment == "." || segment == "..") {
            return Err(format!(
                "parameter `{}` has a `.` or `..` segment, which can't be addressed over HTTP",
                member.0
            ));
        }
        if build.service.name == "s3" && label == "Bucket" && request.path == "/" {
            request.bucket = Some(text.clone());
        }
        scalar::encode(&text, if greedy { b"/" } else { b"" }, &mut request.path);
        rest = after;
    }
    request.path.push_str(rest);
    Ok(())
}

fn query(build: &Build<'_>, member: &Member, value: &Value, out: &mut String) -> Result<(), String> {
    let mut pair = |name: &str, shape: &Shape, value: &Value| {
        let text = scalar::text(shape, value, TimeForm::Iso8601)?;
        if !out.is_empty() {
            out.push('&');
        }
        scalar::encode(name, b"", out);
        out.push('=');
        scalar::encode(&text, b"", out);
        Ok::<(), String>(())
    };
    match (build.service.shape(member.1), value) {
        (Shape::List { member: inner, .. }, Value::Array(items)) => {
            items.iter().try_for_each(|item| pair(member.wire_name(), build.service.shape(*inner), item))
        }
        (Shape::Map { value: inner, .. }, Value::Object(map)) => {
            for (name, value) in map {
                match (build.service.shape(*inner), value) {
                    (Shape::List { member: inner, .. }, Value::Array(items)) => {
                        items.iter().try_for_each(|item| pair(name, build.service.shape(*inner), item))?;
                    }
                    (shape, value) => pair(name, shape, value)?,
                }
            }
            Ok(())
        }
        (shape, value) => pair(member.wire_name(), shape, value),
    }
}

fn header(build: &Build<'_>, member: &Member, value: &Value, out: &mut Vec<(String, String)>) -> Result<(), String> {
    let name = member.wire_name().to_ascii_lowercase();
    match (build.service.shape(member.1), value) {
        (Shape::Map { value: inner, .. }, Value::Object(map)) => {
            for (key, value) in map {
                let text = scalar::text(build.service.shape(*inner), value, TimeForm::Rfc822)?;
                out.push((format!("{name}{}", key.to_ascii_lowercase()), text));
            }
        }
        (Shape::List { member: inner, .. }, Value::Array(items)) => {
            let texts = items.iter().map(|item| scalar::text(build.service.shape(*inner), item, TimeForm::Rfc822));
            out.push((name, texts.collect::<Result<Vec<_>, _>>()?.join(",")));
        }
        (Shape::Json, value) => out.push((name, STANDARD.encode(value.to_string()))),
        (shape, value) => out.push((name, scalar::text(shape, value, TimeForm::Rfc822)?)),
    }
    Ok(())
}

/// A body that is one member.
fn payload_body(
    build: &Build<'_>,
    member: &Member,
    value: Option<&Value>,
    request: &mut Request,
) -> Result<(), String> {
    let Some(value) = value.filter(|v| !v.is_null()) else { return Ok(()) };
    let context = |e: String| format!("parameter `{}`: {e}", member.0);
    let mut kind = None;
    request.body = match build.service.shape(member.1) {
        Shape::Blob => {
            kind = Some("application/octet-stream");
            let text = value.as_str().ok_or_else(|| context("expected base64 text".to_owned()))?;
            STANDARD.decode(text).map_err(|e| context(format!("not base64: {e}")))?
        }
        shape @ (Shape::String | Shape::Policy | Shape::Json) => {
            scalar::text(shape, value, TimeForm::Iso8601).map_err(context)?.into_bytes()
        }
        _ if build.service.protocol == Protocol::RestJson => {
            kind = Some("application/json");
            build.json_value(member.1, value).map_err(context)?.to_string().into_bytes()
        }
        _ => {
            kind = Some("application/xml");
            let mut out = String::new();
            build.xml_element(member.wire_name(), member.1, value, &member.2.namespace, &mut out).map_err(context)?;
            out.into_bytes()
        }
    };
    if let Some(kind) = kind
        && !request.headers.iter().any(|(name, _)| name == "content-type")
    {
        request.headers.push(("content-type".to_owned(), kind.to_owned()));
    }
    Ok(())
}

/// A body of all members that go nowhere else.
fn body(
    build: &Build<'_>,
    found: &Operation,
    members: &[Member],
    params: &Map<String, Value>,
    request: &mut Request,
) -> Result<(), String> {
    let inside = |m: &&Member| m.2.location.is_none();
    let given: Map<String, Value> = members
        .iter()
        .filter(inside)
        .filter_map(|m| Some((m.0.clone(), params.get(&m.0).filter(|v| !v.is_null())?.clone())))
        .collect();
    if build.service.protocol == Protocol::RestJson {
        // A body is sent even when empty, if the operation could have one.
        if let Some(shape) = found.input.map(|n| build.service.shape(n))
            && members.iter().any(|m| inside(&m))
        {
            request.body = build.json_structure(shape, &given)?.to_string().into_bytes();
            request.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
    } else if !given.is_empty() {
        let name = found.input_name.as_deref().unwrap_or("Request");
        let mut out = match &found.input_namespace {
            Some(uri) => format!("<{name} xmlns=\"{uri}\">"),
            None => format!("<{name}>"),
        };
        build.xml_members(members, &given, &mut out)?;
        out.push_str(&format!("</{name}>"));
        request.body = out.into_bytes();
        request.headers.push(("content-type".to_owned(), "application/xml".to_owned()));
    }
    Ok(())
}
