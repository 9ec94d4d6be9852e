//! CloudTrail's digest files, and what they say of the logs at hand.
//!
//! Each hour a trail writes a digest: the SHA-256 of every log that it delivered, and of the digest before. A log that
//! was changed since then no longer has its hash, a log that was deleted is missing, a digest that was changed no longer
//! fits the one after it. The digests themselves are signed; a digest's signature stands in the next one, so all but
//! the newest can be checked from files alone, with the public keys that CloudTrail hands out
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html>).

use crate::inflate::GzStream;
use crate::problem::{Level, Problem};
use crate::read::{self, Options};
use crate::run::{Outcome, on_threads};
use crate::walk::Input;
use base64::Engine;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, BufReader, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use yagura_model::Text;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Digest {
    /// The input that it was in.
    #[serde(skip)]
    file: String,
    digest_start_time: String,
    digest_end_time: String,
    digest_s3_bucket: String,
    digest_s3_object: String,
    digest_public_key_fingerprint: Option<String>,
    previous_digest_s3_object: Option<String>,
    previous_digest_hash_value: Option<String>,
    previous_digest_signature: Option<String>,
    log_files: Vec<LogFile>,
}

impl Digest {
    /// What the digests of one trail in one Region have in common: their name but for the time at its end.
    fn trail(&self) -> &str {
        self.digest_s3_object.rsplit('/').next().and_then(|name| name.rsplit_once('_')).map_or("", |(trail, _)| trail)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogFile {
    s3_object: String,
    hash_value: String,
}

/// Bytes of digests that are kept; a year of hourly digests of one Region has a tenth of it.
const MOST: usize = 64 << 20;

/// The digests among what was read.
#[derive(Clone, Debug, Default)]
pub struct Digests {
    list: Vec<Digest>,
    bytes: usize,
    /// Files with a digest that can't be used, being no digest after all or one too many.
    unused: Vec<String>,
}

impl Digests {
    pub fn len(&self) -> usize {
        self.list.len() + self.unused.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn add(&mut self, file: &str, raw: &[u8]) {
        self.bytes += raw.len();
        match serde_json::from_slice::<Digest>(raw) {
            Ok(digest) if self.bytes <= MOST => self.list.push(Digest { file: file.to_owned(), ..digest }),
            _ if self.unused.last().is_some_and(|last| last == file) => {}
            _ => self.unused.push(file.to_owned()),
        }
    }

    pub(crate) fn merge(&mut self, other: Digests) {
        self.list.extend(other.list);
        self.bytes += other.bytes;
        self.unused.extend(other.unused);
    }
}

/// What the digests came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Logs that are as they were delivered.
    pub logs: u64,
    /// Digests whose signature is right.
    pub signed: u64,
    /// Digests whose signature could not be checked: no key, or no later digest that holds it.
    pub unsigned: u64,
}

/// CloudTrail's public keys by fingerprint, as `aws cloudtrail list-public-keys` prints them.
#[derive(Clone, Debug, Default)]
pub struct Keys(HashMap<String, Vec<u8>>);

/// Why a file holds no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("not the output of `aws cloudtrail list-public-keys`: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the key `{0}` is no base64")]
    Base64(String),
}

impl Keys {
    /// Reads `{"PublicKeyList":[{"Value","Fingerprint",…}]}`.
    pub fn read(text: &str) -> Result<Keys, KeyError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Listed {
            value: String,
            fingerprint: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct List {
            public_key_list: Vec<Listed>,
        }
        let list: List = serde_json::from_str(text)?;
        let mut keys = HashMap::new();
        for Listed { value, fingerprint } in list.public_key_list {
            let der = base64::engine::general_purpose::STANDARD
                .decode(value.trim())
                .map_err(|_| KeyError::Base64(fingerprint.clone()))?;
            keys.insert(fingerprint, der);
        }
        Ok(Keys(keys))
    }
}

impl Outcome {
    /// Judges the inputs by the digests among them. A log that isn't what its digest recorded, or is missing, is a blind
    /// spot: whoever could change a log could leave events out of it.
    pub fn verify(&mut self, inputs: &[Input<'_>], options: &Options, keys: &Keys) {
        let digests = std::mem::take(&mut self.digests);
        let mut check = Check::new(&digests.list, inputs);
        check.hash(options);
        check.logs();
        check.chain(keys);
        check.problems.extend(digests.unused.iter().map(|file| unusable(file)));
        let (verified, problems) = (check.verified, check.problems);
        self.verified = verified;
        self.more_problems(problems);
        self.digests = digests;
    }
}

struct Check<'a, 'i> {
    digests: &'a [Digest],
    inputs: &'a [Input<'i>],
    /// Inputs by the last part of their name, which is unique in CloudTrail.
    by_name: HashMap<String, Vec<usize>>,
    hashes: HashMap<usize, io::Result<String>>,
    verified: Verified,
    problems: Vec<Problem>,
}

/// A key's or path's last part; a file that was inflated has lost its ending.
fn base(name: &str) -> &str {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    base.strip_suffix(".gz").unwrap_or(base)
}

impl<'a, 'i> Check<'a, 'i> {
    fn new(digests: &'a [Digest], inputs: &'a [Input<'i>]) -> Check<'a, 'i> {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        if !digests.is_empty() {
            for (number, input) in inputs.iter().enumerate().filter(|(_, i)| !matches!(i, Input::Stdin)) {
                by_name.entry(base(&input.name()).to_owned()).or_default().push(number);
            }
        }
        let (hashes, verified, problems) = (HashMap::new(), Verified::default(), Vec::new());
        Check { digests, inputs, by_name, hashes, verified, problems }
    }

