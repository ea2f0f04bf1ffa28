//! One URL into a file: conditional, resumed where it broke, never longer than it may be.

use super::error::FetchError;
use crate::models::http::{DetachedDns, shown};
use reqwest::{
    StatusCode, Url,
    blocking::{Client, Response},
    header::{
        ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap,
        HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, LINK,
        RANGE, RETRY_AFTER,
    },
    redirect,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// How patient a fetch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Name lookup, connection and TLS together.
    pub connect: Duration,
    /// The longest silence.
    pub stall: Duration,
    /// How often it is tried again without any progress.
    pub retries: u32,
    /// The wait before that; it doubles each time.
    pub backoff: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            retries: 4,
            backoff: Duration::from_millis(500),
        }
    }
}

/// The longest wait that a server's `Retry-After` may ask for, s.
const LONGEST_WAIT: u64 = 60;

/// What tells one version of a file from the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Validators {
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
}

impl Validators {
    fn of(response: &Response) -> Self {
        let header = |name| {
            let value = response.headers().get(name)?;
            // Longer ones are no validators, and are kept.
            Some(value.to_str().ok()?.to_owned()).filter(|v| v.len() <= 500)
        };
        Self {
            etag: header(ETAG),
            last_modified: header(LAST_MODIFIED),
        }
    }

    /// What `If-Range` takes: a strong `ETag`, else the time.
    fn strong(&self) -> Option<&str> {
        let etag = self.etag.as_deref().filter(|tag| !tag.starts_with("W/"));
        etag.or(self.last_modified.as_deref())
    }
}

