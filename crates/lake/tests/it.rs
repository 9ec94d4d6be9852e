use async_trait::async_trait;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use yagura_lake::{
    ColumnKind, Columns, IngestOptions, Ingested, Judge, Lake, LakeError, QueryOptions, SinkError, Tables,
};
use yagura_logs::{Input, Object, Record};
use yagura_state::{State, Tx};

struct Place {
    folder: TempDir,
    lake: Lake,
}

impl Place {
    async fn new() -> Place {
        let folder = tempfile::tempdir().expect("works");
        let data = folder.path().join("data");
        let state = State::open_in(&data).await.expect("works");
        let lake = Lake::open(&data, &state).await.expect("works");
        Place { folder, lake }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("works")).expect("works");
        fs::write(&path, bytes).expect("works");
        path
    }

    async fn ingest(&self, paths: &[PathBuf]) -> Ingested {
        self.lake.ingest(paths, &IngestOptions::default(), &mut ()).await.expect("works")
    }

    async fn ask(&self, sql: &str) -> Vec<Vec<Value>> {
        let answer = self.lake.query(sql, &(), &QueryOptions::default()).await.expect("works");
        answer.all().await.expect("works")
    }

    async fn count(&self) -> i64 {
        self.ask("SELECT count(*) FROM events").await[0][0].as_i64().expect("works")
    }

    async fn refused(&self, sql: &str) -> String {
        match self.lake.query(sql, &(), &QueryOptions::default()).await {
            Err(error) => error.to_string(),
            Ok(answer) => answer.all().await.expect_err("fails").to_string(),
        }
    }
}

fn record(id: u32, minute: u32) -> Value {
    json!({
        "eventVersion": "1.11", "eventTime": format!("2026-11-02T01:{minute:02}:00Z"), "eventSource": "ec2.amazonaws.com",
        "eventName": "RunInstances", "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.1", "recipientAccountId": "111122223333",
        "eventID": format!("00000000-0000-4000-8000-{id:012}"), "requestID": "r", "requestParameters": {"n": id},
    })
}

fn log(records: &[Value]) -> Vec<u8> {
    json!({"Records": records}).to_string().into_bytes()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("works");
    encoder.finish().expect("works")
}