    fn named(&self, key: &str) -> &[usize] {
        self.by_name.get(base(key)).map_or(&[], Vec::as_slice)
    }

    /// Takes the hash of every input that a digest names.
    fn hash(&mut self, options: &Options) {
        let keys = self.digests.iter().flat_map(|d| {
            let logs = d.log_files.iter().map(|l| l.s3_object.as_str());
            logs.chain(d.previous_digest_s3_object.as_deref())
        });
        let wanted: HashSet<usize> = keys.flat_map(|key| self.named(key)).copied().collect();
        let wanted: Vec<usize> = wanted.into_iter().collect();
        let (next, done) = (AtomicUsize::new(0), Mutex::new(HashMap::new()));
        on_threads(options.jobs, wanted.len(), || {
            while let Some(&number) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                let hash = hash(&self.inputs[number], options);
                done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(number, hash);
            }
        });
        self.hashes = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    }

    fn logs(&mut self) {
        let mut recorded: BTreeMap<usize, HashSet<&str>> = BTreeMap::new();
        for digest in self.digests {
            let mut missing = Vec::new();
            for log in &digest.log_files {
                match self.named(&log.s3_object) {
                    [] => missing.push(log.s3_object.as_str()),
                    found => {
                        for number in found {
                            recorded.entry(*number).or_default().insert(&log.hash_value);
                        }
                    }
                }
            }
            if let Some(first) = missing.first() {
                let n = missing.len();
                let what = Text::new(
                    format!("names {n} log(s) that are not here, `{first}` first"),
                    format!("記載されたログ {n} 件が見つかりません（最初は `{first}`）"),
                );
                let hint = Text::new(
                    "fetch them from their bucket; if they are gone there, find out who deleted them",
                    "バケットから取得してください。バケットにもない場合は、誰が削除したか調べてください",
                );
                self.problems.push(Problem::new(Level::Damage, &digest.file, what, hint));
            }
        }
        for (number, wanted) in recorded {
            match self.hashes.get(&number) {
                Some(Ok(hash)) if wanted.iter().any(|w| w.eq_ignore_ascii_case(hash)) => self.verified.logs += 1,
                // What can't be read was named when its records were wanted.
                Some(Ok(_)) => self.problems.push(changed(&self.inputs[number].name())),
                _ => {}
            }
        }
    }

