//! Following an operation's paginator to its end.

use crate::{Call, CallError, ErrorKind, catalogue::Paginator};
use serde_json::{Map, Value};
use std::future::Future;

/// More pages than any account has; a service that never ends is broken or hostile.
const MAX_PAGES: usize = 20_000;

/// All pages as one answer: the first page's members, its result lists joined with those that follow, no tokens.
pub(crate) async fn all<F>(call: &Call, paginator: &Paginator, page: impl Fn(Call) -> F) -> Result<Value, CallError>
where
    F: Future<Output = Result<Value, CallError>>,
{
    let mut next = call.clone();
    let mut joined = Value::Null;
    let mut last: Option<Vec<Value>> = None;
    for number in 0..MAX_PAGES {
        let answer = page(next.clone()).await?;
        let tokens = tokens(paginator, &answer);
        if number == 0 {
            joined = answer;
        } else {
            for path in &paginator.results {
                join(&mut joined, &answer, path);
            }
        }
        let Some(tokens) = tokens else { return Ok(without_tokens(joined, paginator)) };
        // CloudWatch Logs gives the last token again at the end.
        if last.as_ref() == Some(&tokens) {
            return Ok(without_tokens(joined, paginator));
        }
        if next.params.is_null() {
            next.params = Value::Object(Map::new());
        }
        if let Value::Object(params) = &mut next.params {
            for (name, token) in paginator.input.iter().zip(&tokens) {
                match token {
                    Value::Null => params.remove(name),
                    token => params.insert(name.clone(), token.clone()),
                };
            }
        }
        last = Some(tokens);
    }
    Err(CallError {
        service: call.service.clone(),
        operation: call.operation.clone(),
        region: call.region.clone(),
        kind: ErrorKind::Other,
        code: "too_many_pages".to_owned(),
        message: format!("the listing has more than {MAX_PAGES} pages; narrow it with the call's filters"),
        status: 0,
    })
}

/// The next page's tokens; `None` at the end.
fn tokens(paginator: &Paginator, answer: &Value) -> Option<Vec<Value>> {
    if let Some(more) = &paginator.more
        && !truthy(&search(answer, more))
    {
        return None;
    }
    let tokens: Vec<Value> = paginator.output.iter().map(|path| search(answer, path)).collect();
    tokens.iter().any(truthy).then_some(tokens)
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

/// What a path finds. The paths of all paginators use no more of JMESPath than `a.b`, `a[-1]` and `||`.
fn search(value: &Value, path: &str) -> Value {
    path.split("||").map(|one| search_one(value, one.trim())).find(truthy).unwrap_or(Value::Null)
}

fn search_one(value: &Value, path: &str) -> Value {
    let mut at = Some(value);
    for step in path.split('.') {
        let (name, last) = step.strip_suffix("[-1]").map_or((step, false), |name| (name, true));
        at = at.and_then(|v| v.get(name));
        if last {
            at = at.and_then(Value::as_array).and_then(|items| items.last());
        }
    }
    at.cloned().unwrap_or(Value::Null)
}

/// Appends a page's result to the joined one: lists and maps grow, numbers and texts stay the first page's.
fn join(joined: &mut Value, page: &Value, path: &str) {
    let more = search_one(page, path);
    if more.is_null() {
        return;
    }
    let mut at = joined;
    for step in path.split('.') {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(map) = at else { return };
        at = map.entry(step.to_owned()).or_insert(Value::Null);
    }
    match (at, more) {
        (Value::Array(have), Value::Array(more)) => have.extend(more),
        (Value::Object(have), Value::Object(more)) => have.extend(more),
        (have @ Value::Null, more) => *have = more,
        _ => {}
    }
}

/// The joined answer is whole: no token, no "there is more".
fn without_tokens(mut joined: Value, paginator: &Paginator) -> Value {
    for path in paginator.output.iter().flat_map(|path| path.split("||")).chain(paginator.more.as_deref()) {
        let path = path.trim();
        if path.contains('[') || paginator.results.iter().any(|r| r == path) {
            continue;
        }
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        let at = parent.split('.').filter(|s| !s.is_empty()).try_fold(&mut joined, |at, step| at.get_mut(step));
        if let Some(Value::Object(map)) = at {
            map.remove(name);
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paginator(value: Value) -> Paginator {
        serde_json::from_value(value).expect("a paginator")
    }

    fn run(paginator: &Paginator, params: Value, page: impl Fn(Value) -> Value) -> Result<Value, CallError> {
        let call =
            Call { service: "s".to_owned(), operation: "o".to_owned(), params, region: "r".to_owned(), account: None };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(all(&call, paginator, |call| std::future::ready(Ok(page(call.params)))))
    }

    #[test]
    fn pages_are_joined_and_tokens_removed() {
        let p = paginator(
            json!({"in": ["Marker"], "out": ["List.NextMarker"], "res": ["List.Items"], "more": "List.IsTruncated"}),
        );
        let got = run(&p, Value::Null, |params| match params.get("Marker").and_then(Value::as_str) {
            None => json!({"List": {"Items": [1], "NextMarker": "a", "IsTruncated": true, "Quantity": 1}}),
            Some("a") => json!({"List": {"Items": [2, 3], "NextMarker": "b", "IsTruncated": false}}),
            other => panic!("asked for {other:?}"),
        });
        assert_eq!(got, Ok(json!({"List": {"Items": [1, 2, 3], "Quantity": 1}})));
    }

    #[test]
    fn several_tokens_and_the_last_element_as_token() {
        let p = paginator(
            json!({"in": ["KeyMarker", "IdMarker"], "out": ["NextKey", "NextId || Items[-1].Id"], "res": ["Items", "Prefixes"]}),
        );
        let got = run(&p, json!({"Bucket": "b"}), |params| {
            assert_eq!(params["Bucket"], "b");
            match params.get("IdMarker").and_then(Value::as_str) {
                None => json!({"Items": [{"Id": "x"}], "NextKey": "k"}),
                Some("x") => json!({"Prefixes": ["p"]}),
                other => panic!("asked for {other:?}"),
            }
        });
        assert_eq!(got, Ok(json!({"Items": [{"Id": "x"}], "Prefixes": ["p"]})));
    }

    #[test]
    fn a_token_that_repeats_ends_the_listing() {
        let p = paginator(json!({"in": ["t"], "out": ["t"], "res": ["l"]}));
        let got = run(&p, Value::Null, |params| match params.get("t") {
            None => json!({"l": [1], "t": "a"}),
            Some(_) => json!({"l": [2], "t": "a"}),
        });
        assert_eq!(got, Ok(json!({"l": [1, 2]})));
    }

    #[test]
    fn an_endless_listing_is_an_error() {
        let p = paginator(json!({"in": ["t"], "out": ["t"], "res": ["l"]}));
        let got = run(&p, Value::Null, |params| json!({"t": params.get("t").and_then(Value::as_u64).unwrap_or(0) + 1}));
        assert_eq!(got.expect_err("endless").code, "too_many_pages");
    }
}
