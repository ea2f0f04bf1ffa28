//! A feed's bytes: unpacked, counted, and never more of them at once than was allowed.

use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

/// How much is looked at to tell the format.
pub(super) const HEAD: u64 = 64 << 10;

const GZIP: &[u8] = b"\x1f\x8b";

const BOM: &[u8] = b"\xef\xbb\xbf";

type Begun<R> = Chain<Cursor<Vec<u8>>, R>;

/// A feed's bytes.
pub(super) struct Input<R: BufRead> {
    bytes: Bytes<R>,
    /// Line breaks passed, where they are counted.
    lines: u64,
    counted: bool,
    /// So many bytes more are given before reading fails; see [`Input::allow`].
    allowed: u64,
    /// So many bytes the whole may have.
    left: u64,
    limit: u64,
}

enum Bytes<R: BufRead> {
    Plain(Begun<R>),
    Gzip(Box<Begun<BufReader<MultiGzDecoder<Begun<R>>>>>),
}

impl<R: BufRead> Input<R> {
    /// Opens bytes that may be gzip; gives their beginning, unpacked. `limit` is how many
    /// unpacked bytes are read at most.
    pub(super) fn open(reader: R, limit: u64) -> io::Result<(Self, Vec<u8>)> {
        let (begun, head) = begin(reader)?;
        let (bytes, head) = if head.starts_with(GZIP) {
            let unpacked = BufReader::with_capacity(64 << 10, MultiGzDecoder::new(begun));
            let (begun, head) = begin(unpacked)?;
            (Bytes::Gzip(Box::new(begun)), head)
        } else {
            (Bytes::Plain(begun), head)
        };
        let mut input = Self {
            bytes,
            lines: 0,
            counted: false,
            allowed: u64::MAX,
            left: limit,
            limit,
        };
        if head.starts_with(BOM) {
            input.consume(BOM.len());
        }
        Ok((input, head))
    }

    /// Counts lines from now on.
    pub(super) fn count_lines(mut self) -> Self {
        self.counted = true;
        self
    }

    /// The line that is read, from 1.
    pub(super) fn line(&self) -> u64 {
        self.lines + 1
    }

    /// Gives so many bytes more; then reading fails. It bounds what a parser collects.
    pub(super) fn allow(&mut self, bytes: u64) {
        self.allowed = bytes;
    }

    fn inner(&mut self) -> &mut dyn BufRead {
        match &mut self.bytes {
            Bytes::Plain(bytes) => bytes,
            Bytes::Gzip(bytes) => bytes.as_mut(),
        }
    }
}

fn begin<R: BufRead>(mut reader: R) -> io::Result<(Begun<R>, Vec<u8>)> {
    let mut head = Vec::new();
    (&mut reader).take(HEAD).read_to_end(&mut head)?;
    Ok((Cursor::new(head.clone()).chain(reader), head))
}

impl<R: BufRead> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let (allowed, left, limit) = (self.allowed, self.left, self.limit);
        let buffer = self.inner().fill_buf()?;
        if !buffer.is_empty() && left == 0 {
            return Err(io::Error::other(format!(
                "expected at most {limit} bytes, unpacked, found more"
            )));
        }
        if !buffer.is_empty() && allowed == 0 {
            return Err(io::Error::other(
                "expected an item of at most 1 MiB, found one value that is far longer",
            ));
        }
        let most = usize::try_from(allowed.min(left)).unwrap_or(usize::MAX);
        Ok(buffer.get(..most).unwrap_or(buffer))
    }

    fn consume(&mut self, amount: usize) {
        if self.counted
            && let Ok(buffer) = self.inner().fill_buf()
        {
            let passed = buffer.get(..amount).unwrap_or(buffer);
            let lines = passed.iter().filter(|b| **b == b'\n').count();
            self.lines += lines as u64;
        }
        self.allowed = self.allowed.saturating_sub(amount as u64);
        self.left = self.left.saturating_sub(amount as u64);
        self.inner().consume(amount);
    }
}

impl<R: BufRead> Read for Input<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let buffer = self.fill_buf()?;
        let n = buffer.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..n), buffer.get(..n)) {
            to.copy_from_slice(from);
        }
        self.consume(n);
        Ok(n)
    }
}
