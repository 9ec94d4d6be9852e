//! Writes resources, one JSON object a line, as `--resources` does: `bulk FILE COUNT`.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(file), Some(count)) = (args.next(), args.next()) else { return Err("usage: bulk FILE COUNT".into()) };
    let mut out = BufWriter::new(File::create(file)?);
    for resource in testkit::resources(count.parse()?, 1) {
        writeln!(out, "{resource}")?;
    }
    Ok(out.flush()?)
}
