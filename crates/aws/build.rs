//! Embeds every service file of `api/` by name, so that adding a service is adding a file and nothing else.

use std::{env, fmt::Write, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let api = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("api");
    println!("cargo::rerun-if-changed={}", api.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&api)? {
        if let Some(name) = entry?.file_name().to_str().and_then(|n| n.strip_suffix(".json.gz")) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    let mut code = format!("static ENTRIES: [Entry; {}] = [\n", names.len());
    for name in &names {
        let path = api.join(format!("{name}.json.gz"));
        writeln!(code, "    Entry::new({name:?}, include_bytes!({:?})),", path.display().to_string())
            .map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    fs::write(PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?).join("entries.rs"), code)
}
