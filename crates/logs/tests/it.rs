//! What reading promises for every kind of good and bad input.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use yagura_logs::{Bad, Claim, Found, Level, Options, Outcome, Record, RecordLimits, Sink, read_one, read_paths};
use yagura_model::Lang;

#[derive(Default)]
struct Names {
    names: Vec<String>,
    bad: Vec<Bad>,
}

impl Found for Names {
    fn record(&mut self, record: &Record<'_>, _: i64) {
        self.names.push(record.text(&["eventName"]).unwrap_or_default().into_owned());
    }
    fn bad(&mut self, _: &[u8], why: Bad) {
        self.bad.push(why);
    }
}

impl Sink for Names {}

fn rec(name: &str) -> String {
    format!(r#"{{"eventVersion":"1.08","eventTime":"2024-01-01T00:00:00Z","eventName":"{name}","eventID":"{name}"}}"#)
}

fn log(names: &[&str]) -> String {
    format!(r#"{{"Records":[{}]}}"#, names.iter().map(|n| rec(n)).collect::<Vec<_>>().join(","))
}

fn gz(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    e.write_all(text.as_ref()).expect("memory");
    e.finish().expect("memory")
}

fn read_with(paths: &[PathBuf], options: &Options) -> (Vec<String>, Vec<Bad>, Outcome) {
    let (sinks, outcome) = read_paths(paths, options, Names::default).expect("paths exist");
    let (mut names, mut bad) = (Vec::new(), Vec::new());
    for sink in sinks {
        names.extend(sink.names);
        bad.extend(sink.bad);
    }
    names.sort();
    (names, bad, outcome)
}

/// Reads one file with this content, named by hand.
fn read_file(content: impl AsRef<[u8]>) -> (Vec<String>, Vec<Bad>, Outcome) {
    let dir = TempDir::new().expect("temp dir");
    let path = dir.path().join("some.file");
    fs::write(&path, content).expect("write");
    read_with(&[path], &Options::default())
}

/// The one problem of an outcome: its level and line without the path.
fn problem(outcome: &Outcome) -> (Level, String) {
    assert_eq!(outcome.problems.len(), 1, "{:?}", outcome.problems);
    let problem = &outcome.problems[0];
    assert!(!problem.line(Lang::Ja).is_empty());
    let line = problem.line(Lang::En);
    (problem.level, line.strip_prefix(&problem.file).expect("the line names the file").to_owned())
}

#[test]
fn knows_every_form_by_content() {
    let all = log(&["A", "B"]);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(all.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for content in [
        all.clone().into_bytes(),
        gz(&all),
        format!("{}\n{}\n", rec("A"), rec("B")).into_bytes(),
        gz(format!("[{},{}]", rec("A"), rec("B"))),
        format!("\u{feff}{all}").into_bytes(),
        utf16,
    ] {
        let (names, bad, outcome) = read_file(&content);
        assert_eq!((names.join(""), bad.len(), outcome.problems.len()), ("AB".to_owned(), 0, 0));
        assert_eq!((outcome.files, outcome.records, outcome.bad_files), (1, 2, 0));
    }
    let (names, _, outcome) = read_file(rec("A"));
    assert_eq!((names.len(), outcome.problems.len()), (1, 0));
    let (_, _, outcome) = read_file(r#"{"Records":[]}"#);
    assert_eq!((outcome.files, outcome.problems.len()), (1, 0));
}

#[test]
fn truncated_gzip_gives_what_came_before() {
    let names: Vec<String> = (0..2_000).map(|i| format!("N{i:05}")).collect();
    let whole = gz(log(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    let (found, _, outcome) = read_file(&whole[..whole.len() / 2]);
    assert!(found.len() > 300 && found.len() < 2_000, "{}", found.len());
    assert_eq!(found.first().map(String::as_str), Some("N00000"));
    let (level, line) = problem(&outcome);
    assert!(level == Level::Damage && line.contains("cut off"), "{line}");
    assert_eq!((outcome.files, outcome.bad_files), (1, 1));
    // All of the text is there, only the trailer isn't.
    let (found, bad, outcome) = read_file(&whole[..whole.len() - 3]);
    assert_eq!((found.len(), bad.len()), (2_000, 0));
    assert!(problem(&outcome).1.contains("cut off"));
}

#[test]
fn damaged_gzip_is_named() {
    let mut bytes = gz(log(&["A"]));
    let last = bytes.len() - 6;
    bytes[last] ^= 0xff; // the CRC
    let (found, _, outcome) = read_file(&bytes);
    assert_eq!(found, ["A"]);
    assert!(problem(&outcome).1.contains("damaged"));
}

#[test]
fn a_second_member_is_reported_and_read_only_when_asked() {
    let bytes = [gz(log(&["A"])), gz(log(&["B"]))].concat();
    let (names, _, outcome) = read_file(&bytes);
    assert_eq!(names, ["A"]);
    let (level, line) = problem(&outcome);
    assert!(level == Level::Damage && line.contains("tampering"), "{line}");
    let mut sink = Names::default();
    let options = Options { multi_member: true, ..Options::default() };
    let outcome = read_one("x", &mut bytes.as_slice(), Claim::Hand, &options, &mut sink);
    assert_eq!((sink.names.len(), outcome.problems.len()), (2, 0));
}

#[test]
fn damage_in_the_middle_costs_one_record() {
    let text = log(&["A", "B", "C"]).replace(r#""eventName":"B""#, r#""eventName":"#);
    let (names, bad, outcome) = read_file(gz(text));
    assert_eq!((names.join(""), bad), ("AC".to_owned(), vec![Bad::Syntax]));
    assert_eq!((outcome.records, outcome.bad_records, outcome.bad_files), (2, 1, 1));
    assert!(problem(&outcome).1.contains("1 record not read"));
}

#[test]
fn what_is_no_log_is_skipped_with_a_word() {
    for content in ["just text\n", r#"{"name":"package"}"#, r#"[1, 2]"#] {
        let (names, _, outcome) = read_file(content);
        assert!(names.is_empty());
        assert_eq!(problem(&outcome).0, Level::Damage, "named by hand, so somebody expects a log");
    }
    let (_, _, outcome) = read_file("");
    assert!(problem(&outcome).1.contains("empty"));
}

#[test]
fn a_record_without_time_is_bad_and_the_rest_is_read() {
    let text = format!(r#"{{"Records":[{},{{"eventVersion":"1.08","eventName":"X"}},{}]}}"#, rec("A"), rec("B"));
    let (names, bad, outcome) = read_file(text);
    assert_eq!((names.join(""), bad), ("AB".to_owned(), vec![Bad::NoTime]));
    assert!(problem(&outcome).1.contains("eventTime"));
}

#[test]
fn invalid_utf8_is_replaced_and_the_file_named_once() {
    let mut text = log(&["A", "BxC", "DxE"]).into_bytes();
    text.iter_mut().filter(|b| **b == b'x').for_each(|b| *b = 0xff);
    let (names, bad, outcome) = read_file(&text);
    assert_eq!((names, bad.len()), (vec!["A".to_owned(), "B\u{fffd}C".to_owned(), "D\u{fffd}E".to_owned()], 0));
    let (level, line) = problem(&outcome);
    assert!(level == Level::Warning && line.contains("UTF-8"), "{line}");
}

#[test]
fn nesting_has_a_limit() {
    let deep = format!(
        r#"{{"eventVersion":"1","eventTime":"2024-01-01T00:00:00Z","x":{}1{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    let (names, bad, outcome) = read_file(format!(r#"{{"Records":[{},{deep},{}]}}"#, rec("A"), rec("B")));
    assert_eq!((names.join(""), bad), ("AB".to_owned(), vec![Bad::TooDeep]));
    assert!(problem(&outcome).1.contains("nested too deeply"));
    let (names, bad, _) = read_file(gz("[".repeat(1_000_000)));
    assert_eq!((names.len(), bad), (0, vec![Bad::TooDeep]));
    let (names, _, outcome) = read_file(format!("{}\n{}\n", "{\"a\":".repeat(1_000_000), rec("A")));
    assert_eq!((names.join(""), outcome.bad_records), ("A".to_owned(), 1));
}

/// Endless text from a pattern, without holding it.
struct Repeat {
    parts: Vec<(Vec<u8>, usize)>,
    at: (usize, usize, usize),
}

impl Repeat {
    fn new(parts: &[(&str, usize)]) -> Repeat {
        Repeat { parts: parts.iter().map(|(p, n)| (p.as_bytes().to_vec(), *n)).collect(), at: (0, 0, 0) }
    }
}

impl Read for Repeat {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut n = 0;
        while n < buffer.len() {
            let (part, round, offset) = self.at;
            let Some((pattern, rounds)) = self.parts.get(part) else { break };
            if round == *rounds {
                self.at = (part + 1, 0, 0);
                continue;
            }
            let take = (buffer.len() - n).min(pattern.len() - offset);
            buffer[n..n + take].copy_from_slice(&pattern[offset..offset + take]);
            n += take;
            self.at = if offset + take == pattern.len() { (part, round + 1, 0) } else { (part, round, offset + take) };
        }
        Ok(n)
    }
}

#[test]
fn a_record_of_100_mb_is_skipped_and_the_next_read() {
    let (a, b) = (rec("A"), rec("B"));
    let x = "x".repeat(1000);
    let parts: &[(&str, usize)] =
        &[(&a, 1), ("\n{\"eventVersion\":\"", 1), (&x, 100_000), ("\"}\n", 1), (&b, 1), ("\n", 1)];
    let mut sink = Names::default();
    let outcome = read_one("long", &mut Repeat::new(parts), Claim::Hand, &Options::default(), &mut sink);
    assert_eq!((sink.names.join(""), sink.bad), ("AB".to_owned(), vec![Bad::TooLarge]));
    assert!(problem(&outcome).1.contains("larger than the cap"));
    // A line that is no JSON at all is given up at once.
    let mut endless = Repeat::new(&[(&x, usize::MAX)]);
    let outcome = read_one("noise", &mut endless, Claim::Hand, &Options::default(), &mut Names::default());
    assert!(problem(&outcome).1.contains("not JSON"));
}

#[test]
fn a_stream_reads_as_the_whole_does() {
    let record = format!("{},", rec("A"));
    let parts: &[(&str, usize)] =
        &[("{\"Records\":[", 1), (&record, 300_000), (&record[..record.len() - 1], 1), ("]}", 1)];
    let mut sink = Names::default();
    let outcome = read_one("big", &mut Repeat::new(parts), Claim::Hand, &Options::default(), &mut sink);
    assert_eq!((sink.names.len(), outcome.problems.len()), (300_001, 0));
}

#[test]
fn inflation_stops_at_the_cap() {
    let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::copy(&mut Repeat::new(&[(&log(&["A"])[..], 1), (&" ".repeat(1 << 10), 80 << 10)]), &mut e).expect("memory");
    let bomb = e.finish().expect("memory");
    let options = Options { inflated: 70 << 20, ..Options::default() };
    let mut sink = Names::default();
    let outcome = read_one("bomb", &mut bomb.as_slice(), Claim::Hand, &options, &mut sink);
    assert_eq!(sink.names, ["A"]);
    assert!(problem(&outcome).1.contains("more than 73400320 bytes inflated"));
    let outcome = read_one("bomb", &mut bomb.as_slice(), Claim::Hand, &Options::default(), &mut Names::default());
    assert_eq!(outcome.problems, vec![]);
}

#[test]
fn caps_are_options() {
    let options = Options { record: RecordLimits { bytes: 100, depth: 128 }, ..Options::default() };
    let mut sink = Names::default();
    let text = log(&["A", &"B".repeat(200), "C"]);
    read_one("x", &mut text.as_bytes(), Claim::Hand, &options, &mut sink);
    assert_eq!((sink.names.len(), sink.bad), (2, vec![Bad::TooLarge]));
}

#[test]
fn folders_are_walked_and_what_is_no_file_is_skipped() {
    let dir = TempDir::new().expect("temp dir");
    let outside = TempDir::new().expect("temp dir");
    let at = |p: &str| dir.path().join(p);
    fs::create_dir_all(at("AWSLogs/1/CloudTrail")).expect("mkdir");
    fs::write(at("AWSLogs/1/CloudTrail/a.json.gz"), gz(log(&["A"]))).expect("write");
    fs::write(at("b"), log(&["B"])).expect("write");
    fs::write(at("README"), "nothing").expect("write");
    fs::write(at("broken.json"), "nothing").expect("write");
    fs::write(at("digest.json.gz"), gz(r#"{"awsAccountId":"1","digestStartTime":"t","logFiles":[]}"#)).expect("write");
    fs::write(outside.path().join("c.json"), log(&["C"])).expect("write");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink(outside.path().join("c.json"), at("out.json")).expect("link");
        symlink(at("b"), at("inside")).expect("link");
        symlink(dir.path(), at("loop")).expect("link");
        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().expect("mkfifo");
        assert!(made.success());
    }
    let (names, _, outcome) = read_with(&[dir.path().to_path_buf()], &Options { jobs: 3, ..Options::default() });
    assert_eq!(names, ["A", "B"]);
    assert_eq!((outcome.files, outcome.bad_files, outcome.digests.len()), (3, 1, 1));
    let levels: Vec<(String, Level)> = outcome
        .problems
        .iter()
        .map(|p| (Path::new(&p.file).file_name().expect("name").to_string_lossy().into_owned(), p.level))
        .collect();
    let expected =
        [("README", Level::Note), ("broken.json", Level::Damage), ("out.json", Level::Note), ("pipe", Level::Note)];
    assert_eq!(levels, expected.map(|(n, l)| (n.to_owned(), l)));
    // A link that is named by hand is read.
    let (names, _, _) = read_with(&[at("out.json")], &Options::default());
    assert_eq!(names, ["C"]);
}

#[test]
fn empty_missing_and_unreadable() {
    let dir = TempDir::new().expect("temp dir");
    let (_, _, outcome) = read_with(&[dir.path().to_path_buf()], &Options::default());
    assert!(problem(&outcome).1.contains("no files"));
    let missing = dir.path().join("nope");
    let result = read_paths(&[missing], &Options::default(), Names::default);
    assert!(result.err().expect("an error").to_string().contains("does not exist"));
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "permission denied"))
        }
    }
    let outcome = read_one("secret", &mut Broken, Claim::Hand, &Options::default(), &mut Names::default());
    let (level, line) = problem(&outcome);
    assert!(level == Level::Damage && line.contains("permission denied"), "{line}");
}

#[test]
fn control_characters_in_names_are_escaped() {
    let outcome =
        read_one("a\u{1b}[31m\nb", &mut "x".as_bytes(), Claim::Hand, &Options::default(), &mut Names::default());
    let line = outcome.problems[0].line(Lang::En);
    assert!(line.starts_with(r"a\u{1b}[31m\nb: "), "{line}");
}
