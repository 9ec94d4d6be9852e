//! Our own resource lists: what `yagura scan --resources` wrote, one resource a line. What could not be listed has a line,
//! too, in the shape of a resource, so that judging the list says `UNKNOWN` where judging the account did.

use super::{Problem, body};
use serde_json::{Value, json};
use std::io::{self, BufRead, Read, Write};
use yagura_model::{Gap, Inventory, Origin, Resource};

/// Longest line that is read.
const MAX_LINE: u64 = 16 << 20;

/// The type of a line that stands for a listing that failed; its id is the action.
const GAP: &str = "Yagura::Gap";

const AGAIN: (&str, &str) = (
    "write the list again with `yagura scan --resources FILE`",
    "`yagura scan --resources FILE` で書き出し直してください",
);

/// Writes an inventory as a list.
///
/// # Errors
/// Those of `out`.
pub fn write(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    for resource in &inventory.resources {
        serde_json::to_writer(&mut *out, resource)?;
        out.write_all(b"\n")?;
    }
    for gap in &inventory.gaps {
        let line = Resource {
            kind: GAP.to_owned(),
            id: gap.action.clone(),
            arn: None,
            account: gap.account.clone(),
            region: gap.region.clone(),
            tags: Default::default(),
            properties: json!({"Type": gap.kind, "Reason": gap.reason}),
            observed: Value::Null,
            relations: Vec::new(),
            source: Default::default(),
            origin: None,
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Reads all lines; false when none was a resource.
pub(super) fn read(
    file: &str,
    reader: &mut dyn BufRead,
    inventory: &mut Inventory,
    problems: &mut Vec<Problem>,
) -> bool {
    let (mut line, mut number, mut found) = (Vec::new(), 0u32, false);
    loop {
        line.clear();
        number = number.saturating_add(1);
        match (&mut *reader).take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) => return found,
            Ok(_) => {}
            Err(e) => {
                problems.push(Problem::new(file, body::describe(&e), AGAIN));
                return found;
            }
        }
        let text = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
        if text.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Resource>(text) {
            Ok(resource) => {
                put(resource, file, number, inventory);
                found = true;
            }
            Err(e) => problems.push(Problem::new(
                file,
                (
                    format!("line {number} is no resource ({e})"),
                    format!("{number} 行目はリソースとして読み取れません（{e}）"),
                ),
                AGAIN,
            )),
        }
    }
}

fn put(mut resource: Resource, file: &str, line: u32, inventory: &mut Inventory) {
    if resource.kind == GAP {
        let text = |key: &str| resource.properties.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, reason) = (text("Type"), text("Reason"));
        let Resource { id: action, account, region, .. } = resource;
        return inventory.gaps.push(Gap { kind, account, region, action, reason });
    }
    if resource.source.is_live() {
        resource.origin = None;
    } else if resource.origin.is_none() {
        resource.origin = Some(Origin { file: file.to_owned(), line: Some(line), column: Some(1) });
    }
    inventory.resources.push(resource);
}
