//! A server of feeds that does what it is told, also what no server should.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use futures_util::stream;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// What a request is answered with.
#[derive(Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// The body ends after so many bytes, whatever its length says.
    pub(crate) cut: Option<usize>,
    /// The wait before the second half.
    pub(crate) slow: Duration,
}

pub(crate) type Asked = (String, HeaderMap);
type Answerer = Box<dyn FnMut(&Uri, &HeaderMap) -> Answer + Send>;

type Shared = (Arc<Mutex<Answerer>>, Arc<Mutex<Vec<Asked>>>);

#[derive(Clone)]
pub(crate) struct Server {
    answer: Arc<Mutex<Answerer>>,
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
    pub(crate) url: String,
    _runtime: Arc<tokio::runtime::Runtime>,
}

impl Server {
    pub(crate) fn begin(answer: impl FnMut(&Uri, &HeaderMap) -> Answer + Send + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let runtime = Arc::new(runtime);
        let server = Self {
            answer: Arc::new(Mutex::new(Box::new(answer))),
            asked: Arc::default(),
            url,
            _runtime: runtime.clone(),
        };
        let state = (server.answer.clone(), server.asked.clone());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let app = Router::new().fallback(reply).with_state(state);
            axum::serve(listener, app).await.unwrap();
        });
        server
    }

    /// From now on it answers like this.
    pub(crate) fn change(&self, answer: impl FnMut(&Uri, &HeaderMap) -> Answer + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    /// What it was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

async fn reply(State((answer, asked)): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let answer = (*answer.lock().unwrap())(&uri, &headers);
    asked.lock().unwrap().push((uri.to_string(), headers));
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status).unwrap());
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    let length = answer.body.len();
    let sent = &answer.body[..answer.cut.unwrap_or(length).min(length)];
    let (first, second) = sent.split_at(sent.len() / 2);
    let mut parts: Vec<std::io::Result<Bytes>> = vec![
        Ok(Bytes::copy_from_slice(first)),
        Ok(Bytes::copy_from_slice(second)),
    ];
    if answer.cut.is_some() {
        parts.push(Err(std::io::Error::other("cut")));
    }
    let slow = answer.slow;
    let body = stream::unfold(parts.into_iter().enumerate(), move |mut parts| async move {
        let (i, part) = parts.next()?;
        if i == 1 {
            tokio::time::sleep(slow).await;
        }
        if part.is_err() {
            // What was sent reaches the other side first.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some((part, parts))
    });
    if !answer
        .headers
        .iter()
        .any(|(name, _)| *name == "transfer-encoding")
    {
        response = response.header("content-length", length);
    }
    response.body(Body::from_stream(body)).unwrap()
}

pub(crate) fn ok(body: Vec<u8>) -> Answer {
    Answer {
        status: 200,
        body,
        ..Answer::default()
    }
}

/// Answers as a good server does: ETag, 304, ranges.
pub(crate) fn good(
    body: Vec<u8>,
    etag: &'static str,
) -> impl FnMut(&Uri, &HeaderMap) -> Answer + Send {
    move |_, asked| {
        let has = |name: &str, value: &str| asked.get(name).is_some_and(|v| v == value);
        let headers = vec![("etag", etag.to_owned())];
        if has("if-none-match", etag) {
            return Answer {
                status: 304,
                headers,
                ..Answer::default()
            };
        }
        let range = asked
            .get("range")
            .and_then(|v| v.to_str().ok()?.strip_prefix("bytes="));
        let start = range.and_then(|r| r.strip_suffix('-')?.parse::<usize>().ok());
        match start.filter(|_| has("if-range", etag)) {
            Some(start) => {
                let all = body.len();
                let range = format!("bytes {start}-{}/{all}", all - 1);
                Answer {
                    status: 206,
                    headers: [headers, vec![("content-range", range)]].concat(),
                    body: body[start..].to_vec(),
                    ..Answer::default()
                }
            }
            None => Answer {
                headers,
                ..ok(body.clone())
            },
        }
    }
}
