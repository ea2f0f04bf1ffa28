//! One file's way over HTTP into a part file, and what a later attempt needs to go on with it.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use reqwest::StatusCode;
use reqwest::blocking::Response;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE,
};
use serde::{Deserialize, Serialize};

use crate::models::SourceFault;
use crate::models::http::{
    Http, Origin, beside, content_type, headers, length, shown, status_fault, timed_out,
};
use crate::models::progress::Meter;

const CHUNK: usize = 1 << 17;

/// A download in progress.
pub(super) struct Transfer<'a> {
    pub(super) http: &'a Http,
    pub(super) url: &'a str,
    pub(super) origin: Origin,
    pub(super) part: &'a Path,
    pub(super) size: Option<u64>,
    pub(super) meter: &'a Meter,
    pub(super) resume: Resume,
}

impl Transfer<'_> {
    /// Bytes there already that this URL may go on from.
    pub(super) fn have(&self) -> u64 {
        if self.resume.foreign {
            0
        } else {
            length(self.part)
        }
    }

    /// One request; what came of a broken one stays in the part.
    pub(super) fn attempt(&mut self) -> Result<(), SourceFault> {
        let mut have = self.have();
        if self.size.is_some_and(|size| have > size) {
            self.restart()?;
            have = 0;
        }
        if self.size == Some(have) && have > 0 {
            return Ok(());
        }
        let response = self.http.ask(self.url, self.origin, self.headers(have))?;
        let mut total = response.content_length();
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {
                let range = ContentRange::of(&response);
                if range.as_ref().is_none_or(|range| range.start != have) {
                    self.restart()?;
                    return Err(self.cut("the server sent another range than was asked for"));
                }
                total = range.and_then(|range| range.total);
            }
            // The file changed, the server cannot resume, or the part is of another URL.
            StatusCode::OK => {}
            StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => {
                let total = ContentRange::of(&response).and_then(|range| range.total);
                if total == Some(have) {
                    return Ok(());
                }
                self.restart()?;
                return Err(self.cut("what was there already is not a beginning of the file"));
            }
            status => return Err(status_fault(self.url, status)),
        }
        if content_type(&response).starts_with("text/html") {
            return Err(SourceFault::HtmlPage {
                url: shown(self.url),
            });
        }
        if let (Some(expected), Some(found)) = (self.size, total)
            && expected != found
        {
            return Err(SourceFault::Size { expected, found });
        }
        if response.status() == StatusCode::OK {
            self.restart()?;
            self.resume.foreign = false;
        }
        self.resume.note(&response);
        self.receive(response, total)
    }

    fn headers(&self, have: u64) -> HeaderMap {
        let range = format!("bytes={have}-");
        let mut list = vec![(ACCEPT_ENCODING, "identity")];
        if have > 0 {
            list.push((RANGE, &range));
            if let Some(validator) = &self.resume.note.validator {
                list.push((IF_RANGE, validator));
            }
        }
        headers(&list)
    }

    fn receive(&self, mut response: Response, total: Option<u64>) -> Result<(), SourceFault> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.part)
            .map_err(SourceFault::disk("writing", self.part))?;
        let mut buffer = vec![0; CHUNK];
        let mut got = self.have();
        loop {
            let n = match response.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if timed_out(&error) => {
                    return Err(SourceFault::Stalled {
                        url: shown(self.url),
                        after: self.http.stall(self.origin),
                    });
                }
                Err(error) => return Err(self.cut(&error.to_string())),
            };
            got += n as u64;
            if let Some(expected) = self.size
                && got > expected
            {
                return Err(SourceFault::Size {
                    expected,
                    found: got,
                });
            }
            file.write_all(&buffer[..n])
                .map_err(SourceFault::disk("writing", self.part))?;
            self.meter.advance(n as u64);
        }
        match total.or(self.size) {
            Some(total) if got < total => Err(self.cut("the answer ended early")),
            _ => Ok(()),
        }
    }

    fn restart(&self) -> Result<(), SourceFault> {
        self.meter.retreat(self.have());
        match fs::remove_file(self.part) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(SourceFault::disk("removing", self.part)(error))
            }
            _ => Ok(()),
        }
    }

    fn cut(&self, reason: &str) -> SourceFault {
        SourceFault::Cut {
            url: shown(self.url),
            got: self.have(),
            reason: reason.to_owned(),
        }
    }
}

/// Where a part file came from, kept beside it, so that a later run can go on with it.
pub(super) struct Resume {
    path: PathBuf,
    note: ResumeNote,
    /// The part came from another URL: it goes once this one has something better.
    foreign: bool,
}

#[derive(Default, Deserialize, Serialize)]
struct ResumeNote {
    url: String,
    /// A strong `ETag`, else `Last-Modified`: what `If-Range` takes.
    validator: Option<String>,
}

impl Resume {
    pub(super) fn of(part: &Path, url: &str) -> Self {
        let path = beside(part, ".from");
        let read = fs::read(&path)
            .ok()
            .and_then(|b| serde_json::from_slice::<ResumeNote>(&b).ok());
        match read.filter(|note| note.url == url) {
            Some(note) => Self {
                path,
                note,
                foreign: false,
            },
            None => {
                let note = ResumeNote {
                    url: url.to_owned(),
                    validator: None,
                };
                Self {
                    path,
                    note,
                    foreign: true,
                }
            }
        }
    }

    fn note(&mut self, response: &Response) {
        let header = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let strong = header(ETAG).filter(|tag| !tag.starts_with("W/"));
        self.note.validator = strong.or(header(LAST_MODIFIED)).map(str::to_owned);
        if let Ok(bytes) = serde_json::to_vec(&self.note) {
            // Without the note the next run starts over: no harm but time.
            let _ = fs::write(&self.path, bytes);
        }
    }

    pub(super) fn forget(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

struct ContentRange {
    start: u64,
    total: Option<u64>,
}

impl ContentRange {
    /// `bytes START-END/TOTAL`, or `bytes */TOTAL` (RFC 9110, section 14.4).
    fn of(response: &Response) -> Option<Self> {
        let value = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
        let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
        let start = match range.split_once('-') {
            Some((start, _)) => start.parse().ok()?,
            None => 0,
        };
        Some(Self {
            start,
            total: total.parse().ok(),
        })
    }
}