/// A client with the headers of a source. Where they are secret, it follows redirects to the
/// same host only.
pub(super) fn client(
    headers: HeaderMap,
    has_secrets: bool,
    pace: Pace,
) -> Result<Client, FetchError> {
    let follow = redirect::Policy::custom(move |attempt| {
        let from = attempt.previous().last();
        let host = |url: &Url| {
            (
                url.host_str().map(str::to_owned),
                url.port_or_known_default(),
            )
        };
        let elsewhere = from.is_some_and(|from| host(from) != host(attempt.url()));
        let weaker =
            from.is_some_and(|from| from.scheme() == "https") && attempt.url().scheme() != "https";
        if attempt.previous().len() > 5 {
            attempt.error("expected at most 5 redirects, found more")
        } else if weaker || (has_secrets && elsewhere) {
            attempt.error(
                "expected no redirect to another host with secret headers, nor from https to http",
            )
        } else {
            attempt.follow()
        }
    });
    Client::builder()
        .user_agent(concat!("comptoir/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(pace.connect)
        .timeout(pace.stall.max(pace.connect))
        .dns_resolver(Arc::new(DetachedDns))
        .default_headers(headers)
        .redirect(follow)
        .build()
        .map_err(|e| FetchError::Unreachable {
            url: "the network".to_owned(),
            why: reason(&e),
        })
}

/// A download in progress.
pub(super) struct Download<'a> {
    pub(super) client: &'a Client,
    pub(super) url: &'a Url,
    /// Of the copy that is there.
    pub(super) known: Option<&'a Validators>,
    pub(super) part: &'a Path,
    pub(super) limit: u64,
    pub(super) until: Instant,
    pub(super) deadline_s: u64,
    pub(super) pace: Pace,
}

/// What came.
pub(super) enum Answer {
    /// The copy that is there is still right.
    NotModified,
    /// The part is whole.
    Whole {
        validators: Validators,
        /// `Link: <...>; rel="next"`; the outer `None`: no such header at all.
        next: Option<Option<Url>>,
    },
}

/// Where a part is from, kept beside it.
#[derive(Default, Serialize, Deserialize)]
struct Origin {
    address: String,
    validators: Validators,
}

impl Download<'_> {
    /// Fetches, going on where it broke. `random` spreads the retries of many terminals.
    pub(super) fn run(
        &self,
        random: &mut fastrand::Rng,
        have: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Answer, FetchError> {
        let (mut failures, mut best) = (0, length(self.part));
        loop {
            let fault = match self.attempt(have) {
                Ok(answer) => return Ok(answer),
                Err(fault) if fault.is_transient() => fault,
                Err(fault) => return Err(fault),
            };
            if length(self.part) > best {
                (failures, best) = (0, length(self.part));
            }
            if failures >= self.pace.retries {
                return Err(fault);
            }
            let asked = match &fault {
                FetchError::Status { after_s, .. } => after_s.unwrap_or(0),
                _ => 0,
            };
            let wait = self.pace.backoff * 2_u32.pow(failures.min(6));
            let wait = wait.mul_f64(0.75 + 0.5 * random.f64());
            let wait = wait.max(Duration::from_secs(asked.min(LONGEST_WAIT)));
            if Instant::now() + wait >= self.until {
                return Err(fault);
            }
            tracing::debug!(%fault, failures, "trying again");
            std::thread::sleep(wait);
            failures += 1;
        }
    }

    fn attempt(&self, told: &mut dyn FnMut(u64, Option<u64>)) -> Result<Answer, FetchError> {
        let origin = self.origin();
        let resumed = origin.validators.strong().filter(|_| length(self.part) > 0);
        let have = resumed.map_or(0, |_| length(self.part));
        let mut request = self
            .client
            .get(self.url.clone())
            .header(ACCEPT_ENCODING, "gzip");
        if let Some(validator) = resumed {
            request = request
                .header(RANGE, format!("bytes={have}-"))
                .header(IF_RANGE, validator);
        } else if let Some(known) = self.known {
            if let Some(etag) = &known.etag {
                request = request.header(IF_NONE_MATCH, etag);
            }
            if let Some(time) = &known.last_modified {
                request = request.header(IF_MODIFIED_SINCE, time);
            }
        }
        let response = request.send().map_err(|e| FetchError::Unreachable {
            url: self.shown(),
            why: reason(&e),
        })?;
        let (start, total) = match response.status() {
            StatusCode::NOT_MODIFIED if self.known.is_some() => return Ok(Answer::NotModified),
            StatusCode::PARTIAL_CONTENT => match content_range(&response) {
                Some((start, total)) if start == have && have > 0 => (have, total),
                _ => {
                    self.restart()?;
                    return Err(self.cut("the server sent another part than was asked for"));
                }
            },
            StatusCode::OK => (0, response.content_length()),
            StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => {
                self.restart()?;
                return Err(self.cut("what was there is no beginning of the feed any more"));
            }
            status => {
                let after = response.headers().get(RETRY_AFTER);
                return Err(FetchError::Status {
                    url: self.shown(),
                    status: status.as_u16(),
                    after_s: after.and_then(|v| v.to_str().ok()?.trim().parse().ok()),
                });
            }
        };
        self.look(&response)?;
        if total.is_some_and(|total| total > self.limit) {
            return Err(self.too_long());
        }
        let validators = Validators::of(&response);
        let next = next_page(&response);
        if start == 0 {
            self.restart()?;
            self.note(&validators)?;
        }
        self.receive(response, start, total, told)?;
        remove(&self.origin_path())?;
        Ok(Answer::Whole { validators, next })
    }

    /// Refuses what is no feed by its headers.
    fn look(&self, response: &Response) -> Result<(), FetchError> {
        let header = |name| {
            let value = response.headers().get(name);
            let value = value.and_then(|v| v.to_str().ok()).unwrap_or_default();
            value.to_ascii_lowercase()
        };
        let found = if header(CONTENT_TYPE).starts_with("text/html") {
            "an HTML page (a login, or a network that wants a sign-in?)".to_owned()
        } else {
            match header(CONTENT_ENCODING).as_str() {
                "" | "identity" | "gzip" | "x-gzip" => return Ok(()),
                other => format!("the encoding {other}, which was not asked for"),
            }
        };
        Err(FetchError::Other {
            url: self.shown(),
            found,
        })
    }

    fn receive(
        &self,
        mut response: Response,
        start: u64,
        total: Option<u64>,
        told: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), FetchError> {
        let file = OpenOptions::new().create(true).append(true).open(self.part);
        let mut file = file.map_err(|e| FetchError::file(self.part, e))?;
        let mut buffer = vec![0; 64 << 10];
        let mut have = start;
        loop {
            if Instant::now() >= self.until {
                return Err(FetchError::Deadline {
                    url: self.shown(),
                    have,
                    deadline_s: self.deadline_s,
                });
            }
            let n = match response.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(self.cut(&reason(&e))),
            };
            have += n as u64;
            if have > self.limit {
                return Err(self.too_long());
            }
            file.write_all(buffer.get(..n).unwrap_or_default())
                .map_err(|e| FetchError::file(self.part, e))?;
            told(have, total);
        }
        match total {
            Some(total) if have < total => Err(self.cut("the answer ended early")),
            _ => Ok(()),
        }
    }

    fn origin_path(&self) -> PathBuf {
        self.part.with_extension("part.json")
    }

    fn origin(&self) -> Origin {
        let text = fs::read(self.origin_path()).unwrap_or_default();
        let origin: Origin = serde_json::from_slice(&text).unwrap_or_default();
        if origin.address == super::digest(self.url.as_str().as_bytes()) {
            origin
        } else {
            Origin::default()
        }
    }

    fn note(&self, validators: &Validators) -> Result<(), FetchError> {
        let origin = Origin {
            address: super::digest(self.url.as_str().as_bytes()),
            validators: validators.clone(),
        };
        let path = self.origin_path();
        let text = serde_json::to_vec(&origin).unwrap_or_default();
        fs::write(&path, text).map_err(|e| FetchError::file(&path, e))
    }

    fn restart(&self) -> Result<(), FetchError> {
        remove(self.part)
    }

    fn too_long(&self) -> FetchError {
        // What is there is of no use.
        let _ = remove(self.part);
        FetchError::TooLong {
            url: self.shown(),
            limit: self.limit,
        }
    }

    fn cut(&self, why: &str) -> FetchError {
        FetchError::Cut {
            url: self.shown(),
            have: length(self.part),
            why: why.to_owned(),
        }
    }

    fn shown(&self) -> String {
        shown(self.url.as_str())
    }
}

/// A name and value as a header; the error never holds the value.
pub(super) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), FetchError> {
    let wrong = || FetchError::Header(format!("expected a header `{name}` that can be sent"));
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
    let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
    value.set_sensitive(true);
    Ok((name, value))
}

pub(super) fn remove(path: &Path) -> Result<(), FetchError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(FetchError::file(path, e)),
        _ => Ok(()),
    }
}

pub(super) fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}

/// `bytes START-END/TOTAL` (RFC 9110, section 14.4).
fn content_range(response: &Response) -> Option<(u64, Option<u64>)> {
    let value = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-')?.0.parse().ok()?;
    Some((start, total.parse().ok()))
}

/// The next page as a `Link` header says it (RFC 8288).
fn next_page(response: &Response) -> Option<Option<Url>> {
    let value = response.headers().get(LINK)?.to_str().ok()?;
    let next = value.split(',').find_map(|link| {
        let (target, attributes) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = attributes
            .split(';')
            .any(|a| matches!(a.trim(), "rel=next" | "rel=\"next\""));
        is_next.then(|| response.url().join(target).ok())?
    });
    Some(next)
}

/// The innermost reason: the outer ones repeat the address.
fn reason(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
