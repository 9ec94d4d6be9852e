//! S3's listings: object keys may hold what XML can't, so they are asked for percent-encoded and given decoded.

use super::scalar;
use serde_json::{Map, Value};

/// Whether a listing's keys are to be encoded on the wire, which a caller may also ask for itself.
pub(super) fn concerned(service: &str, operation: &str, params: &Map<String, Value>) -> bool {
    service == "s3"
        && matches!(operation, "ListObjects" | "ListObjectsV2" | "ListObjectVersions" | "ListMultipartUploads")
        && !params.contains_key("EncodingType")
}

/// What S3 encodes; below the lists, the same members again.
const ENCODED: &[&str] =
    &["Delimiter", "Key", "KeyMarker", "Marker", "NextKeyMarker", "NextMarker", "Prefix", "StartAfter"];
const LISTS: &[&str] = &["CommonPrefixes", "Contents", "DeleteMarkers", "Uploads", "Versions"];

/// Decodes a listing that says it is encoded.
pub(super) fn decode(output: &mut Value) {
    let Value::Object(map) = output else { return };
    if map.remove("EncodingType").is_some_and(|kind| kind == "url") {
        decode_members(map);
        for name in LISTS {
            let items = map.get_mut(*name).and_then(Value::as_array_mut);
            items.into_iter().flatten().filter_map(Value::as_object_mut).for_each(decode_members);
        }
    }
}

fn decode_members(map: &mut Map<String, Value>) {
    for name in ENCODED {
        if let Some(Value::String(text)) = map.get_mut(*name) {
            *text = scalar::decode(&text.replace('+', " "));
        }
    }
}
