#!/usr/bin/env python3
"""comptoir-stt against an independent client: the Python package `wyoming`.

usage: stt_wyoming.py BINARY MODEL

Needs the package `wyoming` and the program espeak-ng. Prints a line a check; exits 1 when one
fails.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioStart, wav_to_chunks
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.event import async_read_event, async_write_event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong

BINARY, MODEL = sys.argv[1:3]
ENGLISH = ("en", "I want to return the blue shoes, please", ["return", "blue", "shoes"])
FRENCH = ("fr", "Merci beaucoup, au revoir.", ["merci", "revoir"])
failures = 0


def check(what: str, holds: bool, found: object = "") -> None:
    global failures
    failures += not holds
    print(f"{'ok  ' if holds else 'FAIL'} {what}" + ("" if holds else f": found {found}"), flush=True)


def speak(folder: Path, voice: str, text: str) -> Path:
    path = folder / f"{voice}.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", "140", "-w", str(path), text], check=True)
    return path


def events(path: Path, language: str | None, context: dict | None = None):
    yield Transcribe(language=language, context=context).event()
    with wave.open(str(path)) as recording:
        for chunk in wav_to_chunks(recording, 1024, start_event=True, stop_event=True):
            yield chunk.event()


async def transcribe(client: AsyncClient, path: Path, language: str | None, context=None):
    for event in events(path, language, context):
        await client.write_event(event)
    return await asyncio.wait_for(client.read_event(), 60)


class Worker:
    """The worker at a URI; `uri` is the one it says it serves."""

    def __init__(self, uri: str) -> None:
        command = [BINARY, "--model", MODEL, "--uri", uri, "--with-parent"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.uri = self.process.stdout.readline().removeprefix("ready ").strip()

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


async def talk(worker: Worker, english: Path, french: Path) -> None:
    async with AsyncClient.from_uri(worker.uri) as client:
        await client.write_event(Describe().event())
        info = Info.from_event(await client.read_event())
        languages = info.asr[0].models[0].languages
        check("describe names a model with en and fr", languages == ["en", "fr"], info)
        await client.write_event(Ping(text="a").event())
        pong = Pong.from_event(await client.read_event())
        check("ping is answered with its text", pong.text == "a", pong)

    for path, (language, _, words) in ((english, ENGLISH), (french, FRENCH)):
        for given in (language, None):
            async with AsyncClient.from_uri(worker.uri) as client:
                answer = Transcript.from_event(await transcribe(client, path, given))
            said = answer.text.lower()
            how = "given" if given else "detected"
            check(f"{language}, language {how}: the words", all(w in said for w in words), said)
            check(f"{language}, language {how}: the language", answer.language == language, answer)
            sure = answer.context
            check(f"{language}, language {how}: is sure of it", sure["language_prob"] > 0.5, sure)
            check("no speech is improbable", sure["no_speech_prob"] < 0.7, sure)
            check("log probability is one", -1.5 < sure["avg_logprob"] < 0, sure)

    async with AsyncClient.from_uri(worker.uri) as client:
        answer = Transcript.from_event(await transcribe(client, english, "fr"))
        sure = answer.context["language_prob"]
        check("English taken for French is noticed", sure < 0.3, answer)

    async with AsyncClient.from_uri(worker.uri) as client:
        event = await transcribe(client, english, "xx")
        refused = Error.is_type(event.type) and "en, fr" in Error.from_event(event).text
        check("an unknown language is refused with those known", refused, event)


async def cancel(worker: Worker, english: Path) -> None:
    for _ in range(3):
        client = AsyncClient.from_uri(worker.uri)
        await client.connect()
        for event in events(english, None):
            await client.write_event(event)
        await client.disconnect()
    async with AsyncClient.from_uri(worker.uri) as client:
        await client.write_event(AudioStart(rate=16000, width=2, channels=1).event())
    async with AsyncClient.from_uri(worker.uri) as client:
        answer = Transcript.from_event(await transcribe(client, english, "en"))
        check("serves on after four clients that went", "shoes" in answer.text.lower(), answer)


async def stdio(english: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        BINARY, "--model", MODEL, "--uri", "stdio://",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )
    for event in events(english, "en"):
        await async_write_event(event, process.stdin)
    # All is said: the answer has to come though the input has ended.
    process.stdin.close()
    answer = Transcript.from_event(await asyncio.wait_for(async_read_event(process.stdout), 60))
    check("stdio: the words", "shoes" in answer.text.lower(), answer)
    check("stdio: ends with its input", await asyncio.wait_for(process.wait(), 10) == 0)


def refusals(folder: Path) -> None:
    damaged = folder / "damaged.bin"
    with open(MODEL, "rb") as model:
        damaged.write_bytes(model.read(1_000_000))
    for what, model in (("missing", folder / "none.bin"), ("damaged", damaged), ("wrong", __file__)):
        began = time.monotonic()
        command = [BINARY, "--model", str(model), "--uri", "tcp://127.0.0.1:0"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        quick = time.monotonic() - began < 2
        lines = done.stderr.strip().splitlines()
        clear = len(lines) == 1 and lines[0].startswith("error: ") and "models fetch" in lines[0]
        check(f"a {what} model is refused, clearly and quickly", done.returncode == 2 and clear and quick,
              (done.returncode, done.stderr))


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        english, french = (speak(folder, voice, text) for voice, text, _ in (ENGLISH, FRENCH))
        refusals(folder)

        socket = folder / "stt.sock"
        worker = Worker(f"unix://{socket}")
        check("unix: ready", worker.uri == f"unix://{socket}", worker.uri)
        check("unix: the socket is ours alone", socket.stat().st_mode & 0o777 == 0o600)
        asyncio.run(talk(worker, english, french))
        asyncio.run(cancel(worker, english))
        time.sleep(1)
        before = worker.cpu_seconds()
        time.sleep(2)
        used = worker.cpu_seconds() - before
        check("idle uses no CPU", used <= 0.02, f"{used} s in 2 s")
        check("SIGTERM: exits 0", worker.stop() == 0)
        check("SIGTERM: the socket is gone", not socket.exists())

        worker = Worker("tcp://127.0.0.1:0")
        asyncio.run(cancel(worker, english))
        check("tcp: exits 0", worker.stop() == 0)

        asyncio.run(stdio(english))
    print(f"{failures} failed" if failures else "all passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
