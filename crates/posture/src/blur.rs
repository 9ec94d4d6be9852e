//! The law of unknown values: whatever is not known, a verdict stays as it is or becomes `UNKNOWN`. Here is every way to know
//! one thing less.

use serde_json::Value;
use yagura_model::{Inventory, Resource};

/// An inventory with one value less, in all ways, each with the value's place.
pub(crate) fn each(inventory: &Inventory) -> Vec<(String, Inventory)> {
    let mut all = Vec::new();
    for (index, resource) in inventory.resources.iter().enumerate() {
        for part in ["properties", "observed"] {
            let of = |r: &Resource| if part == "properties" { r.properties.clone() } else { r.observed.clone() };
            let mut found = vec![String::new()];
            places(&of(resource), "", &mut found);
            for way in found {
                let mut less = inventory.clone();
                let mut value = of(resource);
                if let Some(place) = value.pointer_mut(&way) {
                    *place = yagura_model::unknown("blurred");
                }
                let resource = &mut less.resources[index];
                *(if part == "properties" { &mut resource.properties } else { &mut resource.observed }) = value;
                all.push((format!("`{part}{way}` of {} {}", resource.kind, resource.id), less));
            }
        }
    }
    all
}

/// Every way to a value inside `value`.
fn places(value: &Value, way: &str, found: &mut Vec<String>) {
    let mut step = |name: &str, below: &Value| {
        let way = format!("{way}/{}", name.replace('~', "~0").replace('/', "~1"));
        places(below, &way, found);
        found.push(way);
    };
    match value {
        Value::Object(map) if !yagura_model::is_unknown(value) => map.iter().for_each(|(name, v)| step(name, v)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| step(&i.to_string(), v)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_value_is_taken_away_once_and_a_marker_is_none_to_look_into() {
        let mut resource = crate::fixture::resource("AWS::S3::Bucket", "us-east-1", None, None);
        resource.properties = json!({"A": [1, {"B": 2}], "C": yagura_model::unknown("why")});
        let inventory = Inventory { resources: vec![resource], gaps: Vec::new() };
        let all = each(&inventory);
        let places: Vec<&str> = all.iter().filter_map(|(place, _)| place.split('`').nth(1)).collect();
        let expected = [
            "properties",
            "properties/A/0",
            "properties/A/1/B",
            "properties/A/1",
            "properties/A",
            "properties/C",
            "observed",
        ];
        assert_eq!(places, expected);
        assert_eq!(all[2].1.resources[0].properties["A"], json!([1, {"B": yagura_model::unknown("blurred")}]));
    }
}