    /// Each digest vouches for the one before, by its hash and by its signature.
    fn chain(&mut self, keys: &Keys) {
        let known: HashMap<&str, &Digest> = self.digests.iter().map(|d| (d.digest_s3_object.as_str(), d)).collect();
        let mut signatures: HashMap<&str, &str> = HashMap::new();
        let mut oldest: HashMap<&str, &str> = HashMap::new();
        for digest in self.digests {
            let (end, first) = (digest.digest_end_time.as_str(), oldest.entry(digest.trail()));
            first.and_modify(|first| *first = end.min(first)).or_insert(end);
        }
        let mut problems = Vec::new();
        for next in self.digests {
            let Some(previous) = next.previous_digest_s3_object.as_deref() else { continue };
            // Before the oldest digest at hand there is nothing to miss.
            let has_older = oldest.get(next.trail()).is_some_and(|end| *end <= next.digest_start_time.as_str());
            if self.named(previous).is_empty() && has_older {
                problems.push(gap(&next.file, previous));
            }
            if let Some(signature) = &next.previous_digest_signature {
                signatures.insert(previous, signature);
            }
            let Some(wanted) = &next.previous_digest_hash_value else { continue };
            for &number in self.named(previous) {
                if let Some(Ok(hash)) = self.hashes.get(&number)
                    && !hash.eq_ignore_ascii_case(wanted)
                {
                    problems.push(changed(&self.inputs[number].name()));
                }
            }
        }
        self.problems.extend(problems);
        for (key, digest) in known {
            let hash = self.named(key).iter().find_map(|n| self.hashes.get(n)?.as_ref().ok());
            let public = digest.digest_public_key_fingerprint.as_ref().and_then(|f| keys.0.get(f));
            match (hash, signatures.get(key), public) {
                (Some(hash), Some(signature), Some(public)) => {
                    if is_signed(digest, hash, signature, public) {
                        self.verified.signed += 1;
                    } else {
                        self.problems.push(forged(&digest.file));
                    }
                }
                _ => self.verified.unsigned += 1,
            }
        }
    }
}

/// The SHA-256 of what reading sees of an input: the inflated text of its first member.
fn hash(input: &Input<'_>, options: &Options) -> io::Result<String> {
    let mut opened = BufReader::with_capacity(64 << 10, input.open()?);
    let is_gzip = read::is_gzip(io::BufRead::fill_buf(&mut opened)?);
    let text: Box<dyn Read + '_> =
        if is_gzip { Box::new(GzStream::new(opened, options.multi_member)) } else { Box::new(opened) };
    let mut hash = Sha256::new();
    io::copy(&mut text.take(options.inflated), &mut hash)?;
    Ok(hex::encode(hash.finalize()))
}

fn is_signed(digest: &Digest, hash: &str, signature: &str, key: &[u8]) -> bool {
    let previous = digest.previous_digest_signature.as_deref().unwrap_or("null");
    let message = format!(
        "{}\n{}/{}\n{hash}\n{previous}",
        digest.digest_end_time, digest.digest_s3_bucket, digest.digest_s3_object
    );
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    hex::decode(signature).is_ok_and(|signature| key.verify(message.as_bytes(), &signature).is_ok())
}

fn changed(file: &str) -> Problem {
    let what = Text::new(
        "not what CloudTrail delivered, by the hash in its digest: changed since",
        "ダイジェストのハッシュと一致せず、CloudTrail が配信した後に変更されています",
    );
    let hint = Text::new(
        "trust nothing in it, fetch it again from its bucket, and find out who could write there",
        "内容を信用せず、バケットから取得し直し、書き込めた人を調べてください",
    );
    Problem::new(Level::Damage, file, what, hint)
}

fn gap(file: &str, previous: &str) -> Problem {
    let what = Text::new(
        format!("the digest before it, `{previous}`, is not here"),
        format!("1 つ前のダイジェスト `{previous}` が見つかりません"),
    );
    let hint = Text::new(
        "fetch it and the logs of its hour from their bucket; if they are gone there, find out who deleted them",
        "その時間帯のログとともにバケットから取得してください。バケットにもない場合は、誰が削除したか調べてください",
    );
    Problem::new(Level::Damage, file, what, hint)
}

fn forged(file: &str) -> Problem {
    let what =
        Text::new("the digest's signature is not CloudTrail's", "ダイジェストの署名が CloudTrail のものではありません");
    let hint = Text::new(
        "trust neither it nor the logs that it names, and find out who could write to the bucket",
        "このダイジェストも記載されたログも信用せず、バケットに書き込めた人を調べてください",
    );
    Problem::new(Level::Damage, file, what, hint)
}

fn unusable(file: &str) -> Problem {
    let what = Text::new(
        "a CloudTrail digest that can't be used to verify logs",
        "CloudTrail のダイジェストですが、ログの検証に使えません",
    );
    let hint = Text::new("fetch it again from its bucket", "バケットから取得し直してください");
    Problem::new(Level::Damage, file, what, hint)
}
