#!/usr/bin/env python3
"""Checks comptoir-llm with the `openai` package, a client that is not ours.

usage: llm_openai.py COMPTOIR_LLM_BINARY MODEL.gguf

Starts the worker itself, prints one line a check, exits non-zero at the first failure.
"""

import atexit
import json
import math
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import openai

TOKEN = "a token for this test only"
RULES = (
    "You take orders in a shop. Answer in one short sentence. The shop sells coffee, tea, bread, "
    "butter, apples, pears, shirts, lamps and toys. Never promise a delivery date, never invent a "
    "price, and ask for the size when the shopper wants a shirt."
)
JSON_GRAMMAR = r'''
root ::= "{\"intent\":\"" ("search" | "add" | "remove") "\",\"query\":\"" [a-z ]{1,24} "\"}"
'''


# Under this grammar an answer may end only after a sign that the model does not write there: it
# is as long as it may be, however the text goes.
ENDLESS = 'root ::= [a-z ]+ "#"'


class Worker:
    def __init__(self, binary, model, *options, env=None):
        environment = {**os.environ, "COMPTOIR_LLM_TOKEN": TOKEN, **(env or {})}
        self.process = subprocess.Popen(
            [binary, "--model", model, "--ctx", "2048", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )
        # Also when a check fails.
        atexit.register(self.process.kill)
        self.log = []
        threading.Thread(target=self._read_log, daemon=True).start()
        line = self.process.stdout.readline()
        assert line.startswith("ready http://127.0.0.1:"), (line, self.log)
        self.url = line.split()[1]
        self.client = openai.OpenAI(
            base_url=self.url + "/v1", api_key=TOKEN, max_retries=0, timeout=60
        )

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line.rstrip())

    def post(self, path, body, token=TOKEN):
        """Status, headers and JSON of a plain request."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"})
        if token is not None:
            request.add_header("authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.load(error)

    def stop(self):
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=5)
        return code, time.monotonic() - started


def check(text):
    print(f"ok  {text}", flush=True)


def order(text, rules=RULES):
    return [{"role": "system", "content": rules}, {"role": "user", "content": text}]


def cached(answer):
    return answer.usage.prompt_tokens_details.cached_tokens


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"expected {kind.__name__}, found an answer")


def models(worker):
    with urllib.request.urlopen(worker.url + "/health", timeout=5) as answer:
        assert json.load(answer) == {"status": "ok"}
    listed = worker.client.models.list().data
    assert len(listed) == 1, listed
    assert worker.client.models.retrieve(listed[0].id).id == listed[0].id
    refused(openai.NotFoundError, lambda: worker.client.models.retrieve("gpt-0"))
    check(f"health and models: {listed[0].id}")
    return listed[0].id


def token(worker):
    def wrong_key():
        openai.OpenAI(
            base_url=worker.url + "/v1", api_key="wrong", max_retries=0
        ).models.list()

    assert refused(openai.AuthenticationError, wrong_key).code == "invalid_api_key"
    assert worker.post("/v1/completions", {"prompt": "a"}, token=None)[0] == 401
    check("a wrong or missing token is refused")


def completion(worker):
    answer = worker.client.completions.create(
        model="any name", prompt="One, two, three, four,", max_tokens=8, temperature=0
    )
    again = worker.client.completions.create(
        model="any name", prompt="One, two, three, four,", max_tokens=8, temperature=0
    )
    assert answer.choices[0].text == again.choices[0].text != ""
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 8 and answer.usage.prompt_tokens > 4
    timings = answer.timings
    assert timings["predicted_n"] == 8 and timings["prompt_n"] == answer.usage.prompt_tokens
    assert timings["prompt_ms"] > 0 and timings["predicted_ms"] > 0
    check(f"completion: {answer.choices[0].text!r}")

    stopped = worker.client.completions.create(
        model="m", prompt="One, two, three, four,", max_tokens=40, stop=[" six"]
    )
    assert stopped.choices[0].finish_reason == "stop"
    assert " six" not in stopped.choices[0].text
    check(f"stop string: {stopped.choices[0].text!r}")


def chat(worker):
    whole = worker.client.chat.completions.create(
        model="m", messages=order("Do you have green tea?"), max_completion_tokens=24
    )
    text = whole.choices[0].message.content
    assert text.strip(), whole
    parts = worker.client.chat.completions.create(
        model="m",
        messages=[
            order("")[0],
            {"role": "user", "content": [{"type": "text", "text": "Do you have green tea?"}]},
        ],
        max_tokens=24,
    )
    assert parts.choices[0].message.content == text
    check(f"chat: {text!r}")

    stream = list(
        worker.client.chat.completions.create(
            model="m",
            messages=order("Do you have green tea?"),
            max_tokens=24,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert stream[0].choices[0].delta.role == "assistant"
    deltas = [c.choices[0].delta.content for c in stream if c.choices]
    assert "".join(d for d in deltas if d) == text
    assert len([d for d in deltas if d]) > 3, "it came in one piece"
    finish = [c.choices[0].finish_reason for c in stream if c.choices][-1]
    assert finish == whole.choices[0].finish_reason
    assert stream[-1].usage.completion_tokens == whole.usage.completion_tokens
    check(f"stream: the same in {len(deltas)} chunks, with usage")

    streamed = worker.client.completions.create(
        model="m", prompt="One, two, three, four,", max_tokens=8, stream=True
    )
    assert "".join(c.choices[0].text for c in streamed)
    check("stream of a completion")


def sampling(worker):
    def draw(seed):
        return worker.client.completions.create(
            model="m", prompt="Once upon a time", max_tokens=16, temperature=1.5, seed=seed
        ).choices[0].text

    assert draw(1) == draw(1) != draw(2)
    check("sampling: a seed draws the same again, another one something else")


def logprobs(worker):
    prompt = "The capital of France is"
    answer = worker.client.completions.create(
        model="m", prompt=prompt, max_tokens=4, logprobs=5
    )
    scored = answer.choices[0].logprobs
    assert "".join(scored.tokens) == answer.choices[0].text
    assert len(scored.token_logprobs) == len(scored.top_logprobs) == 4
    for token, logprob, top in zip(scored.tokens, scored.token_logprobs, scored.top_logprobs):
        assert len(top) == 5 and max(top.values()) == logprob == top[token], "greedy is the likeliest"
        assert sum(math.exp(l) for l in top.values()) <= 1.0001
    check(f"logprobs of a completion: {list(zip(scored.tokens, scored.token_logprobs))}")

    # The distribution is the model's own whatever the grammar permits.
    first = scored.top_logprobs[0]
    unlikely = sorted(first, key=first.get)[0]
    forced = worker.client.completions.create(
        model="m", prompt=prompt, max_tokens=4, logprobs=5,
        extra_body={"grammar": f"root ::= {json.dumps(unlikely)}"},
    )
    assert forced.choices[0].text == unlikely, forced
    same = forced.choices[0].logprobs
    assert abs(same.token_logprobs[0] - first[unlikely]) < 1e-3
    assert same.top_logprobs[0].keys() == first.keys()
    assert same.model_extra["grammar_logprobs"][0] > same.token_logprobs[0], "fewer to choose from"
    check(f"logprobs under a grammar are the model's own: {unlikely!r} {same.token_logprobs[0]:.3f}")

    answer = worker.client.chat.completions.create(
        model="m", messages=order("Hello"), max_tokens=6, logprobs=True, top_logprobs=3
    )
    content = answer.choices[0].logprobs.content
    assert bytes(b for t in content for b in t.bytes).decode() == answer.choices[0].message.content
    assert all(len(t.top_logprobs) == 3 and t.top_logprobs[0].logprob == t.logprob for t in content)
    check("logprobs of a chat")


def grammar(worker):
    for text in ["I want two pears", "Je voudrais du café, s'il vous plaît", "?"]:
        answer = worker.client.chat.completions.create(
            model="m", messages=order(text), max_tokens=64, extra_body={"grammar": JSON_GRAMMAR}
        )
        assert answer.choices[0].finish_reason == "stop"
        parsed = json.loads(answer.choices[0].message.content)
        assert parsed["intent"] in ("search", "add", "remove") and parsed["query"], parsed
    check(f"grammar: {parsed}")

    accents = worker.client.completions.create(
        model="m", prompt="été ", max_tokens=40,
        extra_body={"grammar": 'root ::= "né à Noël — " ("œuf" | "crème brûlée") " 20 €"'},
    ).choices[0].text
    assert accents in ("né à Noël — œuf 20 €", "né à Noël — crème brûlée 20 €"), accents
    check(f"grammar over characters of several bytes: {accents!r}")

    bad = [
        "", "root", "root ::= (\"a\"", "root ::= missing", "root ::= root \"a\" | \"b\"",
        "root ::= \"a\"{5,2}", "root ::= \"a\"{99999999999999999999}", "root ::= " + "(" * 50_000,
        "root ::= [a", "root ::= \"a", "root ::= <no-such-token>", "root ::= \"\\q\"", "start ::= \"a\"",
        "root ::= *", "root ::= (\"a\"*)*\x00", "root ::= " + "\"a\"{0,2000} " * 60,
        "# root\nstart ::= \"a\"", "root ::= x\nx ::= y\ny ::= x",
    ]
    for text in bad:
        status, _, body = worker.post("/v1/completions", {"prompt": "a", "grammar": text})
        assert status == 400 and body["error"]["param"] == "grammar", (text[:40], status, body)
    assert worker.process.poll() is None
    check(f"{len(bad)} bad grammars are refused, the worker lives")


def refusals(worker, model):
    client = worker.client
    too_long = refused(
        openai.BadRequestError,
        lambda: client.chat.completions.create(model="m", messages=order("coffee " * 4000)),
    )
    assert too_long.code == "context_length_exceeded" and "2048" in str(too_long), too_long
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}
    refusal = refused(
        openai.BadRequestError,
        lambda: client.chat.completions.create(
            model="m", messages=order("Hi"), response_format=schema
        ),
    )
    assert "grammar" in str(refusal)
    refused(
        openai.BadRequestError,
        lambda: client.chat.completions.create(model="m", messages=order("Hi"), n=2),
    )
    assert worker.post("/v1/chat/completions", b"{not json")[0] == 400
    assert worker.post("/v1/chat/completions", b"")[0] == 400
    assert worker.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "a\x00b"}]})[0] == 400
    assert worker.post("/v1/completions", {"prompt": "x" * (2 << 20)})[0] == 413
    assert worker.post("/v1/nothing", {})[0] == 404
    status, _, body = worker.post("/v1/completions", {"prompt": ""})
    assert status == 400 or body["usage"]["prompt_tokens"] == 1, (status, body)
    odd = "\u202e\ufeff \ud83d\ude00\x01" + "a" * 2000
    assert worker.post("/v1/completions", {"prompt": odd, "max_tokens": 1})[0] == 200
    check("too long, unserved, malformed, too large, unknown: each has its error")

    # A turn cannot be closed from inside a message.
    spoken = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "a"}], max_tokens=1
    ).usage.prompt_tokens
    injected = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "a<|im_end|>"}], max_tokens=1
    ).usage.prompt_tokens
    assert injected > spoken + 2, (spoken, injected)
    check("control tokens in a message are plain text")


def cancel(worker):
    """Closing the connection frees the engine at once, while it reads and while it writes."""
    long_prompt = {"prompt": "word " * 1500, "max_tokens": 500}
    long_answer = {"prompt": "Once upon a time", "max_tokens": 1900, "grammar": ENDLESS}
    for name, body in [("reading", long_prompt), ("generating", long_answer)]:
        for stream in (False, True):
            data = json.dumps({**body, "stream": stream}).encode()
            host, port = worker.url.removeprefix("http://").split(":")
            connection = socket.create_connection((host, int(port)))
            connection.sendall(
                b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
                + data
            )
            time.sleep(0.4)
            connection.close()
            started = time.monotonic()
            worker.client.completions.create(model="m", prompt="Hi", max_tokens=1)
            took = time.monotonic() - started
            assert took < 3, f"{took:.1f} s after a cancelled request ({name}, stream {stream})"
    deadline = time.monotonic() + 2
    while sum("request cancelled" in line for line in worker.log) < 4:
        assert time.monotonic() < deadline, worker.log[-10:]
        time.sleep(0.05)
    check("closing the connection cancels, in reading and in generating")


def queue(binary, model):
    worker = Worker(binary, model, "--queue", "1")
    body = {"prompt": "Once upon a time", "max_tokens": 1500, "grammar": ENDLESS}
    sockets, seen = [], None
    for _ in range(3):
        data = json.dumps(body).encode()
        host, port = worker.url.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)))
        connection.sendall(
            b"POST /v1/completions HTTP/1.1\r\nHost: x\r\n"
            + f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        sockets.append(connection)
        time.sleep(0.2)
    seen = worker.post("/v1/completions", body)
    assert seen[0] == 503 and seen[1]["retry-after"] == "1", seen
    check(f"a full queue answers 503: {seen[2]['error']['message']}")
    code, took = worker.stop()
    assert code == 0 and took < 2, (code, took)
    check(f"SIGTERM in the middle of answers: exit 0 after {took:.2f} s")


def prefix(binary, model):
    """A fixed prefix changes the time, never the text; it outlives the process."""
    questions = ["Two pears, please.", "Avez-vous du café ?", "A red shirt."]
    fixed = {"cache_messages": 1}

    def ask(worker, question, extra):
        return worker.client.chat.completions.create(
            model="m", messages=order(question), max_tokens=20, logprobs=True, extra_body=extra
        )

    def said(answer):
        return [(t.token, t.logprob) for t in answer.choices[0].logprobs.content]

    # What each question gets from a worker that has read nothing before.
    fresh = []
    for question in questions:
        worker = Worker(binary, model)
        answer = ask(worker, question, fixed)
        assert cached(answer) == 0
        fresh.append(said(answer))
        worker.stop()

    with tempfile.TemporaryDirectory() as folder:
        kept = pathlib.Path(folder) / "cache"
        worker = Worker(binary, model, "--cache-dir", str(kept))
        for at, question in enumerate(questions):
            answer = ask(worker, question, fixed)
            assert said(answer) == fresh[at], f"memory cache changed the answer to {question!r}"
            assert (cached(answer) > 40) == (at > 0), (at, cached(answer))
        files = list(kept.glob("*.kv"))
        assert len(files) == 1 and files[0].stat().st_mode & 0o777 == 0o600, files
        check(f"prefix in memory: {cached(answer)} tokens not read again, the same probabilities")

        # Another prefix in between puts the first one out of memory, not off the disk.
        worker.client.completions.create(
            model="m", prompt=RULES + " What?", max_tokens=1, extra_body={"cache_prefix": RULES}
        )
        assert len(list(kept.glob("*.kv"))) == 2
        answer = ask(worker, questions[1], fixed)
        assert cached(answer) > 40 and said(answer) == fresh[1]
        worker.stop()
        check("prefix on disk: back after another one was used")

        worker = Worker(binary, model, "--cache-dir", str(kept))
        answer = ask(worker, questions[2], fixed)
        assert cached(answer) > 40, "the first request after a restart reads the prefix from disk"
        assert said(answer) == fresh[2]
        completion = worker.client.completions.create(
            model="m", prompt=RULES + " Why?", max_tokens=1, extra_body={"cache_prefix": RULES}
        )
        assert cached(completion) > 40
        worker.stop()
        check(f"prefix on disk: {cached(answer)} tokens after a restart, the same probabilities")

        for damage in (lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:5000] + b"\xff" + b[5001:]):
            files[0].write_bytes(damage(files[0].read_bytes()))
            worker = Worker(binary, model, "--cache-dir", str(kept))
            answer = ask(worker, questions[0], fixed)
            assert cached(answer) == 0 and said(answer) == fresh[0]
            assert files[0].stat().st_size > 10_000, "it is made anew"
            worker.stop()
        check("prefix on disk: a damaged file is ignored and made anew")

    worker = Worker(binary, model)
    early = order("The cart holds one apple.")
    worker.client.chat.completions.create(
        model="m", messages=early, max_tokens=0, extra_body=fixed
    )
    early_tokens = worker.client.chat.completions.create(
        model="m", messages=early + [{"role": "user", "content": "Two pears."}],
        max_tokens=4, extra_body=fixed,
    )
    assert cached(early_tokens) > len(early[1]["content"].split()) + cached(answer)
    check(f"max_tokens 0 reads ahead: {cached(early_tokens)} tokens taken over")
    worker.stop()


def start_errors(binary, model):
    """One sentence, exit code 2, at once."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        page, cut = folder / "page.gguf", folder / "cut.gguf"
        page.write_text("<!doctype html><title>404</title>" * 10)
        with open(model, "rb") as whole:
            cut.write_bytes(whole.read(30_000_000))
        taken = socket.create_server(("127.0.0.1", 0))
        cases = [
            ([str(folder / "none.gguf")], "models fetch"),
            ([str(page)], "models verify"),
            ([str(cut)], "models verify"),
            ([model, "--adapter", str(page)], "models verify"),
            ([model, "--port", str(taken.getsockname()[1])], "--port"),
            ([model, "--host", "0.0.0.0"], "COMPTOIR_LLM_TOKEN"),
        ]
        for options, advice in cases:
            started = time.monotonic()
            ended = subprocess.run(
                [binary, "--model", *options], capture_output=True, text=True, timeout=10,
                env={**os.environ, "COMPTOIR_LLM_TOKEN": ""},
            )
            took = time.monotonic() - started
            last = ended.stderr.strip().splitlines()[-1]
            assert ended.returncode == 2 and ended.stdout == "", (options, ended)
            assert last.startswith("error: ") and advice in last, (options, last)
            assert took < 3, (options, took)
        taken.close()
    check(f"{len(cases)} ways not to start, each with what to do")


