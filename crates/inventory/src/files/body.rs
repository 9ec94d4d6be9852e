//! A file's bytes: opened, inflated when they are gzip, and turned into text, each under a cap.

use super::Problem;
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
    Gzip(GzDecoder<Source>),
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
    /// All bytes when `rest` is empty, else the first [`MAX_WHOLE`].
    pub head: Vec<u8>,
    /// What stands after `head`, inflated.
    rest: Option<BufReader<io::Take<Bytes>>>,
    /// The reading stopped early: a cut-off gzip file, an I/O error.
    pub damage: Option<String>,
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
        let bytes = if gzip { Bytes::Gzip(GzDecoder::new(source)) } else { Bytes::Plain(source) };
        let mut limited = bytes.take(MAX_STREAM);
        let (mut head, mut damage) = (Vec::new(), None);
        read_up_to(&mut limited, PEEK, &mut head, &mut damage);
        if damage.is_none() && !is_binary(&head) {
            read_up_to(&mut limited, MAX_WHOLE, &mut head, &mut damage);
        }
        if damage.is_none() && head.len() < MAX_WHOLE && trailing(limited.get_mut()) {
            damage = Some("holds more bytes after its first gzip member, which are not read".to_owned());
        }
        if head.len() < MAX_WHOLE {
            // What a PowerShell redirection writes.
            match head.as_slice() {
                [0xff, 0xfe, rest @ ..] => head = utf16(rest, u16::from_le_bytes),
                [0xfe, 0xff, rest @ ..] => head = utf16(rest, u16::from_be_bytes),
                _ => {}
            }
        }
        let rest = (head.len() >= MAX_WHOLE).then(|| BufReader::with_capacity(PEEK, limited));
        Ok(Body { head, rest, damage })
    }

    /// Whether `head` is all there is.
    pub fn is_whole(&mut self) -> bool {
        match &mut self.rest {
            Some(rest) => rest.fill_buf().is_ok_and(<[u8]>::is_empty),
            None => true,
        }
    }

    pub fn is_binary(&self) -> bool {
        is_binary(&self.head)
    }

    /// Everything from the start, as a stream.
    pub fn into_stream(self) -> Box<dyn BufRead> {
        let head = Cursor::new(self.head);
        match self.rest {
            Some(rest) => Box::new(head.chain(rest)),
            None => Box::new(head),
        }
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
                format!("is not valid UTF-8 at byte {}; the bytes were replaced", e.utf8_error().valid_up_to() + 1),
                "save the file as UTF-8",
            ));
            String::from_utf8_lossy(e.as_bytes()).into_owned()
        })
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units).into_bytes()
}

fn read_up_to(reader: &mut impl Read, limit: usize, into: &mut Vec<u8>, damage: &mut Option<String>) {
    let mut chunk = [0u8; 16 << 10];
    while into.len() < limit {
        let room = chunk.len().min(limit - into.len());
        match reader.read(&mut chunk[..room]) {
            Ok(0) => return,
            Ok(n) => into.extend_from_slice(&chunk[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => {
                *damage = Some(describe(&e));
                return;
            }
        }
    }
}

/// Words for a read error, of which a cut-off download is the common one.
pub(super) fn describe(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::UnexpectedEof => "is cut off in the middle of its gzip data".to_owned(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => format!("holds damaged gzip data ({e})"),
        _ => format!("can't be read to its end ({e})"),
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
