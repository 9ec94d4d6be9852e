//! `query DATA SQL`: the smallest program that asks; one JSON array a row.

use std::io::Write;
use std::path::PathBuf;
use yagura_lake::{Lake, QueryOptions};
use yagura_state::State;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let data = PathBuf::from(args.next().ok_or("usage: query DATA SQL")?);
    let sql = args.next().ok_or("usage: query DATA SQL")?;
    let state = State::open_in(&data).await?;
    let lake = Lake::open(&data, &state).await?;
    let mut answer = lake.query(&sql, &(), &QueryOptions::default()).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(answer.columns())?)?;
    while let Some(rows) = answer.next().await? {
        for row in rows {
            writeln!(out, "{}", serde_json::to_string(&row)?)?;
        }
    }
    Ok(())
}
