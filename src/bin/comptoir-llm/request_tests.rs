//! What a client may send, and what it is told when it sends something else.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

fn chat(body: Value) -> Result<Generation, Refusal> {
    Generation::from_chat_body(body.to_string().as_bytes())
}

fn completion(body: Value) -> Result<Generation, Refusal> {
    Generation::from_completion_body(body.to_string().as_bytes())
}

fn hello() -> Value {
    json!({"model": "any", "messages": [{"role": "user", "content": "Hello"}]})
}

/// `hello` with one more field.
fn hello_with(field: &str, value: Value) -> Result<Generation, Refusal> {
    let mut body = hello();
    body[field] = value;
    chat(body)
}

#[test]
fn a_plain_chat_is_greedy_whole_and_without_extras() {
    let asked = chat(hello()).unwrap();
    assert_eq!(
        asked.prompt,
        Prompt::Chat {
            messages: vec![Message {
                role: "user",
                content: "Hello".into()
            }],
            fixed: 0
        }
    );
    assert_eq!(
        (asked.temperature, asked.top_p, asked.seed),
        (0.0, 1.0, None)
    );
    assert_eq!(
        (asked.max_tokens, asked.alternatives, asked.grammar),
        (None, None, None)
    );
    assert!(!asked.delivery.stream);
}

#[test]
fn content_may_come_in_parts_and_system_under_its_newer_name() {
    let asked = chat(json!({"messages": [
        {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]},
        {"role": "assistant", "content": null},
        {"role": "user", "content": "Bonjour é"},
    ], "cache_messages": 2}))
    .unwrap();
    let Prompt::Chat { messages, fixed } = asked.prompt else {
        panic!("a chat")
    };
    assert_eq!(fixed, 2);
    assert_eq!(
        messages[0],
        Message {
            role: "system",
            content: "Be brief.".into()
        }
    );
    assert_eq!(
        messages[1],
        Message {
            role: "assistant",
            content: String::new()
        }
    );
    assert_eq!(messages[2].content, "Bonjour é");
}

#[test]
fn a_picture_is_refused() {
    let refusal = chat(json!({"messages": [{"role": "user", "content":
        [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}]}]}))
    .unwrap_err();
    assert_eq!((refusal.status, refusal.param), (400, Some("messages")));
    assert!(refusal.message.contains("image_url"), "{refusal}");
}

#[test]
fn either_name_of_the_token_limit_counts() {
    assert_eq!(
        hello_with("max_tokens", json!(5)).unwrap().max_tokens,
        Some(5)
    );
    assert_eq!(
        hello_with("max_completion_tokens", json!(6))
            .unwrap()
            .max_tokens,
        Some(6)
    );
    assert_eq!(
        hello_with("max_tokens", json!(0)).unwrap().max_tokens,
        Some(0)
    );
    assert_eq!(
        completion(json!({"prompt": "a"})).unwrap().max_tokens,
        Some(16)
    );
    assert_eq!(hello_with("max_tokens", json!(-1)).unwrap_err().status, 400);
}

#[test]
fn one_stop_string_or_a_list_of_them() {
    assert_eq!(hello_with("stop", json!("\n")).unwrap().stop, ["\n"]);
    assert_eq!(
        hello_with("stop", json!(["a", "b"])).unwrap().stop,
        ["a", "b"]
    );
    assert!(hello_with("stop", Value::Null).unwrap().stop.is_empty());
    assert_eq!(
        hello_with("stop", json!([""])).unwrap_err().param,
        Some("stop")
    );
}

#[test]
fn log_probabilities_in_both_shapes() {
    let mut body = hello();
    body["logprobs"] = json!(true);
    assert_eq!(chat(body.clone()).unwrap().alternatives, Some(0));
    body["top_logprobs"] = json!(3);
    assert_eq!(chat(body.clone()).unwrap().alternatives, Some(3));
    body["top_logprobs"] = json!(21);
    assert_eq!(chat(body.clone()).unwrap_err().param, Some("top_logprobs"));
    body["logprobs"] = json!(false);
    assert_eq!(chat(body).unwrap_err().param, Some("top_logprobs"));

    let asked = completion(json!({"prompt": "a", "logprobs": 2})).unwrap();
    assert_eq!(asked.alternatives, Some(2));
    let refusal = completion(json!({"prompt": "a", "logprobs": "yes"})).unwrap_err();
    assert_eq!(refusal.param, Some("logprobs"));
}

