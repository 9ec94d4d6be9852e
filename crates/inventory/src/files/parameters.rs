//! Values for a template's parameters, as `--parameters FILE` gives them.

use super::Problem;
use serde_json::Value;
use std::collections::BTreeMap;

/// Parameter values by name. A name that a template doesn't have is left alone, so that one file serves many.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    values: BTreeMap<String, String>,
}

impl Parameters {
    /// Reads `{"K": "V"}`, `[{"ParameterKey": "K", "ParameterValue": "V"}]` or `{"Parameters": …}` of either form.
    ///
    /// # Errors
    /// Text of another form.
    pub fn parse(file: &str, text: &str) -> Result<Parameters, Box<Problem>> {
        let form = (
            "give JSON: {\"Name\": \"value\"} or [{\"ParameterKey\": \"Name\", \"ParameterValue\": \"value\"}]",
            "{\"Name\": \"value\"} または [{\"ParameterKey\": \"Name\", \"ParameterValue\": \"value\"}] の形の JSON を指定してください",
        );
        let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|e| {
            Problem::new(file, (format!("is not valid JSON ({e})"), format!("正しい JSON ではありません（{e}）")), form)
        })?;
        let value = match value {
            Value::Object(mut map) if matches!(map.get("Parameters"), Some(Value::Object(_) | Value::Array(_))) => {
                map.remove("Parameters").unwrap_or_default()
            }
            value => value,
        };
        let wrong = |en: String, ja: String| Box::new(Problem::new(file, (en, ja), form));
        let mut values = BTreeMap::new();
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    let text = text_of(&value).ok_or_else(|| {
                        wrong(
                            format!("the value of `{name}` is no text"),
                            format!("`{name}` の値が文字列ではありません"),
                        )
                    })?;
                    values.insert(name, text);
                }
            }
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    // The form of `aws cloudformation deploy --parameter-overrides`.
                    if let Some((name, value)) = item.as_str().and_then(|s| s.split_once('=')) {
                        values.insert(name.to_owned(), value.to_owned());
                        continue;
                    }
                    let name = item.get("ParameterKey").and_then(Value::as_str);
                    let name = name.ok_or_else(|| {
                        wrong(
                            format!("entry {} has no `ParameterKey`", i + 1),
                            format!("{} 件目に `ParameterKey` がありません", i + 1),
                        )
                    })?;
                    // With `UsePreviousValue` there is none.
                    if let Some(text) = item.get("ParameterValue").and_then(text_of) {
                        values.insert(name.to_owned(), text);
                    }
                }
            }
            _ => return Err(wrong("holds no parameters".to_owned(), "パラメーターがありません".to_owned())),
        }
        Ok(Parameters { values })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(items) => items.iter().map(text_of).collect::<Option<Vec<_>>>().map(|texts| texts.join(",")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_forms() {
        for text in [
            r#"{"A": "1", "B": true}"#,
            r#"[{"ParameterKey":"A","ParameterValue":"1"},{"ParameterKey":"B","ParameterValue":"true"}]"#,
            r#"{"Parameters": {"A": 1, "B": "true"}, "Tags": {"x": "y"}}"#,
            r#"["A=1", "B=true"]"#,
        ] {
            let parameters = Parameters::parse("p.json", text).expect("reads");
            assert_eq!((parameters.get("A"), parameters.get("B")), (Some("1"), Some("true")), "{text}");
        }
        assert!(Parameters::parse("p.json", "A=1").is_err());
        assert!(Parameters::parse("p.json", r#"{"A": {"x": 1}}"#).is_err());
    }
}
