//! A web server that behaves as told: serves, cuts, stalls, lies.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};

/// How a path answers.
#[derive(Clone)]
pub enum Answer {
    /// The bytes, with ranges and an ETag.
    Bytes(Vec<u8>),
    /// The bytes, with a content type of one's own.
    Page(&'static str, String),
    /// A bare status.
    Status(u16),
    /// So many bytes, then the connection breaks; the rest is served to a range request.
    CutAfter(usize, Vec<u8>),
    /// So many bytes, then silence, every time.
    StallAfter(usize, Vec<u8>),
    /// These, one after the other; the last stays.
    Sequence(Vec<Answer>),
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub range: Option<String>,
    pub authorization: Option<String>,
}

#[derive(Default)]
struct Shared {
    answers: BTreeMap<String, Answer>,
    seen: Vec<Seen>,
}

/// The server, until dropped.
pub struct Server {
    shared: Arc<Mutex<Shared>>,
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let app = axum::Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self {
            shared,
            address,
            _runtime: runtime,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn host(&self) -> String {
        self.address.to_string()
    }

    pub fn on(&self, path: &str, answer: Answer) -> &Self {
        self.shared
            .lock()
            .unwrap()
            .answers
            .insert(path.to_owned(), answer);
        self
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.lock().unwrap().seen.clone()
    }

    /// How often a path was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path == path).count()
    }

    /// A project of a PyPI index in HTML, with one wheel.
    pub fn pypi_html(&self, name: &str, version: &str, wheel: &[u8]) -> &Self {
        let file = wheel_name(name, version);
        let sha: String = Sha256::digest(wheel)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let page = format!(
            "<!DOCTYPE html><html><body>\
             <a href=\"/files/other-9.9.tar.gz\">other</a>\
             <a href=\"../../files/{file}#sha256={sha}\">{file}</a></body></html>"
        );
        self.on(
            &format!("/simple/{name}/"),
            Answer::Page("text/html; charset=utf-8", page),
        );
        self.on(&format!("/files/{file}"), Answer::Bytes(wheel.to_vec()))
    }

    /// The same in JSON.
    pub fn pypi_json(&self, name: &str, version: &str, wheel: &[u8]) -> &Self {
        let file = wheel_name(name, version);
        let sha: String = Sha256::digest(wheel)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let page = serde_json::json!({
            "meta": {"api-version": "1.0"},
            "name": name,
            "files": [{"filename": file, "url": self.url(&format!("/files/{file}")),
                       "hashes": {"sha256": sha}}],
        });
        let json = "application/vnd.pypi.simple.v1+json";
        self.on(
            &format!("/simple/{name}/"),
            Answer::Page(json, page.to_string()),
        );
        self.on(&format!("/files/{file}"), Answer::Bytes(wheel.to_vec()))
    }

    /// A package of an npm registry.
    pub fn npm(&self, name: &str, version: &str, tarball: &[u8]) -> &Self {
        let file = format!("/npm/{name}/-/package-{version}.tgz");
        let page = serde_json::json!({
            "name": name,
            "versions": {version: {"dist": {"tarball": self.url(&file)}}},
        });
        let escaped = name.replace('/', "%2f");
        self.on(
            &format!("/npm/{escaped}"),
            Answer::Page("application/json", page.to_string()),
        );
        self.on(&file, Answer::Bytes(tarball.to_vec()))
    }
}

pub fn wheel_name(name: &str, version: &str) -> String {
    format!("{}-{version}-py3-none-any.whl", name.replace('-', "_"))
}

/// A wheel (zip) of these members.
pub fn wheel(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An npm tarball (tar.gz) of these members.
pub fn tarball(members: &[(&str, &[u8])]) -> Vec<u8> {
    let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gz);
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

async fn answer(
    State(shared): State<Arc<Mutex<Shared>>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned)
    };
    let path = uri.path().to_owned();
    let answer = {
        let mut shared = shared.lock().unwrap();
        shared.seen.push(Seen {
            path: path.clone(),
            range: header("range"),
            authorization: header("authorization"),
        });
        match shared.answers.get_mut(&path) {
            Some(Answer::Sequence(answers)) if answers.len() > 1 => answers.remove(0),
            Some(Answer::Sequence(answers)) => answers[0].clone(),
            Some(answer) => answer.clone(),
            None => Answer::Status(404),
        }
    };
    let response = Response::builder();
    match answer {
        Answer::Sequence(_) => unreachable!("sequences do not nest"),
        Answer::Status(status) => response.status(status).body(Body::empty()).unwrap(),
        Answer::Page(kind, text) => response
            .header("content-type", kind)
            .body(Body::from(text))
            .unwrap(),
        Answer::Bytes(bytes) => ranged(&bytes, header("range"), header("if-range"), None, false),
        Answer::CutAfter(n, bytes) => {
            let cut = header("range").is_none().then_some(n);
            ranged(&bytes, header("range"), header("if-range"), cut, false)
        }
        Answer::StallAfter(n, bytes) => {
            ranged(&bytes, header("range"), header("if-range"), Some(n), true)
        }
    }
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{:02x?}\"", &Sha256::digest(bytes)[..4])
}

/// RFC 9110 ranges of the one kind the client asks for: `bytes=N-`.
fn ranged(
    bytes: &[u8],
    range: Option<String>,
    if_range: Option<String>,
    stop_after: Option<usize>,
    stall: bool,
) -> Response<Body> {
    let current = if_range.is_none_or(|tag| tag == etag(bytes));
    let start = range.filter(|_| current).and_then(|range| {
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse::<usize>()
            .ok()
    });
    let mut response = Response::builder().header("etag", etag(bytes));
    let rest = match start {
        Some(start) if start >= bytes.len() => {
            return response
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header("content-range", format!("bytes */{}", bytes.len()))
                .body(Body::empty())
                .unwrap();
        }
        Some(start) => {
            let range = format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len());
            response = response.status(206).header("content-range", range);
            &bytes[start..]
        }
        None => bytes,
    };
    response = response.header("content-length", rest.len());
    let Some(n) = stop_after else {
        return response.body(Body::from(rest.to_vec())).unwrap();
    };
    let first = stream::iter([Ok::<_, io::Error>(Bytes::from(
        rest[..n.min(rest.len())].to_vec(),
    ))]);
    let body = if stall {
        Body::from_stream(first.chain(stream::pending()))
    } else {
        // Without the pause hyper may drop what was written before it sees the break.
        let broken = stream::once(async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Err(io::Error::from(io::ErrorKind::ConnectionReset))
        });
        Body::from_stream(first.chain(broken))
    };
    response.body(body).unwrap()
}
