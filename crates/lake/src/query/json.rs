//! `json_get(text, path)`: looks into columns of JSON text (`raw_data`, `api.request.data`, a resource's `properties`),
//! which no schema could list.

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use std::sync::Arc;
use yagura_logs::json;

/// `path` is member names and list positions with dots between; the answer is a string's or number's text, JSON text of
/// objects and lists, and null when there is nothing.
pub(super) fn json_get() -> ScalarUDF {
    create_udf(
        "json_get",
        vec![DataType::Utf8, DataType::Utf8],
        DataType::Utf8,
        Volatility::Immutable,
        Arc::new(|arguments: &[ColumnarValue]| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let scalar = arguments.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
            let found = get_all(&arrays)?;
            Ok(if scalar {
                ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&found, 0)?)
            } else {
                ColumnarValue::Array(found)
            })
        }),
    )
}

fn get_all(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let [text, path] = arrays else { return datafusion::common::plan_err!("json_get takes a text and a path") };
    let (text, path) = (text.as_string::<i32>(), path.as_string::<i32>());
    let mut found = StringBuilder::new();
    for at in 0..text.len() {
        let both = text.is_valid(at) && path.is_valid(at);
        found.append_option(both.then(|| get(text.value(at), path.value(at))).flatten());
    }
    Ok(Arc::new(found.finish()))
}

fn get(text: &str, path: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let start = json::skip_space(bytes, 0);
    // Only well-formed text is looked into.
    let end = json::value_end(bytes, start, 128).ok()?;
    let mut value = &bytes[start..end];
    for step in path.split('.').filter(|step| !step.is_empty()) {
        value = match value.first()? {
            b'{' => json::members(value).filter(|(key, _)| **key == *step.as_bytes()).last()?.1,
            b'[' => json::elements(value).nth(step.parse().ok()?)?,
            _ => return None,
        };
    }
    match value.first()? {
        b'n' => None,
        b'"' => json::text(value).map(|text| text.into_owned()),
        _ => Some(String::from_utf8_lossy(value).trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::get;

    #[test]
    fn paths_go_through_objects_and_lists() {
        let text = r#" {"a": {"b": [1, {"c": "x\ny"}, null]}, "n": -0.50, "a2": true} "#;
        assert_eq!(get(text, "a.b.1.c").as_deref(), Some("x\ny"));
        assert_eq!(get(text, "a.b.0").as_deref(), Some("1"));
        assert_eq!(get(text, "n").as_deref(), Some("-0.50"));
        assert_eq!(get(text, "a2").as_deref(), Some("true"));
        assert_eq!(get(text, "a.b.2"), None);
        assert_eq!(get(text, "a.b.9"), None);
        assert_eq!(get(text, "n.x"), None);
        assert_eq!(get("{broken", "a"), None);
    }
}
