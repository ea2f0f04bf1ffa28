//! Downloads that resume, give up in time, and remember hosts that cannot be reached.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::models::SourceFault;
use crate::models::progress::Meter;
use crate::models::transfer::{Resume, Transfer};
use reqwest::blocking::{Client, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::{StatusCode, Url};

/// Deadlines and patience. Every wait of a fetch is one of these.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Name lookup, connection and TLS with upstream, together. Short: a shop's network often
    /// reaches registries only, and finding that out is paid by everyone.
    pub upstream_connect: Duration,
    /// Longest silence of upstream; one that takes a request and says nothing counts as
    /// unreachable.
    pub upstream_stall: Duration,
    /// Lookup, connection and TLS with mirrors and registries.
    pub connect: Duration,
    /// Longest silence of theirs, within an answer or before it.
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
            upstream_stall: Duration::from_secs(5),
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
        let client = |connect: Duration, stall: Duration| {
            Client::builder()
                .user_agent(concat!("comptoir/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(connect)
                .timeout(stall.max(connect))
                .dns_resolver(Arc::new(DetachedDns))
                .build()
                .map_err(|error| SourceFault::Unreachable {
                    host: "the network".to_owned(),
                    reason: reason(&error),
                })
        };
        Ok(Self {
            upstream: client(pace.upstream_connect, pace.upstream_stall)?,
            registry: client(pace.connect, pace.stall)?,
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
        let mut transfer = Transfer {
            http: self,
            url,
            origin,
            part,
            size,
            meter,
            resume: Resume::of(part, url),
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
                Err(fault) if fault.is_transient() && !self.gave_up_on(&fault) => fault,
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

    /// Longest silence.
    pub(super) fn stall(&self, origin: Origin) -> Duration {
        match origin {
            Origin::Upstream => self.pace.upstream_stall,
            Origin::Registry => self.pace.stall,
        }
    }

    fn mark_unreachable(&self, host: &str, reason: &str) {
        let mut unreachable = self.unreachable.lock().unwrap_or_else(|p| p.into_inner());
        unreachable.insert(host.to_owned(), reason.to_owned());
    }

    /// Whether the fault is of a host that is not asked again in this run.
    fn gave_up_on(&self, fault: &SourceFault) -> bool {
        let SourceFault::Unreachable { host, .. } = fault else {
            return false;
        };
        let unreachable = self.unreachable.lock();
        unreachable
            .unwrap_or_else(|p| p.into_inner())
            .contains_key(host)
    }

    /// One request, up to its headers.
    pub(super) fn ask(
        &self,
        url: &str,
        origin: Origin,
        headers: HeaderMap,
    ) -> Result<Response, SourceFault> {
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
            let after = self.stall(origin);
            let silent = error.is_timeout() && !error.is_connect();
            if error.is_connect() || (silent && origin == Origin::Upstream) {
                let reason = if silent {
                    format!("no answer within {after:.0?}")
                } else {
                    reason(&error)
                };
                if origin == Origin::Upstream {
                    self.mark_unreachable(&host, &reason);
                }
                SourceFault::Unreachable { host, reason }
            } else if silent {
                SourceFault::Stalled {
                    url: shown(url),
                    after,
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

/// Name lookup on a thread that nobody waits for: a name server that does not answer holds
/// `getaddrinfo` for many seconds, and the usual resolver would hold the program's end with it.
pub(crate) struct DetachedDns;

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

pub(super) fn headers(list: &[(reqwest::header::HeaderName, &str)]) -> HeaderMap {
    let pairs = list
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.parse().ok()?)));
    pairs.collect()
}

pub(super) fn content_type(response: &Response) -> String {
    let value = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_ascii_lowercase()
}

pub(super) fn status_fault(url: &str, status: StatusCode) -> SourceFault {
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

pub(super) fn timed_out(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::TimedOut
        || error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<reqwest::Error>())
            .is_some_and(reqwest::Error::is_timeout)
}
