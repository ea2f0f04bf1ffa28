//! A source's newest copy into the data folder: from a file, a URL, or a URL in pages.

use super::{
    Progress,
    download::{Answer, Download, Pace, Validators, client, header, length, remove},
    error::FetchError,
};
use crate::{
    models::http::shown,
    settings::CatalogSource,
    shop::feed::{Mapping, Pages, count_items},
};
use flate2::read::MultiGzDecoder;
use reqwest::{Url, blocking::Client, header::HeaderMap};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Most pages of a feed.
const PAGES: u32 = 20_000;

/// A source and where its copies lie.
pub(super) struct Place<'a> {
    pub(super) source: &'a CatalogSource,
    pub(super) folder: &'a Path,
    pub(super) mapping: Option<&'a Mapping>,
    pub(super) pace: Pace,
}

/// What came of it.
pub(super) enum Fetched {
    /// The copy that is there is still right.
    Unchanged,
    /// A newer one lies in [`Place::newer`].
    New {
        validators: Validators,
        bytes: u64,
        sha256: String,
    },
}

impl Place<'_> {
    fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.source.name))
    }

    /// The copy that the catalog is built from.
    pub(super) fn kept(&self) -> PathBuf {
        self.file("feed")
    }

    /// A newer one, until the catalog is built from it.
    pub(super) fn newer(&self) -> PathBuf {
        self.file("new")
    }

    /// The longest that it may be, in bytes.
    pub(super) fn limit(&self) -> u64 {
        self.source.max_mb.saturating_mul(1_000_000)
    }

    /// Fetches. `known` are the validators of the copy that is there.
    pub(super) fn fetch(
        &self,
        known: Option<&Validators>,
        random: &mut fastrand::Rng,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Fetched, FetchError> {
        if !self.source.is_url() {
            return self.copy(known, progress);
        }
        let wrong = |e: &dyn std::fmt::Display| FetchError::Other {
            url: shown(&self.source.from),
            found: format!("no URL: {e}"),
        };
        let url = Url::parse(&self.source.from).map_err(|e| wrong(&e))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &self.source.headers {
            let (name, value) = header(name, &value.read().map_err(FetchError::Header)?)?;
            headers.insert(name, value);
        }
        let has_secrets = self.source.headers.values().any(|v| v.is_secret());
        let client = client(headers, has_secrets, self.pace)?;
        let until = Instant::now() + Duration::from_secs(self.source.deadline_s);
        let pages = self.mapping.and_then(|m| Some((m, m.pages.as_ref()?)));
        if let Some((mapping, pages)) = pages {
            return self.pages(&client, url, (mapping, pages), until, random, progress);
        }
        let part = self.file("part");
        let download = self.download(&client, &url, known, &part, until);
        match download.run(random, &mut |have, total| {
            progress(Progress::Fetching {
                source: &self.source.name,
                have,
                total,
            });
        })? {
            Answer::NotModified => Ok(Fetched::Unchanged),
            Answer::Whole { validators, .. } => {
                let newer = self.newer();
                fs::rename(&part, &newer).map_err(|e| FetchError::file(&newer, e))?;
                Ok(Fetched::New {
                    validators,
                    bytes: length(&newer),
                    sha256: digest_of(&newer)?,
                })
            }
        }
    }

    fn download<'a>(
        &'a self,
        client: &'a Client,
        url: &'a Url,
        known: Option<&'a Validators>,
        part: &'a Path,
        until: Instant,
    ) -> Download<'a> {
        Download {
            client,
            url,
            known,
            part,
            limit: self.limit(),
            until,
            deadline_s: self.source.deadline_s,
            pace: self.pace,
        }
    }

    /// A file, copied: what is read later is what was there now.
    fn copy(
        &self,
        known: Option<&Validators>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Fetched, FetchError> {
        let from = Path::new(&self.source.from);
        let file_error = |e| FetchError::file(from, e);
        let version = |meta: &fs::Metadata| {
            let at = meta.modified().ok()?;
            let at = at.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some(format!("\"{}-{}\"", meta.len(), at.as_nanos()))
        };
        let file = File::open(from).map_err(file_error)?;
        let before = version(&file.metadata().map_err(file_error)?);
        if before.is_some() && known.is_some_and(|known| known.etag == before) {
            return Ok(Fetched::Unchanged);
        }
        let newer = self.newer();
        let mut out = File::create(&newer).map_err(|e| FetchError::file(&newer, e))?;
        let limit = self.limit();
        let mut reader = BufReader::with_capacity(256 << 10, file).take(limit + 1);
        let bytes = io::copy(&mut reader, &mut out).map_err(|e| FetchError::file(&newer, e))?;
        if bytes > limit {
            remove(&newer)?;
            return Err(FetchError::TooLong {
                url: self.source.from.clone(),
                limit,
            });
        }
        progress(Progress::Fetching {
            source: &self.source.name,
            have: bytes,
            total: Some(bytes),
        });
        let after = version(&fs::metadata(from).map_err(file_error)?);
        if after != before {
            remove(&newer)?;
            return Err(FetchError::Other {
                url: self.source.from.clone(),
                found: "a file that somebody is writing; try again when it is whole".to_owned(),
            });
        }
        Ok(Fetched::New {
            validators: Validators {
                etag: before,
                last_modified: None,
            },
            bytes,
            sha256: digest_of(&newer)?,
        })
    }

    /// Page after page, into one file of documents.
    fn pages(
        &self,
        client: &Client,
        first: Url,
        (mapping, pages): (&Mapping, &Pages),
        until: Instant,
        random: &mut fastrand::Rng,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Fetched, FetchError> {
        let newer = self.newer();
        let part = self.file("page");
        let mut out = File::create(&newer).map_err(|e| FetchError::file(&newer, e))?;
        let (mut url, mut bytes, mut before) = (page(&first, pages, 1), 0_u64, String::new());
        for number in 1..=PAGES {
            // A page is short: it is asked for anew rather than gone on with.
            remove(&part)?;
            remove(&part.with_extension("part.json"))?;
            let download = self.download(client, &url, None, &part, until);
            let answer = download.run(random, &mut |have, _| {
                progress(Progress::Fetching {
                    source: &self.source.name,
                    have: bytes + have,
                    total: None,
                });
            })?;
            let Answer::Whole { next, .. } = answer else {
                break;
            };
            let other = |found: String| FetchError::Other {
                url: shown(url.as_str()),
                found,
            };
            let open = || File::open(&part).map_err(|e| FetchError::file(&part, e));
            let items = count_items("the page", mapping, BufReader::new(open()?), self.limit())
                .map_err(|e| other(e.to_string()))?;
            let same = digest_of(&part)?;
            if items > 0 && same == before {
                return Err(other(format!("page {} again as page {number}", number - 1)));
            }
            before = same;
            bytes += append(open()?, &mut out, self.limit() - bytes)
                .map_err(|e| FetchError::file(&newer, e))?
                .ok_or_else(|| FetchError::TooLong {
                    url: shown(first.as_str()),
                    limit: self.limit(),
                })?;
            url = match next.filter(|_| pages.link) {
                Some(Some(next)) if next.origin() == first.origin() => next,
                Some(Some(_)) => return Err(other("a next page on another host".to_owned())),
                Some(None) => break,
                None if items < u64::from(pages.items) => break,
                None => page(&first, pages, number + 1),
            };
        }
        remove(&part)?;
        Ok(Fetched::New {
            validators: Validators::default(),
            bytes,
            sha256: digest_of(&newer)?,
        })
    }
}

/// The URL of a page.
fn page(first: &Url, pages: &Pages, number: u32) -> Url {
    let mut ours = vec![(pages.size.clone(), pages.items.to_string())];
    if let Some(name) = &pages.offset {
        ours.push((name.clone(), ((number - 1) * pages.items).to_string()));
    }
    // The first page has no number: some systems know numbers, others links only.
    if let Some(name) = pages.number.as_ref().filter(|_| number > 1) {
        ours.push((name.clone(), number.to_string()));
    }
    let mut url = first.clone();
    let others: Vec<(String, String)> = first
        .query_pairs()
        .filter(|(name, _)| !ours.iter().any(|(own, _)| own == name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(others)
        .extend_pairs(ours);
    url
}

/// Adds a page, unpacked, and a line break; `None` when it is longer than `most`.
fn append(page: File, out: &mut File, most: u64) -> io::Result<Option<u64>> {
    let mut reader = BufReader::new(page);
    let packed = io::BufRead::fill_buf(&mut reader)?.starts_with(b"\x1f\x8b");
    let limited = most.saturating_add(1);
    let n = if packed {
        io::copy(&mut MultiGzDecoder::new(reader).take(limited), out)?
    } else {
        io::copy(&mut reader.take(limited), out)?
    };
    out.write_all(b"\n")?;
    Ok((n <= most).then_some(n))
}

fn digest_of(path: &Path) -> Result<String, FetchError> {
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            let n = file.read(&mut buffer)?;
            if n == 0 {
                return Ok(super::hex(&hash.finalize()));
            }
            hash.update(buffer.get(..n).unwrap_or_default());
        }
    };
    read().map_err(|e| FetchError::file(path, e))
}
