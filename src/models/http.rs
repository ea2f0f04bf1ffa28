//! Downloads that resume, give up in time, and remember hosts that cannot be reached.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED,
    RANGE,
};
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};

use crate::models::SourceFault;
use crate::models::progress::Meter;

/// Deadlines and patience. Every wait of a fetch is one of these.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Name lookup, connection and TLS with upstream, together. Short: a shop's network often
    /// reaches registries only, and finding that out is paid by everyone.
    pub upstream_connect: Duration,
    /// The same with mirrors and registries.
    pub connect: Duration,
    /// Longest silence within an answer, or before it.
    pub stall: Duration,
    /// How often a transient failure is tried again without any progress.
    pub retries: u32,
    /// Wait before the first retry; doubles each time.
    pub backoff: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            upstream_connect: Duration::from_secs(1),
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            retries: 3,
            backoff: Duration::from_millis(500),
        }
    }
}

/// Progress that makes a broken connection worth another full set of retries, in bytes.
const PROGRESS: u64 = 1 << 20;
/// An index page larger than this is not one, in bytes.
const MAX_PAGE: u64 = 64 << 20;
const CHUNK: usize = 1 << 17;

/// Which patience a request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Whoever published the model: quick to give up, never asked twice when unreachable.
    Upstream,
    /// A mirror or a package registry.
    Registry,
}

/// A page of a package index.
#[derive(Debug)]
pub struct Page {
    /// After redirects: what relative links are relative to.
    pub url: Url,
    /// `Content-Type`, lower case.
    pub content_type: String,
    /// The text.
    pub body: String,
}

/// The HTTP client of one fetch. Honours `HTTPS_PROXY` and its kin, and the system's
/// certificates (`SSL_CERT_FILE`, `SSL_CERT_DIR`).
#[derive(Debug)]
pub struct Http {
    upstream: Client,
    registry: Client,
    pace: Pace,
    unreachable: Mutex<BTreeMap<String, String>>,
}

impl Http {
    /// A client with these deadlines.
    pub fn new(pace: Pace) -> Result<Self, SourceFault> {
        let client = |connect: Duration| {
            Client::builder()
                .user_agent(concat!("comptoir/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(connect)
                .timeout(pace.stall.max(connect))
                .dns_resolver(Arc::new(DetachedDns))
                .build()
                .map_err(|error| SourceFault::Unreachable {
                    host: "the network".to_owned(),
                    reason: reason(&error),
                })
        };
        Ok(Self {
            upstream: client(pace.upstream_connect)?,
            registry: client(pace.connect)?,
            unreachable: Mutex::default(),
            pace,
        })
    }

    /// Fetches a page of an index, of at most 64 MB.
    pub fn page(&self, url: &str, accept: &str) -> Result<Page, SourceFault> {
        let headers = headers(&[(ACCEPT, accept)]);
        self.patiently(&mut || 0, &mut || {
            let response = self.ask(url, Origin::Registry, headers.clone())?;
            if !response.status().is_success() {
                return Err(status_fault(url, response.status()));
            }
            let page_url = response.url().clone();
            let content_type = content_type(&response);
            let mut body = Vec::new();
            let cut = |error: &dyn std::fmt::Display| SourceFault::Cut {
                url: shown(url),
                got: 0,
                reason: error.to_string(),
            };
            response
                .take(MAX_PAGE)
                .read_to_end(&mut body)
                .map_err(|e| cut(&e))?;
            let body = String::from_utf8(body).map_err(|e| cut(&e))?;
            Ok(Page {
                url: page_url,
                content_type,
                body,
            })
        })
    }

    /// Downloads a file to `part`, going on where an earlier attempt stopped.
    ///
    /// `size` is the only length that is accepted, where it is known. The bytes are not hashed
    /// here: a resumed file may be stale, and the caller's hash says so.
    pub fn download(
        &self,
        url: &str,
        origin: Origin,
        part: &Path,
        size: Option<u64>,
        meter: &Meter,
    ) -> Result<(), SourceFault> {
        let resume = Resume::of(part, url);
        let mut transfer = Transfer {
            http: self,
            url,
            origin,
            part,
            size,
            meter,
            resume,
        };
        meter.advance(transfer.have());
        self.patiently(&mut || length(part), &mut || transfer.attempt())?;
        transfer.resume.forget();
        Ok(())
    }

    /// Runs `attempt` until it succeeds, fails for good, or fails `retries` times in a row
    /// without `got` growing.
    fn patiently<T>(
        &self,
        got: &mut dyn FnMut() -> u64,
        attempt: &mut dyn FnMut() -> Result<T, SourceFault>,
    ) -> Result<T, SourceFault> {
        let mut failures = 0;
        let mut best = got();
        loop {
            let fault = match attempt() {
                Ok(done) => return Ok(done),
                Err(fault) if fault.is_transient() => fault,
                Err(fault) => return Err(fault),
            };
            if got() >= best.saturating_add(PROGRESS) {
                failures = 0;
                best = got();
            }
            if failures >= self.pace.retries {
                if let SourceFault::Unreachable { host, reason } = &fault {
                    self.mark_unreachable(host, reason);
                }
                return Err(fault);
            }
            tracing::debug!(%fault, failures, "trying again");
            thread::sleep(self.pace.backoff * 2_u32.pow(failures.min(6)));
            failures += 1;
        }
    }

    fn mark_unreachable(&self, host: &str, reason: &str) {
        let mut unreachable = self.unreachable.lock().unwrap_or_else(|p| p.into_inner());
        unreachable.insert(host.to_owned(), reason.to_owned());
    }

    /// One request, up to its headers.
    fn ask(&self, url: &str, origin: Origin, headers: HeaderMap) -> Result<Response, SourceFault> {
        let host = host_of(url);
        let known = self
            .unreachable
            .lock()
            .unwrap_or_else(|p| p.into_inner())
            .contains_key(&host);
        if known {
            return Err(SourceFault::KnownUnreachable { host });
        }
        let client = match origin {
            Origin::Upstream => &self.upstream,
            Origin::Registry => &self.registry,
        };
        client.get(url).headers(headers).send().map_err(|error| {
            if error.is_connect() {
                let reason = reason(&error);
                if origin == Origin::Upstream {
                    self.mark_unreachable(&host, &reason);
                    // Not the transient fault: upstream is not tried again.
                    return SourceFault::KnownUnreachable {
                        host: format!("{host} ({reason})"),
                    };
                }
                SourceFault::Unreachable { host, reason }
            } else if error.is_timeout() {
                SourceFault::Stalled {
                    url: shown(url),
                    after: self.pace.stall,
                }
            } else {
                SourceFault::Cut {
                    url: shown(url),
                    got: 0,
                    reason: reason(&error),
                }
            }
        })
    }
}

struct Transfer<'a> {
    http: &'a Http,
    url: &'a str,
    origin: Origin,
    part: &'a Path,
    size: Option<u64>,
    meter: &'a Meter,
    resume: Resume,
}

impl Transfer<'_> {
    /// Bytes there already that this URL may go on from.
    fn have(&self) -> u64 {
        if self.resume.foreign {
            0
        } else {
            length(self.part)
        }
    }

