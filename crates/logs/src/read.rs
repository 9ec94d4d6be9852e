//! From bytes to records: what kind of input it is, how it is inflated, and how much memory that may take.
//!
//! The kind is found by content, never by name. What is small is inflated whole, which is four times as fast; what is
//! large is a stream. Buffers above a few megabytes are taken from one [`Budget`] that all workers share, so that the
//! process stays small however many of them meet a large file at once.

use crate::digest::Digests;
use crate::inflate::{self, GzStream, Inflated, Utf16};
use crate::problem::{self, Ending, Problem};
use crate::record::Record;
use crate::split::{Bad, Found, RecordLimits, Seen, Splitter};
use crate::walk::Claim;
use libdeflater::Decompressor;
use std::io::{self, BufReader, Read};
use std::sync::{Condvar, Mutex, PoisonError};

/// Caps and choices for reading.
#[derive(Clone, Debug)]
pub struct Options {
    /// Cap on one input's inflated size in bytes.
    pub inflated: u64,
    pub record: RecordLimits,
    /// Read all members of a gzip file instead of reporting what follows the first.
    pub multi_member: bool,
    /// Threads; 0 is one for each core.
    pub jobs: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { inflated: 4 << 30, record: RecordLimits::default(), multi_member: false, jobs: 0 }
    }
}

/// Takes the records of many inputs, one input after the other.
pub trait Sink: Found {
    /// The records that follow are this input's.
    fn open(&mut self, _input: &str) {}
    /// The input has been read.
    fn close(&mut self, _input: &str, _seen: &Seen) {}
}

const MIB: usize = 1 << 20;
/// Compressed bytes that are held in memory; larger files are read as a stream.
const WHOLE_RAW: usize = 16 * MIB;
/// Inflated bytes that are held in memory.
const WHOLE_TEXT: usize = 64 * MIB;
/// Buffers that every worker may keep for itself.
const SMALL_RAW: usize = 2 * MIB;
const SMALL_TEXT: usize = 4 * MIB;
const MEDIUM_TEXT: usize = 28 * MIB;
/// What all workers together may hold in larger buffers.
const BUDGET: usize = 160 * MIB;
const MEDIUM: usize = 32 * MIB;
const LARGE: usize = 80 * MIB;

/// Memory that workers share; whoever can't get its part waits. Each takes one part at a time, so none waits for ever.
pub(crate) struct Budget {
    free: Mutex<usize>,
    freed: Condvar,
}

pub(crate) struct Part<'a> {
    budget: &'a Budget,
    size: usize,
}

impl Budget {
    pub(crate) fn new() -> Budget {
        Budget { free: Mutex::new(BUDGET), freed: Condvar::new() }
    }

    fn take(&self, size: usize) -> Part<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free < size {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= size;
        Part { budget: self, size }
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        *self.budget.free.lock().unwrap_or_else(PoisonError::into_inner) += self.size;
        self.budget.freed.notify_all();
    }
}

/// One worker's buffers, reused from input to input.
pub(crate) struct Reader<'a> {
    options: &'a Options,
    budget: &'a Budget,
    decompressor: Decompressor,
    raw: Vec<u8>,
    text: Vec<u8>,
    /// The digests that were met.
    pub(crate) digests: Digests,
}

/// Hands everything on to the sink but digests, which are the reader's.
struct Sorted<'s, S> {
    sink: &'s mut S,
    input: &'s str,
    digests: &'s mut Digests,
}

