//! The floor under a hunt: every file below a folder inflated whole by libdeflate and parsed by sonic-rs, the fastest
//! JSON parser in the registry that we know of, on one core, with nothing judged. `cargo xtask bench` sets the hunt
//! against it.

#![expect(clippy::print_stdout, reason = "an example prints")]

use libdeflater::{DecompressionError, Decompressor};
use sonic_rs::{JsonContainerTrait as _, JsonValueTrait as _};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: parse_only DIR")?;
    let mut files = Vec::new();
    walk(Path::new(&dir), &mut files)?;
    let (mut inflater, mut text) = (Decompressor::new(), vec![0; 1 << 20]);
    let (mut records, mut bytes) = (0usize, 0usize);
    let begun = Instant::now();
    for file in &files {
        let packed = fs::read(file)?;
        let length = loop {
            match inflater.gzip_decompress(&packed, &mut text) {
                Ok(length) => break length,
                Err(DecompressionError::InsufficientSpace) => text.resize(text.len() * 2, 0),
                Err(e) => return Err(format!("{}: {e}", file.display()).into()),
            }
        };
        let log: sonic_rs::Value = sonic_rs::from_slice(&text[..length])?;
        records += log.get("Records").and_then(|r| r.as_array()).map_or(0, |r| r.len());
        bytes += length;
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{}", serde_json::json!({"files": files.len(), "records": records, "bytes": bytes, "seconds": seconds}));
    Ok(())
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "gz") {
            files.push(path);
        }
    }
    Ok(())
}
