//! A file's bytes: opened, inflated when they are gzip, and turned into text, each under a cap.

use super::{
    Problem,
    problem::{Words, words},
};
use flate2::bufread::GzDecoder;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
};

/// Largest template, plan or resource file that is held in memory.
pub(super) const MAX_WHOLE: usize = 64 << 20;
/// Largest snapshot that is streamed.
pub(super) const MAX_STREAM: u64 = 4 << 30;
/// How much is looked at to tell a binary file, before more of it is read.
const PEEK: usize = 64 << 10;

type Source = BufReader<Box<dyn Read>>;

enum Bytes {
    Plain(Source),
    Gzip(Box<GzDecoder<Source>>),
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Bytes::Plain(source) => source.read(buffer),
            Bytes::Gzip(decoder) => decoder.read(buffer),
        }
    }
}

/// An opened file of which the first part is in memory.
pub(super) struct Body {
    /// All bytes when [`Body::is_whole`].
    pub head: Vec<u8>,
    /// What stands after `head`, inflated.
    rest: BufReader<io::Take<Bytes>>,
    /// The reading stopped early: a cut-off gzip file, an I/O error.
    damage: Option<Words>,
}

impl Body {
    /// Opens a file.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(path: &Path) -> io::Result<Body> {
        Body::from_reader(Box::new(File::open(path)?))
    }

    /// Takes bytes that are in memory already.
    ///
    /// # Errors
    /// None that a slice could give.
    pub fn from_bytes(bytes: Vec<u8>) -> io::Result<Body> {
        Body::from_reader(Box::new(Cursor::new(bytes)))
    }

    fn from_reader(reader: Box<dyn Read>) -> io::Result<Body> {
        let mut source = BufReader::with_capacity(PEEK, reader);
        let gzip = source.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let bytes = if gzip { Bytes::Gzip(Box::new(GzDecoder::new(source))) } else { Bytes::Plain(source) };
        let rest = BufReader::with_capacity(PEEK, bytes.take(MAX_STREAM));
        let mut body = Body { head: Vec::new(), rest, damage: None };
        body.fill(PEEK);
        Ok(body)
    }

    /// Takes up to [`MAX_WHOLE`] bytes into memory.
    pub fn take_whole(&mut self) {
        self.fill(MAX_WHOLE);
        // What a PowerShell redirection writes.
        match self.head.as_slice() {
            [0xff, 0xfe, rest @ ..] => self.head = utf16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => self.head = utf16(rest, u16::from_be_bytes),
            _ => {}
        }
    }

    fn fill(&mut self, limit: usize) {
        while self.head.len() < limit && self.damage.is_none() {
            match self.rest.fill_buf() {
                Ok([]) => return,
                Ok(chunk) => {
                    let length = chunk.len().min(limit - self.head.len());
                    self.head.extend_from_slice(&chunk[..length]);
                    self.rest.consume(length);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => self.damage = Some(describe(&e)),
            }
        }
    }

    /// Whether `head` is all there is.
    pub fn is_whole(&mut self) -> bool {
        self.damage.is_some() || self.rest.fill_buf().is_ok_and(<[u8]>::is_empty)
    }

    /// What stopped the reading so far.
    pub fn stopped(&self) -> Option<&Words> {
        self.damage.as_ref()
    }

    /// What kept the file from being read to its end, once it was read.
    pub fn damage(&mut self) -> Option<Words> {
        let ended = self.damage.is_none() && io::copy(&mut self.rest, &mut io::sink()).is_ok();
        let limited = self.rest.get_mut();
        if ended && limited.limit() == 0 {
            return Some(words(
                "is larger than 4 GiB; the rest was not read",
                "4 GiB を超えているため、残りを読み取っていません",
            ));
        }
        let more = ended && trailing(limited.get_mut());
        let more = more.then(|| {
            words(
                "holds more bytes after its first gzip member, which are not read",
                "最初の gzip メンバーの後にデータがありますが、読み取っていません",
            )
        });
        self.damage.clone().or(more)
    }

    pub fn is_binary(&self) -> bool {
        is_binary(&self.head)
    }

    /// Everything from the start, as a stream.
    pub fn stream(&mut self) -> impl BufRead + '_ {
        self.head.as_slice().chain(&mut self.rest)
    }

    /// The bytes as text; bytes that are no UTF-8 are replaced and reported.
    pub fn text(&mut self, file: &str, problems: &mut Vec<Problem>) -> String {
        let mut bytes = std::mem::take(&mut self.head);
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        String::from_utf8(bytes).unwrap_or_else(|e| {
            problems.push(Problem::new(
                file,
                not_utf8(e.utf8_error()),
                ("save the file as UTF-8", "UTF-8 で保存し直してください"),
            ));
            String::from_utf8_lossy(e.as_bytes()).into_owned()
        })
    }
}

/// Words for bytes that are no text.
pub(super) fn not_utf8(e: std::str::Utf8Error) -> Words {
    let at = e.valid_up_to() + 1;
    words(
        format!("is not valid UTF-8 at byte {at}; the bytes were replaced"),
        format!("{at} バイト目が UTF-8 として正しくないため、置き換えて読み取りました"),
    )
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units).into_bytes()
}

/// Words for a read error, of which a cut-off download is the common one.
pub(super) fn describe(e: &io::Error) -> Words {
    match e.kind() {
        io::ErrorKind::UnexpectedEof => {
            words("is cut off in the middle of its gzip data", "gzip データが途中で切れています")
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            words(format!("holds damaged gzip data ({e})"), format!("gzip データが壊れています（{e}）"))
        }
        _ => words(format!("can't be read to its end ({e})"), format!("最後まで読み取れません（{e}）")),
    }
}

fn trailing(bytes: &mut Bytes) -> bool {
    match bytes {
        Bytes::Gzip(decoder) => decoder.get_mut().fill_buf().is_ok_and(|rest| !rest.is_empty()),
        Bytes::Plain(_) => false,
    }
}

/// A NUL byte stands in no text but UTF-16.
fn is_binary(head: &[u8]) -> bool {
    !head.starts_with(&[0xff, 0xfe]) && !head.starts_with(&[0xfe, 0xff]) && head.iter().take(PEEK).any(|b| *b == 0)
}