impl<S: Found> Found for Sorted<'_, S> {
    fn record(&mut self, record: &Record<'_>, time: i64) {
        self.sink.record(record, time);
    }

    fn bad(&mut self, raw: &[u8], why: Bad) {
        self.sink.bad(raw, why);
    }

    fn digest(&mut self, raw: &[u8]) {
        self.digests.add(self.input, raw);
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(options: &'a Options, budget: &'a Budget) -> Reader<'a> {
        let (raw, text) = (Vec::new(), Vec::new());
        Reader { options, budget, decompressor: Decompressor::new(), raw, text, digests: Digests::default() }
    }

    /// Reads one input to its end into `sink`.
    pub(crate) fn read(
        &mut self,
        name: &str,
        input: &mut dyn Read,
        claim: Claim,
        sink: &mut impl Sink,
    ) -> (Seen, Option<Problem>) {
        sink.open(name);
        let mut digests = std::mem::take(&mut self.digests);
        let (seen, ending) = self.contents(input, &mut Sorted { sink, input: name, digests: &mut digests });
        self.digests = digests;
        sink.close(name, &seen);
        (seen, problem::judge(name, &seen, &ending, claim))
    }

    fn contents(&mut self, input: &mut dyn Read, sink: &mut impl Found) -> (Seen, Ending) {
        self.raw.clear();
        if let Err(e) = input.take(SMALL_RAW as u64).read_to_end(&mut self.raw) {
            return (Seen::default(), Ending::Io(e.to_string()));
        }
        let mut part = None;
        if self.raw.len() == SMALL_RAW {
            part = Some(self.budget.take(LARGE));
            let more = (WHOLE_RAW - SMALL_RAW) as u64;
            if let Err(e) = input.take(more).read_to_end(&mut self.raw) {
                return (Seen::default(), Ending::Io(e.to_string()));
            }
        }
        let result = if self.raw.is_empty() {
            (Seen::default(), Ending::Empty)
        } else if self.raw.len() == WHOLE_RAW {
            let raw = std::mem::take(&mut self.raw);
            self.stream(BufReader::with_capacity(64 << 10, raw.as_slice().chain(input)), is_gzip(&raw), sink)
        } else if is_gzip(&self.raw) {
            self.whole_gzip(&mut part, sink)
        } else {
            self.text(&self.raw, sink)
        };
        self.shrink();
        drop(part);
        result
    }

    fn whole_gzip(&mut self, part: &mut Option<Part<'a>>, sink: &mut impl Found) -> (Seen, Ending) {
        let cap = match (inflate::claimed_size(&self.raw), &part) {
            (_, Some(_)) => WHOLE_TEXT,
            (claim, None) if claim <= SMALL_TEXT => SMALL_TEXT,
            (claim, None) if claim <= MEDIUM_TEXT => {
                *part = Some(self.budget.take(MEDIUM));
                MEDIUM_TEXT
            }
            _ => {
                *part = Some(self.budget.take(LARGE));
                WHOLE_TEXT
            }
        };
        let cap = cap.min(usize::try_from(self.options.inflated).unwrap_or(usize::MAX));
        match inflate::inflate(&mut self.decompressor, &self.raw, &mut self.text, cap) {
            Inflated::Done { length, trailing } if !(trailing && self.options.multi_member) => {
                let (seen, ending) = self.text(&self.text[..length], sink);
                (seen, if trailing && ending == Ending::Whole { Ending::Trailing } else { ending })
            }
            _ => {
                if part.is_none() {
                    *part = Some(self.budget.take(MEDIUM));
                }
                self.stream(self.raw.as_slice(), true, sink)
            }
        }
    }

    /// Text that is in memory.
    fn text(&self, text: &[u8], sink: &mut impl Found) -> (Seen, Ending) {
        if text.is_empty() {
            return (Seen::default(), Ending::Empty);
        }
        if utf16_order(text).is_some() {
            return self.stream(text, false, sink);
        }
        let cap = usize::try_from(self.options.inflated).unwrap_or(usize::MAX);
        let mut splitter = Splitter::new(self.options.record);
        splitter.feed(&text[..text.len().min(cap)], true, sink);
        let ending = if text.len() > cap { Ending::TooLarge(self.options.inflated) } else { Ending::Whole };
        (splitter.seen(), ending)
    }

    fn stream(&self, input: impl io::BufRead, gzip: bool, sink: &mut impl Found) -> (Seen, Ending) {
        if !gzip {
            return self.stream_text(input, sink);
        }
        let mut stream = GzStream::new(input, self.options.multi_member);
        let (seen, ending) = self.stream_text(&mut stream, sink);
        let trailing = ending == Ending::Whole && !seen.not_json && stream.trailing();
        (seen, if trailing { Ending::Trailing } else { ending })
    }

    fn stream_text(&self, mut input: impl Read, sink: &mut impl Found) -> (Seen, Ending) {
        let mut start = Vec::new();
        let first = input.by_ref().take(2).read_to_end(&mut start);
        match utf16_order(&start) {
            _ if first.is_err() => self.pump(start.as_slice().chain(input), sink),
            Some(big_endian) => self.pump(Utf16::new(input, big_endian), sink),
            None => self.pump(start.as_slice().chain(input), sink),
        }
    }

    fn pump(&self, mut input: impl Read, sink: &mut impl Found) -> (Seen, Ending) {
        let mut splitter = Splitter::new(self.options.record);
        let (mut buffer, mut total) = (Vec::new(), 0u64);
        let ending = loop {
            // As much again as is waiting, so that a long record is scanned a few times and not a thousand.
            let step = buffer.len().clamp(256 << 10, 4 * MIB);
            let room = self.options.inflated - total;
            buffer.reserve_exact(step);
            let before = buffer.len();
            let result = input.by_ref().take(room.min(step as u64)).read_to_end(&mut buffer);
            let read = buffer.len() - before;
            total += read as u64;
            let mut ending = match result {
                Err(e) => Some(ending_of(&e)),
                Ok(0) if room > 0 => Some(Ending::Whole),
                Ok(_) => None,
            };
            if ending.is_none() && total == self.options.inflated {
                let more = matches!(input.by_ref().take(1).read_to_end(&mut Vec::new()), Ok(1));
                ending = Some(if more { Ending::TooLarge(self.options.inflated) } else { Ending::Whole });
            }
            let used = splitter.feed(&buffer, ending.is_some(), sink);
            buffer.drain(..used);
            if let Some(ending) = ending {
                break ending;
            }
            if splitter.is_done() {
                break Ending::Whole;
            }
        };
        if total == 0 && ending == Ending::Whole {
            return (splitter.seen(), Ending::Empty);
        }
        (splitter.seen(), ending)
    }

    fn shrink(&mut self) {
        for buffer in [&mut self.raw, &mut self.text] {
            if buffer.capacity() > SMALL_TEXT {
                buffer.truncate(SMALL_TEXT);
                buffer.shrink_to(SMALL_TEXT);
            }
        }
    }
}

fn ending_of(e: &io::Error) -> Ending {
    match e.kind() {
        io::ErrorKind::UnexpectedEof => Ending::Truncated,
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Ending::Corrupt,
        _ => Ending::Io(e.to_string()),
    }
}

pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Whether a UTF-16 byte order mark stands in front, and if so whether it is big-endian.
fn utf16_order(text: &[u8]) -> Option<bool> {
    match text {
        [0xff, 0xfe, ..] => Some(false),
        [0xfe, 0xff, ..] => Some(true),
        _ => None,
    }
}
