//! How long the console's pages take over a million findings: `cargo run --release -p yagura-web --example million -- DIR`.
//!
//! Fills the state database in `DIR` with seeded findings and verdicts unless it holds some, then asks for each page
//! over loopback and prints milliseconds and bytes. A second argument is another number of findings.

#![expect(clippy::print_stdout, reason = "an example prints")]

use sqlx::AssertSqlSafe;
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use yagura_content::{Kind, Library};
use yagura_hub::{Filter, Hub, Page};
use yagura_state::State;
use yagura_web::{Console, bind, serve};

type Failure = Box<dyn std::error::Error>;

const NOW: &str = "2026-11-22T12:00:00Z";
const ROUNDS: usize = 40;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("name a folder for the database")?;
    let count: i64 = args.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let library = Library::builtin().map_err(|e| format!("{e:?}"))?;
    let state = State::open_in(Path::new(&folder)).await?;
    let hub = Hub::new(state.clone(), Vec::new());
    if hub.count(&Filter::default()).await? == 0 {
        let begun = Instant::now();
        seed(&state, &library, count).await?;
        println!("seeded {count} findings in {:.0} s", begun.elapsed().as_secs_f64());
    }
    let some = hub.findings(&Filter::open(), Page { limit: 1, offset: 0 }).await?;
    let some = some.first().ok_or("no finding")?;
    let resources = hub.resources(None, None, 1, 0).await?;
    let resource = resources.first().ok_or("no resource")?.resource.name();
    let pages = [
        "/".to_owned(),
        "/roadmap".to_owned(),
        "/findings".to_owned(),
        "/findings?severity=high&status=all".to_owned(),
        "/findings?q=s3".to_owned(),
        "/findings?q=bucket-000777".to_owned(),
        "/findings?q=arn%3Aaws".to_owned(),
        "/findings?q=%E3%83%90%E3%82%B1%E3%83%83%E3%83%88".to_owned(),
        format!("/findings?rule={}", some.rule),
        format!("/findings?rule={}&page=50", some.rule),
        format!("/findings?rule={}&q=000777", some.rule),
        format!("/findings/{}", some.id),
        format!("/rules/{}", some.rule.replace('/', "~")),
        "/resources".to_owned(),
        "/resources?q=bucket-000777".to_owned(),
        "/resources?kind=AWS%3A%3AS3%3A%3ABucket&page=50".to_owned(),
        format!("/resource?name={resource}"),
        "/version".to_owned(),
    ];
    let console = Console::new(hub, Arc::new(library), || NOW.to_owned());
    let (listener, address) = bind("127.0.0.1:0").await?;
    tokio::spawn(serve(console, listener, std::future::pending()));
    println!("{:>8} {:>8} {:>8}  page", "p50 ms", "p95 ms", "bytes");
    for page in pages {
        let mut times = Vec::new();
        let mut bytes = 0;
        for round in 0..ROUNDS + 3 {
            let begun = Instant::now();
            bytes = get(&address.to_string(), &page).await?;
            if round >= 3 {
                times.push(begun.elapsed());
            }
        }
        times.sort();
        let ms = |t: Duration| t.as_secs_f64() * 1000.0;
        println!("{:>8.1} {:>8.1} {bytes:>8}  {page}", ms(times[ROUNDS / 2]), ms(times[ROUNDS * 95 / 100]));
    }
    Ok(())
}

async fn get(address: &str, path: &str) -> Result<usize, Failure> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if !answer.starts_with(b"HTTP/1.1 200") {
        return Err(format!("{path}: {}", String::from_utf8_lossy(&answer[..answer.len().min(200)])).into());
    }
    Ok(answer.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |end| answer.len() - end - 4))
}

/// Rows that vary in rule, account, Region, resource and status by their number alone; the triggers fill the counts.
async fn seed(state: &State, library: &Library, count: i64) -> Result<(), Failure> {
    let mut tx = state.write().await?;
    sqlx::query(
        "CREATE TEMP TABLE rule (n INTEGER PRIMARY KEY, id TEXT, severity INTEGER, en TEXT, ja TEXT, type TEXT)",
    )
    .execute(&mut *tx)
    .await?;
    let controls: Vec<_> = library.of(Kind::Control).collect();
    for (n, control) in (0_i64..).zip(&controls) {
        sqlx::query("INSERT INTO temp.rule VALUES (?,?,?,?,?,?)")
            .bind(n)
            .bind(&control.id)
            .bind(n % 5)
            .bind(&control.title.en)
            .bind(&control.title.ja)
            .bind("AWS::S3::Bucket")
            .execute(&mut *tx)
            .await?;
    }
    let rules = controls.len();
    let row = format!(
        "WITH RECURSIVE i(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM i WHERE n + 1 < {count}), \
         row AS (SELECT i.n AS n, printf('%012d', 100000000000 + i.n % 40) AS account, \
         CASE i.n % 3 WHEN 0 THEN 'ap-northeast-1' WHEN 1 THEN 'us-east-1' ELSE 'eu-west-1' END AS region, \
         printf('arn:aws:s3:::company-%d-bucket-%06d', i.n % 40, i.n / 5) AS resource, rule.id AS id, severity, en, ja, type FROM i JOIN temp.rule \
         ON rule.n = CASE WHEN i.n % 10 = 0 THEN 7 ELSE (i.n * 7919) % {rules} END)"
    );
    let reason = "'`VersioningConfiguration.Status` is not set', '`VersioningConfiguration.Status` が未設定'";
    for sql in [
        format!(
            "{row} INSERT INTO verdicts SELECT printf('F-%016x', row.n * 2654435761), row.id, \
             CASE WHEN row.n % 50 = 0 THEN 3 ELSE 1 END, account, region, type, resource, {reason}, 1, '{NOW}' FROM row"
        ),
        format!(
            "{row} INSERT INTO verdicts SELECT printf('P-%016x', row.n * 2654435761), row.id, 0, account, region, type, \
             resource, '', '', 1, '{NOW}' FROM row"
        ),
        format!(
            "{row} INSERT INTO findings SELECT printf('F-%016x', row.n * 2654435761), 'compliance', row.id, severity, \
             CASE row.n % 20 WHEN 0 THEN 'resolved' WHEN 1 THEN 'notified' ELSE CASE WHEN row.n % 500 = 2 THEN \
             'suppressed' ELSE 'new' END END, en, ja, {reason}, resource, type, account, region, NULL, \
             '{{\"resource.VersioningConfiguration.Status\":null}}', strftime('%Y-%m-%dT%H:%M:%SZ', 1760000000 + row.n, \
             'unixepoch'), '{NOW}', NULL, CASE WHEN row.n % 500 = 2 THEN '2027-01-01T00:00:00Z' END, NULL FROM row"
        ),
        format!(
            "{row} INSERT INTO resources SELECT 'k' || n, type, resource, account, region, '{{\"type\":\"AWS::S3::Bucket\",\
             \"id\":\"' || resource || '\",\"arn\":\"' || resource || '\",\"account\":\"' || account || '\",\"region\":\"' \
             || region || '\",\"tags\":{{}},\"properties\":{{}},\"observed\":{{}},\"relations\":[]}}', '', '{NOW}', \
             '{NOW}', NULL FROM row WHERE row.n % 5 = 0"
        ),
        "INSERT INTO runs (kind, started_at, finished_at, summary) VALUES ('scan', '2026-11-22T11:50:00Z', \
         '2026-11-22T11:59:00Z', '{}')"
            .to_owned(),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(state.pool()).await?;
    Ok(())
}
