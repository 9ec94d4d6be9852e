//! What logs are read from: files, folders, standard input, and the objects below `s3://BUCKET/PREFIX`.

use super::scan;
use crate::exit::Stop;
use anyhow::anyhow;
use serde_json::{Value, json};
use std::{
    io::{self, Read},
    path::PathBuf,
    sync::Arc,
};
use tokio::runtime::Handle;
use yagura_aws::{Api, Call, CallError, Client, ErrorKind};
use yagura_logs::{Input, Level, Object, Problem};
use yagura_model::Text;

/// Inputs, and what was wrong on the way to them.
#[derive(Default)]
pub struct Sources {
    pub inputs: Vec<Input<'static>>,
    pub problems: Vec<Problem>,
}

/// Bytes of an object that are fetched at a time.
const PART: u64 = 8 << 20;

/// Finds everything below the paths and addresses, in the order given.
pub async fn find(given: &[String]) -> Result<Sources, Stop> {
    let mut sources = Sources::default();
    let mut client: Option<Arc<Client>> = None;
    for path in given {
        let Some(address) = path.strip_prefix("s3://") else {
            let missing = |path| Stop::usage(yagura_logs::Error::Missing(path));
            let (inputs, problems) = yagura_logs::inputs(&[PathBuf::from(path)]).map_err(missing)?;
            sources.inputs.extend(inputs);
            sources.problems.extend(problems);
            continue;
        };
        let client = match &client {
            Some(client) => Arc::clone(client),
            None => {
                let connected = Client::connect(yagura_aws::Options::default()).await.map_err(Stop::usage)?;
                Arc::clone(client.insert(Arc::new(connected)))
            }
        };
        let (name, prefix) = address.split_once('/').unwrap_or((address, ""));
        if name.is_empty() {
            return Err(Stop::usage(anyhow!("`{path}` names no bucket: write s3://BUCKET/PREFIX")));
        }
        let bucket = Arc::new(Bucket { client, handle: Handle::current(), name: name.to_owned() });
        let before = sources.inputs.len();
        list(&bucket, prefix, &mut sources.inputs).await.map_err(|e| match e.kind {
            ErrorKind::NotFound => Stop::usage(anyhow!("`s3://{name}` does not exist: check the bucket's name")),
            _ => Stop::failed(scan::explain(&e)),
        })?;
        if sources.inputs.len() == before {
            let what = Text::new("no objects begin like this", "この名前で始まるオブジェクトがありません");
            let hint = Text::new("check the prefix", "プレフィックスを確認してください");
            sources.problems.push(Problem::new(Level::Note, path, what, hint));
        }
    }
    Ok(sources)
}

struct Bucket {
    client: Arc<Client>,
    handle: Handle,
    name: String,
}

impl Bucket {
    fn call(&self, operation: &str, params: Value) -> Call {
        Call {
            service: "s3".to_owned(),
            operation: operation.to_owned(),
            params,
            region: self.client.region().to_owned(),
            account: None,
        }
    }
}

/// Adds the objects below `prefix`, in S3's order; what is empty is a folder's marker and no object.
async fn list(bucket: &Arc<Bucket>, prefix: &str, inputs: &mut Vec<Input<'static>>) -> Result<(), CallError> {
    let source = format!("s3://{}", bucket.name);
    let listing = bucket.call("ListObjectsV2", json!({"Bucket": bucket.name, "Prefix": prefix}));
    let listed = bucket.client.call_all(&listing).await?;
    for object in listed["Contents"].as_array().into_iter().flatten() {
        let (Some(key), Some(size)) = (object["Key"].as_str(), object["Size"].as_u64()) else { continue };
        if size == 0 {
            continue;
        }
        let etag = object["ETag"].as_str().map(str::to_owned);
        let found = Found { bucket: Arc::clone(bucket), key: key.to_owned(), etag: etag.clone(), size };
        inputs.push(Input::Object(Object {
            source: source.clone(),
            key: key.to_owned(),
            etag,
            open: Box::new(move || Ok(Box::new(Fetching::begin(found.clone())?))),
        }));
    }
    Ok(())
}

/// One version of an object.
#[derive(Clone)]
struct Found {
    bucket: Arc<Bucket>,
    key: String,
    etag: Option<String>,
    size: u64,
}

/// An object's bytes, a part at a time; all parts are of the version that was listed.
struct Fetching {
    found: Found,
    part: io::Cursor<Vec<u8>>,
    fetched: u64,
}

impl Fetching {
    fn begin(found: Found) -> io::Result<Fetching> {
        let mut fetching = Fetching { found, part: io::Cursor::default(), fetched: 0 };
        fetching.fetch()?;
        Ok(fetching)
    }

    fn fetch(&mut self) -> io::Result<()> {
        let Found { bucket, key, etag, size } = &self.found;
        let mut params = json!({"Bucket": bucket.name, "Key": key});
        if let Some(etag) = etag {
            params["IfMatch"] = json!(etag);
        }
        let end = size.saturating_sub(1).min(self.fetched + PART - 1);
        if *size > PART {
            params["Range"] = json!(format!("bytes={}-{end}", self.fetched));
        }
        let bytes = bucket
            .handle
            .block_on(bucket.client.bytes(&bucket.call("GetObject", params)))
            .map_err(|e| io::Error::other(format!("{}: {}", e.code, e.message)))?;
        self.fetched = end + 1;
        self.part = io::Cursor::new(bytes);
        Ok(())
    }
}

impl Read for Fetching {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.part.read(buffer)?;
        if read > 0 || buffer.is_empty() || self.fetched >= self.found.size {
            return Ok(read);
        }
        self.fetch()?;
        self.part.read(buffer)
    }
}