    fn attempt(&mut self) -> Result<(), SourceFault> {
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
                        after: self.http.pace.stall,
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
struct Resume {
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
    fn of(part: &Path, url: &str) -> Self {
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

    fn forget(&self) {
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

/// Name lookup on a thread that nobody waits for: a name server that does not answer holds
/// `getaddrinfo` for many seconds, and the usual resolver would hold the program's end with it.
struct DetachedDns;

impl Resolve for DetachedDns {
    fn resolve(&self, name: Name) -> Resolving {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let host = name.as_str().to_owned();
        let spawned = thread::Builder::new()
            .name("dns".to_owned())
            .spawn(move || {
                let found = (host.as_str(), 0)
                    .to_socket_addrs()
                    .map(Iterator::collect::<Vec<_>>);
                let _ = answer.send(found);
            });
        Box::pin(async move {
            spawned?;
            let addresses: Vec<SocketAddr> = answered.await??;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// `path` with `suffix` after its whole name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Bytes of a file; 0 if it is not there.
pub(crate) fn length(path: &Path) -> u64 {
    File::open(path)
        .and_then(|file| file.metadata())
        .map_or(0, |metadata| metadata.len())
}

/// A URL fit for a message: without a user's name and password, and without the query, which
/// may hold a token.
pub(crate) fn shown(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else {
        return url.to_owned();
    };
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

fn host_of(url: &str) -> String {
    let parsed = Url::parse(url).ok();
    let host = parsed.as_ref().and_then(|url| {
        let host = url.host_str()?;
        Some(
            url.port()
                .map_or(host.to_owned(), |port| format!("{host}:{port}")),
        )
    });
    host.unwrap_or_else(|| url.to_owned())
}

fn headers(list: &[(reqwest::header::HeaderName, &str)]) -> HeaderMap {
    let pairs = list
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.parse().ok()?)));
    pairs.collect()
}

fn content_type(response: &Response) -> String {
    let value = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_ascii_lowercase()
}

fn status_fault(url: &str, status: StatusCode) -> SourceFault {
    SourceFault::Status {
        url: shown(url),
        status: status.as_u16(),
    }
}

/// The innermost reason: the outer ones only repeat the URL.
fn reason(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn timed_out(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::TimedOut
        || error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<reqwest::Error>())
            .is_some_and(reqwest::Error::is_timeout)
}