fn files_below(folder: &Path) -> usize {
    fs::read_dir(folder)
        .expect("works")
        .map(|entry| entry.expect("works"))
        .map(|entry| if entry.file_type().expect("works").is_dir() { files_below(&entry.path()) } else { 1 })
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_in_the_lake_once_however_it_is_delivered() {
    let place = Place::new().await;
    let first = place.file("logs/a.json.gz", &gz(&log(&[record(1, 1), record(2, 2), record(2, 2)])));
    let done = place.ingest(std::slice::from_ref(&first)).await;
    assert_eq!((done.events, done.repeated, done.commits), (2, 1, 1));

    let again = place.ingest(&[first]).await;
    assert_eq!((again.events, again.known_objects, again.commits, again.logs.files), (0, 1, 0, 0));

    // The same bytes under another name, and an object that shares an event with the first.
    place.file("logs/b.json.gz", &fs::read(place.path("logs/a.json.gz")).expect("works"));
    place.file("logs/c.json", &log(&[record(2, 2), record(3, 3)]));
    let more = place.ingest(&[place.path("logs")]).await;
    assert_eq!((more.events, more.repeated, more.known_objects), (1, 1, 2));

    let forced = IngestOptions { again: true, ..IngestOptions::default() };
    let forced = place.lake.ingest(&[place.path("logs")], &forced, &mut ()).await.expect("works");
    assert_eq!((forced.events, forced.repeated), (0, 8));

    assert_eq!(place.count().await, 3);
    let status: Vec<String> = sqlx::query_scalar("SELECT status FROM source_objects ORDER BY key")
        .fetch_all(place.lake.state().pool())
        .await
        .expect("works");
    assert_eq!(status, ["ingested", "ingested", "ingested"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_may_end_inside_an_object() {
    let place = Place::new().await;
    let records: Vec<Value> = (0..200).map(|id| record(id, id % 60)).collect();
    let path = place.file("many.json", &log(&records));
    let options = IngestOptions { batch_bytes: 10_000, ..IngestOptions::default() };
    let done = place.lake.ingest(&[path], &options, &mut ()).await.expect("works");
    assert!(done.commits > 3, "{} commits", done.commits);
    assert_eq!((done.events, place.count().await), (200, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_kept_and_counted() {
    let place = Place::new().await;
    let mut cut = log(&[record(1, 1), record(2, 2)]);
    cut.truncate(cut.len() - 20);
    place.file("logs/cut.json", &cut);
    place.file("logs/broken.json.gz", &gz(&log(&[record(3, 3)]))[..40]);
    place.file("logs/readme.txt", b"not a log");
    let done = place.ingest(&[place.path("logs")]).await;
    assert_eq!((done.events, done.quarantined_objects), (1, 2));
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT o.status, q.file FROM source_objects o JOIN quarantine q USING (digest) ORDER BY o.key")
            .fetch_all(place.lake.state().pool())
            .await
            .expect("works");
    assert_eq!(rows.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), ["quarantined", "partial"]);
    assert_eq!(fs::read(place.path("data/quarantine").join(&rows[1].1)).expect("works"), cut);
    assert_eq!(place.ingest(&[place.path("logs")]).await.known_objects, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn quarantine_is_read_again_once_it_can_be() {
    let place = Place::new().await;
    let path = place.file("two.json.gz", &[gz(&log(&[record(1, 1)])), gz(&log(&[record(2, 2)]))].concat());
    let done = place.ingest(&[path]).await;
    assert_eq!((done.events, done.quarantined_objects), (1, 1));
    let waiting = || async {
        let sql = "SELECT count(*) FROM quarantine WHERE replayed_at IS NULL";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(place.lake.state().pool()).await.expect("works")
    };
    let same = place.lake.replay_quarantine(&IngestOptions::default(), &mut ()).await.expect("works");
    assert_eq!((same.events, same.repeated, waiting().await), (0, 1, 1));
    let logs = yagura_logs::Options { multi_member: true, ..yagura_logs::Options::default() };
    let all = IngestOptions { logs, ..IngestOptions::default() };
    let done = place.lake.replay_quarantine(&all, &mut ()).await.expect("works");
    assert_eq!((done.events, done.repeated, waiting().await, place.count().await), (1, 1, 0, 2));
    let row: (String, i64) = sqlx::query_as("SELECT status, events FROM source_objects")
        .fetch_one(place.lake.state().pool())
        .await
        .expect("works");
    assert_eq!(row, ("ingested".to_owned(), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_are_merged_and_the_rows_stay() {
    let place = Place::new().await;
    let options = IngestOptions { merge_files: 4, ..IngestOptions::default() };
    let mut merged = Vec::new();
    for n in 0..8 {
        let path = place.file(&format!("{n}.json"), &log(&[record(2 * n, 1 + n), record(2 * n + 1, 30 + n)]));
        merged.push(place.lake.ingest(&[path], &options, &mut ()).await.expect("works").compacted);
    }
    // One merged file and three new ones make four again.
    assert_eq!(merged, [false, false, false, true, false, false, true, false]);
    let sql = "SELECT count(*), count(DISTINCT metadata.uid), count(DISTINCT raw_data) FROM events";
    assert_eq!(place.ask(sql).await, [[json!(16), json!(16), json!(16)]]);
    let again = IngestOptions { again: true, ..options };
    let done = place.lake.ingest(&[place.path("0.json"), place.path("7.json")], &again, &mut ()).await.expect("works");
    assert_eq!((done.events, done.repeated, done.swept), (0, 4, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_fetched_once_for_each_version() {
    let place = Place::new().await;
    let fetched = AtomicUsize::new(0);
    let fetched = &fetched;
    let object = |etag: &str, bytes: Vec<u8>| {
        Input::Object(Object {
            source: "s3://logs".to_owned(),
            key: "AWSLogs/a.json".to_owned(),
            etag: Some(etag.to_owned()),
            open: Box::new(move || {
                fetched.fetch_add(1, Ordering::Relaxed);
                Ok(Box::new(std::io::Cursor::new(bytes.clone())))
            }),
        })
    };
    let count = || fetched.load(Ordering::Relaxed);
    let old = log(&[record(1, 1)]);
    let new = log(&[record(1, 1), record(2, 2)]);
    let objects = [object("v1", old.clone()), object("v2", new)];
    let options = IngestOptions { batch_objects: 1, ..IngestOptions::default() };
    let done = place.lake.ingest_inputs(&objects, vec![], &options, &mut ()).await.expect("works");
    assert_eq!((done.events, done.repeated, count()), (2, 1, 2));
    let gone = Input::Object(Object {
        source: "s3://logs".to_owned(),
        key: "AWSLogs/gone.json".to_owned(),
        etag: None,
        open: Box::new(|| Err(std::io::Error::other("denied"))),
    });
    let done = place.lake.ingest_inputs(&[object("v1", old), gone], vec![], &options, &mut ()).await.expect("works");
    assert_eq!((done.events, done.known_objects, count()), (0, 1, 2));
    assert_eq!(done.logs.problems[0].file, "s3://logs/AWSLogs/gone.json");
    assert_eq!(fs::read_dir(place.path("data/quarantine")).expect("works").count(), 0);
}

/// Findings that can't be stored.
#[derive(Default)]
struct Broken {
    events: usize,
    works: bool,
}

impl Judge for Broken {
    fn event(&mut self, _: &Record<'_>, _: i64) {
        self.events += 1;
    }

    async fn commit(&mut self, tx: &mut Tx) -> Result<(), SinkError> {
        sqlx::query("CREATE TABLE judged (events INTEGER)").execute(&mut **tx).await?;
        if self.works { Ok(()) } else { Err("no findings today".into()) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_findings_appear_together_or_not_at_all() {
    let place = Place::new().await;
    let path = place.file("a.json", &log(&[record(1, 1)]));
    let mut judge = Broken::default();
    let error =
        place.lake.ingest(std::slice::from_ref(&path), &IngestOptions::default(), &mut judge).await.expect_err("fails");
    assert!(matches!(error, LakeError::Sink(_)), "{error}");
    assert_eq!((judge.events, place.count().await), (1, 0));
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM source_objects")
        .fetch_one(place.lake.state().pool())
        .await
        .expect("works");
    assert_eq!(left, 0);

    let mut judge = Broken { works: true, ..Broken::default() };
    let done = place.lake.ingest(&[path], &IngestOptions::default(), &mut judge).await.expect("works");
    // What the first run wrote for nothing is gone: a data file, a manifest, a manifest list and the metadata.
    assert_eq!((done.swept, done.events, judge.events, place.count().await), (4, 1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_swept_and_nothing_else() {
    let place = Place::new().await;
    for n in 0..3 {
        place.ingest(&[place.file(&format!("{n}.json"), &log(&[record(n, 1)]))]).await;
    }
    let table = place.path("data/lake/amazon_security_lake/cloud_trail_mgmt_2_0");
    let before = files_below(&table);
    fs::write(table.join("data/region=us-east-1/left-over.parquet"), b"half").expect("works");
    fs::write(table.join("metadata/left-over.avro"), b"half").expect("works");
    assert_eq!(place.ingest(&[]).await.swept, 2);
    assert_eq!((files_below(&table), place.count().await), (before, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_data_directory_is_not_mistaken_for_the_old_one() {
    let place = Place::new().await;
    place.ingest(&[place.file("a.json", &log(&[record(1, 1)]))]).await;
    place.lake.state().close().await;
    let moved = place.path("moved");
    fs::create_dir(&moved).expect("works");
    fs::copy(place.path("data/yagura.db"), moved.join("yagura.db")).expect("works");
    let state = State::open_in(&moved).await.expect("works");
    let lake = Lake::open(&moved, &state).await.expect("works");
    let error = lake.ingest(&[], &IngestOptions::default(), &mut ()).await.expect_err("fails");
    assert!(matches!(error, LakeError::Moved { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_records_are_kept_as_they_are() {
    let place = Place::new().await;
    let odd = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/odd.json");
    let mut raw =
        br#"{"eventTime":"2026-11-02T05:00:00Z","eventName":"NoId","eventSource":"a.amazonaws.com","x":"A"}"#.to_vec();
    let at = raw.len() - 3;
    raw[at] = 0xff;
    let no_id = place.file("no-id.json", &raw);
    let done = place.ingest(&[odd, no_id]).await;
    assert_eq!((done.events, done.logs.bad_records, done.quarantined_objects), (10, 0, 0));
    let rows =
        place.ask("SELECT metadata.uid, region, accountid, time_dt FROM events ORDER BY time, metadata.uid").await;
    assert_eq!(rows.len(), 10);
    let by_id = |id: &str| rows.iter().find(|row| row[0].as_str().expect("works").starts_with(id)).expect("works");
    assert_eq!(by_id("00000000-0000-4000-8000-000000000006")[1..3], [Value::Null, Value::Null]);
    assert_eq!(by_id("00000000-0000-4000-8000-000000000007")[3], Value::Null);
    assert_eq!(by_id("00000000-0000-4000-8000-000000000005")[3], "2026-11-02T01:02:07.250Z");
    assert_eq!(by_id("sha256:")[3], "2026-11-02T05:00:00Z");
    assert_eq!(
        place.ask("SELECT json_get(raw_data, 'x') FROM events WHERE api.operation = 'NoId'").await,
        [[json!("\u{fffd}")]]
    );
    assert_eq!(
        place.ask("SELECT count(*) FROM events WHERE time_dt > now() - interval '100 years'").await,
        [[json!(9)]]
    );
    assert!(!place.path("data/lake/etc").exists() && !place.path("etc").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_and_orders_are_not() {
    let place = Place::new().await;
    assert_eq!(place.ask("SELECT count(*) FROM events").await, [[json!(0)]]);
    place.ingest(&[PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/odd.json")]).await;
    let sql =
        "SELECT actor.user.uid, api.operation, is_mfa, json_get(raw_data, 'responseElements.ConsoleLogin') AS answer
               FROM events WHERE class_uid = 3002 AND region = 'us-east-1' AND actor.user.type = 'Root'";
    let answer = place.lake.query(sql, &(), &QueryOptions::default()).await.expect("works");
    assert_eq!(answer.columns(), ["actor.user.uid", "api.operation", "is_mfa", "answer"]);
    assert_eq!(
        answer.all().await.expect("works"),
        [[json!("arn:aws:iam::111122223333:root"), json!("ConsoleLogin"), json!(true), json!("Failure")]]
    );
    for order in [
        "DROP TABLE events",
        "INSERT INTO events SELECT * FROM events",
        "CREATE TABLE t AS SELECT 1",
        "COPY (SELECT 1) TO '/tmp/yagura-must-not-exist.csv'",
        "SET datafusion.execution.batch_size = 1",
        "EXPLAIN ANALYZE INSERT INTO events SELECT * FROM events",
    ] {
        let error = place.refused(order).await;
        assert!(error.contains("only reads"), "{order}: {error}");
    }
    assert!(place.refused("SELECT regoin FROM events").await.contains("did you mean `region`?"));
    assert!(place.refused("SELECT 1 FROM nothing").await.contains("there are `events`"));
    assert!(place.refused("SELEC 1").await.contains("no SQL"));
    assert!(place.refused("SELECT 1; SELECT 2").await.contains("one statement"));
    let hungry = QueryOptions { memory: 1 << 20, ..QueryOptions::default() };
    let sql = "SELECT a.value, count(*) FROM generate_series(1, 3000000) a GROUP BY 1";
    let answer = place.lake.query(sql, &(), &hungry).await;
    let error = match answer {
        Ok(answer) => answer.all().await.err(),
        Err(error) => Some(error),
    };
    assert!(error.is_none_or(|error| error.to_string().contains("more memory")));
}

struct Resources;

#[async_trait]
impl Tables for Resources {
    fn names(&self) -> Vec<&'static str> {
        vec!["resources", "findings"]
    }

    async fn rows(&self, name: &str) -> Result<Columns, Box<dyn std::error::Error + Send + Sync>> {
        assert_eq!(name, "resources", "only what a query names is loaded");
        Ok(Columns {
            columns: vec![
                ("arn", ColumnKind::Text),
                ("seen", ColumnKind::Time),
                ("properties", ColumnKind::Json),
                ("n", ColumnKind::Int),
            ],
            rows: vec![
                json!({"arn": "arn:aws:s3:::b", "seen": "2026-01-01T00:00:00Z", "properties": {"A": [{"B": true}]}, "n": 7}),
                json!({"arn": "arn:aws:s3:::c", "n": "seven", "other": 1}),
            ],
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_tables_join_the_events() {
    let place = Place::new().await;
    place.ingest(&[PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/odd.json")]).await;
    let sql =
        "SELECT r.arn, json_get(r.properties, 'A.0.B') AS flag, r.n, r.seen, count(e.time) AS events FROM resources r
               LEFT JOIN (SELECT time, unnest(resources) AS resource FROM events) e ON e.resource.uid = r.arn
               GROUP BY ALL ORDER BY r.arn";
    let answer = place.lake.query(sql, &Resources, &QueryOptions::default()).await.expect("works");
    assert_eq!(
        answer.all().await.expect("works"),
        [
            [json!("arn:aws:s3:::b"), json!("true"), json!(7), json!("2026-01-01T00:00:00Z"), json!(1)],
            [json!("arn:aws:s3:::c"), Value::Null, Value::Null, Value::Null, json!(0)],
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_back_as_they_went_in() {
    let place = Place::new().await;
    let records: Vec<Value> = (0..30).map(|id| record(id, id)).collect();
    place.ingest(&[place.file("a.json", &log(&records))]).await;
    let mut seen = Vec::new();
    let from = yagura_logs::parse_time("2026-11-02T01:10:00Z");
    let until = yagura_logs::parse_time("2026-11-02T01:20:00Z");
    let count = place
        .lake
        .records(from, until, |raw| seen.push(serde_json::from_str::<Value>(raw).expect("works")))
        .await
        .expect("works");
    seen.sort_by_key(|record| record["eventTime"].to_string());
    assert_eq!((count, seen), (10, records[10..20].to_vec()));
}

#[test]
fn the_ocsf_object_of_a_record() {
    let odd = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/odd.json")).expect("works");
    let odd: Value = serde_json::from_str(&odd.replace("1e999", "1")).expect("works");
    let event = |at: usize| {
        let record = &odd["Records"][at];
        let mut event = yagura_lake::ocsf::event(&record.to_string()).expect("works");
        assert_eq!(event["raw_data"], record.to_string());
        event["raw_data"] = Value::Null;
        event
    };
    let login = event(0);
    assert_eq!(
        (&login["class_uid"], &login["type_uid"], &login["status"]),
        (&json!(3002), &json!(300201), &json!("Failure"))
    );
    assert_eq!((&login["is_mfa"], &login["src_endpoint"]["ip"]), (&json!(true), &json!("2001:db8::7")));
    let assumed = event(1);
    assert_eq!(assumed["user"]["uid"], "arn:aws:sts::111122223333:assumed-role/Admin/alice");
    assert_eq!((&assumed["auth_protocol"], &assumed["actor"]["idp"]["name"]), (&json!("SAML"), &json!("abc")));
    assert_eq!(assumed["session"]["credential_uid"], "ASIAEXAMPLE");
    assert!(
        assumed.get("resources").is_none()
            && assumed["unmapped"]["resources"].as_str().expect("works").contains("role/Admin")
    );
    let changed = event(2);
    assert_eq!(
        (&changed["class_name"], &changed["activity_name"]),
        (&json!("Account Change"), &json!("Attach Policy"))
    );
    assert_eq!((&changed["user"]["name"], &changed["actor"]["session"]["uid"]), (&json!("bob"), &json!("deploy")));
    assert_eq!(changed["policy"]["uid"], "arn:aws:iam::aws:policy/AdministratorAccess");
    assert_eq!(changed["unmapped"]["tlsDetails.tlsVersion"], "TLSv1.3");
    let deleted = event(5);
    assert_eq!((&deleted["activity_name"], &deleted["status_code"]), (&json!("Delete"), &json!("AccessDenied")));
    assert_eq!(deleted["resources"].as_array().expect("works").len(), 2);
    assert_eq!(deleted["unmapped"], json!({"newField.since": "[1,2]"}));
    assert!(yagura_lake::ocsf::event("[]").is_err() && yagura_lake::ocsf::event(r#"{"eventName":"x"}"#).is_err());
}
