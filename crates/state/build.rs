//! Embeds every `migrations/NNNN_name.sql` in order, so that a new table is one new file.

use std::{env, fmt::Write, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("migrations");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".sql") {
            names.push(name);
        }
    }
    names.sort();
    let mut code = String::from("pub(crate) const MIGRATIONS: &[Migration] = &[\n");
    let mut last = 0;
    for name in &names {
        let version: i64 = name
            .split('_')
            .next()
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| io::Error::other(format!("`{name}`: name a migration NNNN_what.sql")))?;
        if version <= last {
            return Err(io::Error::other(format!("`{name}`: another migration has the number {version}")));
        }
        last = version;
        let path = folder.join(name).display().to_string();
        println!("cargo::rerun-if-changed={path}");
        writeln!(code, "    Migration {{ version: {version}, name: {name:?}, sql: include_str!({path:?}) }},")
            .map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    fs::write(PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?).join("migrations.rs"), code)
}
