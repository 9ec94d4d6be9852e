//! Our own resource lists: what `yagura scan --resources` wrote, one resource a line.

use super::{Problem, body};
use std::io::{BufRead, Read};
use yagura_model::{Origin, Resource};

/// Longest line that is read.
const MAX_LINE: u64 = 16 << 20;

/// Reads all lines; false when none was a resource.
pub(super) fn read(
    file: &str,
    reader: &mut dyn BufRead,
    resources: &mut Vec<Resource>,
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
                problems.push(Problem::new(file, body::describe(&e), "write the list again"));
                return found;
            }
        }
        let text = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
        if text.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Resource>(text) {
            Ok(mut resource) => {
                resource.origin = Some(Origin { file: file.to_owned(), line: Some(number), column: Some(1) });
                resources.push(resource);
                found = true;
            }
            Err(e) => problems.push(Problem::new(
                file,
                format!("line {number} is no resource ({e})"),
                "write the list again with `yagura scan --resources FILE`",
            )),
        }
    }
}
