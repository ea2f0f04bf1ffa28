#![allow(clippy::unwrap_used)]

use super::*;
use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
    thread,
};

/// A server that answers one request and hands over what it was asked.
fn server(status: &str, answer: &str) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
        answer.len()
    );
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 65536];
        loop {
            let n = stream.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..n]);
            let text = String::from_utf8_lossy(&request).into_owned();
            let length = text
                .to_lowercase()
                .split_once("content-length: ")
                .and_then(|(_, r)| {
                    r.split_once("\r\n")
                        .map(|(n, _)| n.parse::<usize>().unwrap())
                });
            if let (Some(length), Some((_, body))) = (length, text.split_once("\r\n\r\n"))
                && body.len() >= length
            {
                send.send(text).unwrap();
                break;
            }
        }
        stream.write_all(response.as_bytes()).unwrap();
    });
    (url, receive)
}

fn client(url: &str, dialect: Dialect) -> LlmClient {
    let endpoint = Endpoint {
        url: url.to_owned(),
        token: Some("secret".into()),
        model: None,
        dialect,
    };
    LlmClient::new(endpoint).unwrap()
}

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn the_worker_is_asked_with_grammar_and_cached_prefix() {
    let answer = r#"{"choices":[{"message":{"content":"[{\"intent\":\"help\"}]"},
        "logprobs":{"content":[{"logprob":-0.1},{"logprob":-0.2}]}}]}"#;
    let (url, asked) = server("200 OK", answer);
    let proposal = client(&url, Dialect::Comptoir)
        .propose("help me", SOON)
        .await
        .unwrap();
    assert_eq!(proposal.text, r#"[{"intent":"help"}]"#);
    assert!((proposal.probability.unwrap() - (-0.3f32).exp()).abs() < 1e-6);

    let request = asked.recv().unwrap();
    assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1"));
    assert!(request.contains("authorization: Bearer secret"));
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    let messages = body["messages"].as_array().unwrap();
    assert_eq!(body["cache_messages"], messages.len() - 1);
    assert_eq!(messages.last().unwrap()["content"], "help me");
    assert!(body["grammar"].as_str().unwrap().starts_with("root ::="));
}

#[tokio::test]
async fn the_tuned_model_completes_in_wire_form() {
    let answer = r#"{"choices":[{"text":" add oat milk; qty 2 | cart",
        "logprobs":{"token_logprobs":[-0.1,-0.2],"tokens":["a","b"],
        "top_logprobs":[{" add":-0.1," rem":-2.5," xyz":-0.5," quantity":-9.0},{"x":-0.1}]}}]}"#;
    let (url, asked) = server("200 OK", answer);
    let proposal = client(&url, Dialect::Tuned)
        .propose("[cart: tea]\n2 oat milks, and what is in it", SOON)
        .await
        .unwrap();
    let list: Value = serde_json::from_str(&proposal.text).unwrap();
    assert_eq!(
        list,
        json!([{"intent":"add_to_cart","item":"oat milk","quantity":2},{"intent":"view_cart"}])
    );
    assert!((proposal.probability.unwrap() - (-0.3f32).exp()).abs() < 1e-6);
    assert_eq!(proposal.alternatives, ["add_to_cart", "remove_from_cart"]);

    let request = asked.recv().unwrap();
    assert!(request.starts_with("POST /v1/completions HTTP/1.1"));
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(
        body["prompt"],
        "[cart: tea]\n2 oat milks, and what is in it\n>"
    );
    assert!(body["grammar"].as_str().unwrap().contains("\"add\""));
}

#[tokio::test]
async fn another_server_is_asked_with_a_schema() {
    let answer = r#"{"choices":[{"message":{"content":"{\"commands\":[]}"}}]}"#;
    let (url, asked) = server("200 OK", answer);
    let url = format!("{url}/v1/");
    let proposal = client(&url, Dialect::JsonSchema)
        .propose("x", SOON)
        .await
        .unwrap();
    assert_eq!(proposal.probability, None);
    let request = asked.recv().unwrap();
    assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1"));
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["response_format"]["type"], "json_schema");
    assert!(body.get("grammar").is_none());
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart() {
    let (url, _asked) = server("503 Service Unavailable", "loading");
    let refused = client(&url, Dialect::Comptoir)
        .propose("x", SOON)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, ModelError::Refused { status: 503, .. }),
        "{refused}"
    );

    let (url, _asked) = server("200 OK", "no json");
    let unreadable = client(&url, Dialect::Comptoir)
        .propose("x", SOON)
        .await
        .unwrap_err();
    assert!(
        matches!(unreadable, ModelError::Unreadable(_)),
        "{unreadable}"
    );

    // Bound, then closed: nobody listens there.
    let gone = format!(
        "http://{}",
        TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
    );
    let unreachable = client(&gone, Dialect::Comptoir)
        .propose("x", SOON)
        .await
        .unwrap_err();
    assert!(
        matches!(unreachable, ModelError::Unreachable { .. }),
        "{unreachable}"
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_is_late() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let brief = Duration::from_millis(100);
    let late = client(&url, Dialect::Comptoir)
        .propose("x", brief)
        .await
        .unwrap_err();
    assert!(matches!(late, ModelError::Late(_)), "{late}");
}

#[test]
fn the_token_stays_out_of_logs() {
    let client = client("http://127.0.0.1:1", Dialect::Comptoir);
    assert!(!format!("{:?}", client.endpoint()).contains("secret"));
}