#[test]
fn usage_comes_with_a_stream_that_asks_for_it() {
    let mut body = hello();
    body["stream_options"] = json!({"include_usage": true});
    assert!(!chat(body.clone()).unwrap().delivery.include_usage);
    body["stream"] = json!(true);
    let delivery = chat(body).unwrap().delivery;
    assert!(delivery.stream && delivery.include_usage);
}

#[test]
fn the_fixed_prefix_is_the_beginning_of_the_prompt() {
    let asked = completion(json!({"prompt": "Rules. Ask", "cache_prefix": "Rules. "})).unwrap();
    assert_eq!(
        asked.prompt,
        Prompt::Text {
            text: "Rules. Ask".into(),
            fixed_bytes: 7
        }
    );
    let refusal = completion(json!({"prompt": "Ask", "cache_prefix": "Rules. "})).unwrap_err();
    assert_eq!(refusal.param, Some("cache_prefix"));
    assert_eq!(
        hello_with("cache_messages", json!(2)).unwrap_err().param,
        Some("cache_messages")
    );
}

#[test]
fn what_would_change_the_answer_is_refused_with_what_to_do() {
    let refused = [
        (
            "response_format",
            json!({"type": "json_schema", "json_schema": {}}),
            "grammar",
        ),
        ("response_format", json!({"type": "json_object"}), "grammar"),
        ("tools", json!([{"type": "function"}]), "grammar"),
        ("n", json!(2), "several requests"),
        ("logit_bias", json!({"50256": -100}), "grammar"),
        ("presence_penalty", json!(0.5), "send 0"),
        ("temperature", json!(2.5), "0 to 2"),
        ("top_p", json!(0), "above 0"),
    ];
    for (field, value, advice) in refused {
        let refusal = hello_with(field, value).unwrap_err();
        assert_eq!((refusal.status, refusal.param), (400, Some(field)));
        assert!(refusal.message.contains(advice), "{field}: {refusal}");
    }
}

#[test]
fn what_would_not_change_the_answer_is_ignored() {
    for (field, value) in [
        ("user", json!("shopper")),
        ("n", json!(1)),
        ("tools", json!([])),
        ("logit_bias", json!({})),
        ("response_format", json!({"type": "text"})),
        ("presence_penalty", json!(0)),
        ("parallel_tool_calls", json!(true)),
        ("stream", Value::Null),
    ] {
        assert_eq!(
            hello_with(field, value).unwrap(),
            chat(hello()).unwrap(),
            "{field}"
        );
    }
}

#[test]
fn what_is_not_json_or_lacks_the_prompt_is_refused() {
    for body in [
        &b"{"[..],
        b"",
        b"[]",
        b"null",
        b"{\"messages\": 3}",
        b"\xff",
    ] {
        assert_eq!(
            Generation::from_chat_body(body).unwrap_err().status,
            400,
            "{body:?}"
        );
    }
    assert_eq!(
        chat(json!({"prompt": "a"})).unwrap_err().param,
        Some("messages")
    );
    assert_eq!(
        chat(json!({"messages": []})).unwrap_err().param,
        Some("messages")
    );
    assert_eq!(
        completion(json!({"messages": []})).unwrap_err().param,
        Some("prompt")
    );
    assert_eq!(
        completion(json!({"prompt": ["a", "b"]})).unwrap_err().param,
        Some("prompt")
    );
    assert_eq!(
        completion(json!({"prompt": [1, 2]})).unwrap_err().param,
        Some("prompt")
    );
    assert_eq!(
        completion(json!({"prompt": ["a"]})).unwrap().max_tokens,
        Some(16)
    );
}
