//! Gzip in one shot, and whether anything follows the first member.
//!
//! `gzip`, Python and the AWS CLI read a second member that is appended to a file; other readers stop after the first.
//! Whoever can append can therefore show two readers two logs. Yagura reads the first and reports the rest.

use libdeflater::{Crc, DecompressionError, Decompressor};
use memchr::memmem;
use std::io::{self, BufRead, Read};

/// What one-shot inflation came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inflated {
    /// `out` holds so many bytes; whether bytes follow the member.
    Done { length: usize, trailing: bool },
    /// More than the cap: read it as a stream.
    TooLarge,
    /// Truncated or damaged: a stream gives what comes before the damage.
    Bad,
}

/// The size that a gzip trailer claims; anybody can write anything there.
pub(crate) fn claimed_size(gz: &[u8]) -> usize {
    gz.last_chunk::<4>().map_or(0, |c| u32::from_le_bytes(*c) as usize)
}

/// Inflates the first member of `gz` into `out`, which grows up to `cap` bytes and is never shrunk here.
pub(crate) fn inflate(decompressor: &mut Decompressor, gz: &[u8], out: &mut Vec<u8>, cap: usize) -> Inflated {
    // Deflate can't shrink data more than 1,032-fold; beyond that the claim is a lie, and it costs nothing to grow.
    let hint = claimed_size(gz).min(gz.len().saturating_mul(1032)).clamp(64 << 10, cap);
    if out.len() < hint {
        out.resize(hint, 0);
    }
    loop {
        match decompressor.gzip_decompress(gz, out) {
            Ok(length) => return Inflated::Done { length, trailing: has_trailing(gz, &out[..length]) },
            Err(DecompressionError::InsufficientSpace) if out.len() >= cap => return Inflated::TooLarge,
            Err(DecompressionError::InsufficientSpace) => {
                let more = out.len().saturating_mul(2).min(cap);
                out.resize(more, 0);
            }
            Err(DecompressionError::BadData) => return Inflated::Bad,
        }
    }
}

/// Whether bytes follow the first member of `gz`, which inflates to `text`.
///
/// libdeflate doesn't say where the member ended, but it ended with eight bytes that are known: CRC and length. If the
/// file doesn't end with them, something follows; if it does and they stand nowhere else, nothing can. Only where they
/// stand twice is the end found by inflating again.
fn has_trailing(gz: &[u8], text: &[u8]) -> bool {
    let mut crc = Crc::new();
    crc.update(text);
    let trailer = u64::from(crc.sum()) | (text.len() as u64 & 0xffff_ffff) << 32;
    let Some((before, last)) = gz.split_last_chunk::<8>() else { return true };
    if u64::from_le_bytes(*last) != trailer {
        return true;
    }
    let bytes = trailer.to_le_bytes();
    let overlap = &gz[..before.len() + 7];
    if memmem::find(overlap, &bytes).is_none() {
        return false;
    }
    let mut decoder = flate2::bufread::GzDecoder::new(gz);
    io::copy(&mut decoder, &mut io::sink()).is_err() || !decoder.into_inner().is_empty()
}

/// A gzip stream that remembers whether bytes followed its first member.
pub(crate) struct GzStream<R: BufRead> {
    inner: Members<R>,
}

enum Members<R: BufRead> {
    First(flate2::bufread::GzDecoder<R>),
    All(flate2::bufread::MultiGzDecoder<R>),
}

impl<R: BufRead> GzStream<R> {
    pub(crate) fn new(reader: R, multi_member: bool) -> GzStream<R> {
        let inner = if multi_member {
            Members::All(flate2::bufread::MultiGzDecoder::new(reader))
        } else {
            Members::First(flate2::bufread::GzDecoder::new(reader))
        };
        GzStream { inner }
    }

    /// After the end: whether bytes follow that were not read.
    pub(crate) fn trailing(self) -> bool {
        match self.inner {
            Members::All(_) => false,
            Members::First(decoder) => decoder.into_inner().fill_buf().is_ok_and(|rest| !rest.is_empty()),
        }
    }
}

impl<R: BufRead> Read for GzStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.inner {
            Members::First(decoder) => decoder.read(buffer),
            Members::All(decoder) => decoder.read(buffer),
        }
    }
}

/// UTF-16 text with its byte order mark, as UTF-8; lone surrogates become U+FFFD.
pub(crate) struct Utf16<R> {
    inner: R,
    big_endian: bool,
    units: Vec<u16>,
    odd: Option<u8>,
    out: Vec<u8>,
    given: usize,
}

impl<R: Read> Utf16<R> {
    pub(crate) fn new(inner: R, big_endian: bool) -> Utf16<R> {
        Utf16 { inner, big_endian, units: Vec::new(), odd: None, out: Vec::new(), given: 0 }
    }

    fn refill(&mut self) -> io::Result<()> {
        let mut chunk = [0; 8192];
        let n = self.inner.read(&mut chunk)?;
        for &byte in &chunk[..n] {
            match self.odd.take() {
                None => self.odd = Some(byte),
                Some(first) => {
                    let pair = [first, byte];
                    self.units.push(if self.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) });
                }
            }
        }
        let split = n > 0 && self.units.last().is_some_and(|u| (0xd800..0xdc00).contains(u));
        let keep = self.units.len() - usize::from(split);
        self.out.clear();
        self.given = 0;
        for c in char::decode_utf16(self.units.drain(..keep)) {
            let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        if n == 0 && self.odd.take().is_some() {
            self.out.extend_from_slice("\u{fffd}".as_bytes());
        }
        if n > 0 && self.out.is_empty() { self.refill() } else { Ok(()) }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.out.len() {
            self.refill()?;
        }
        let n = buffer.len().min(self.out.len() - self.given);
        buffer[..n].copy_from_slice(&self.out[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gz(text: &[u8]) -> Vec<u8> {
        let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        e.write_all(text).expect("memory");
        e.finish().expect("memory")
    }

    fn one_shot(bytes: &[u8]) -> Inflated {
        inflate(&mut Decompressor::new(), bytes, &mut Vec::new(), 1 << 20)
    }

    #[test]
    fn tells_trailing_bytes_even_when_they_copy_the_trailer() {
        let first = gz(b"hello hello hello");
        assert_eq!(one_shot(&first), Inflated::Done { length: 17, trailing: false });
        let trailer = &first[first.len() - 8..];
        for more in [gz(b"second"), b"x".to_vec(), trailer.to_vec(), first.clone(), [b"abc", trailer].concat()] {
            let bytes = [first.clone(), more].concat();
            assert_eq!(one_shot(&bytes), Inflated::Done { length: 17, trailing: true });
        }
    }

    #[test]
    fn the_claimed_size_is_not_believed() {
        let mut bytes = gz(&vec![b'a'; 500_000]);
        assert!(matches!(one_shot(&bytes), Inflated::Done { length: 500_000, .. }));
        assert_eq!(one_shot(&gz(&vec![b'a'; 2 << 20])), Inflated::TooLarge);
        bytes.truncate(bytes.len() - 1);
        assert_eq!(one_shot(&bytes), Inflated::Bad);
    }

    #[test]
    fn reads_utf16() {
        for big in [false, true] {
            let text = "日本\u{1f600}a".repeat(5000);
            let bytes: Vec<u8> =
                text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect();
            let mut out = String::new();
            Utf16::new(bytes.as_slice(), big).read_to_string(&mut out).expect("memory");
            assert_eq!(out, text);
        }
    }
}
