//! CSV inside an answer (IAM's credential report) as rows.

use base64::Engine;
use serde_json::{Map, Value};

/// The base64 text of a CSV file with a header line, as an array of objects with text values.
///
/// # Errors
/// When it isn't base64, or has no header.
pub fn rows(base64_text: &str) -> Result<Value, String> {
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(base64_text).map_err(|e| format!("not base64: {e}"))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut records = records(&text).into_iter();
    let header = records.next().ok_or_else(|| "the CSV is empty".to_owned())?;
    let rows = records.map(|record| {
        let fields = header.iter().cloned().zip(record.into_iter().map(Value::String));
        Value::Object(fields.collect::<Map<_, _>>())
    });
    Ok(Value::Array(rows.collect()))
}

/// Records by RFC 4180; empty lines are no records.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                field.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\r' if !quoted => {}
            '\n' if !quoted => end(&mut records, &mut record, &mut field),
            c => field.push(c),
        }
    }
    end(&mut records, &mut record, &mut field);
    records
}

fn end(records: &mut Vec<Vec<String>>, record: &mut Vec<String>, field: &mut String) {
    if !record.is_empty() || !field.is_empty() {
        record.push(std::mem::take(field));
        records.push(std::mem::take(record));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_quotes_and_ends_without_newline() {
        let text = base64::engine::general_purpose::STANDARD.encode("user,note\r\nalice,\"a, \"\"b\"\"\"\nbob,");
        assert_eq!(rows(&text), Ok(json!([{"user": "alice", "note": "a, \"b\""}, {"user": "bob", "note": ""}])));
        assert!(rows("%").is_err());
        assert!(rows("").is_err());
    }
}
