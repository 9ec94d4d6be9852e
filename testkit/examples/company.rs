//! Writes the company's evidence to a folder: `company DIR [SCALE] [END]`.

#![expect(clippy::print_stdout, reason = "an example prints")]

use chrono::Utc;
use std::path::Path;
use testkit::{Company, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let dir = args.first().ok_or("usage: company DIR [SCALE] [END]")?;
    let scale = args.get(1).map_or(Ok(1.0), |s| s.parse())?;
    let end = args.get(2).map_or(Ok(Utc::now()), |s| s.parse())?;
    let company = Company::new(Options { seed: 1, scale, end });
    println!("{:?}", company.write(Path::new(dir), &mut |_| {})?);
    Ok(())
}