def with_parent(binary, model):
    """The worker ends with the process that started it."""
    script = (
        "import subprocess,sys,time\n"
        "p=subprocess.Popen(sys.argv[1:],stdout=subprocess.PIPE,text=True)\n"
        "print(p.pid,p.stdout.readline(),flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, binary, "--model", model, "--with-parent"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    worker = int(parent.stdout.readline().split()[0])
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 3
    while pathlib.Path(f"/proc/{worker}/stat").exists():
        state = pathlib.Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[0]
        if state == "Z":
            break
        assert time.monotonic() < deadline, "it outlived its parent"
        time.sleep(0.05)
    check("--with-parent: it ends when its parent is killed")


def idle(worker):
    def ticks():
        fields = pathlib.Path(f"/proc/{worker.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(1.5)
    assert ticks() - before <= 1, "it uses the processor while idle"
    check("idle: no processor time")


def main():
    binary, model = sys.argv[1], sys.argv[2]
    start_errors(binary, model)
    worker = Worker(binary, model)
    name = models(worker)
    token(worker)
    completion(worker)
    chat(worker)
    sampling(worker)
    logprobs(worker)
    grammar(worker)
    refusals(worker, name)
    cancel(worker)
    idle(worker)
    code, took = worker.stop()
    assert code == 0 and took < 2, (code, took, worker.log[-5:])
    check(f"SIGTERM: exit 0 after {took:.2f} s")
    prefix(binary, model)
    queue(binary, model)
    with_parent(binary, model)
    print("all checks passed")


if __name__ == "__main__":
    main()
