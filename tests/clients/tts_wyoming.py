#!/usr/bin/env python3
"""Checks comptoir-tts with the `wyoming` package, a client that is not ours.

usage: tts_wyoming.py COMPTOIR_TTS_BINARY LANG=VOICE... [--ort PATH]

The voices are given as to --voice of comptoir-tts; English and French are needed. Starts the
worker itself, prints one line a check, exits non-zero at the first failure. The check of an old
ONNX Runtime builds a small library with `cc`.
"""

import array
import asyncio
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.event import async_read_event, async_write_event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

ENGLISH = "Your total is three pounds fifty. Shall I place the order?"
FRENCH = "Très bien, c'est ajouté. Le total est de quatre-vingt-dix euros. On continue ?"
OLD_RUNTIME = """
struct base { const void *(*api)(unsigned); const char *(*version)(void); };
static const void *api(unsigned v) { return 0; }
static const char *version(void) { return "1.16.3"; }
static const struct base it = { api, version };
const struct base *OrtGetApiBase(void) { return &it; }
"""


class Worker:
    """comptoir-tts under test."""

    def __init__(self, binary, voices, uri, *options):
        arguments = [binary, "--uri", uri, *options]
        for voice in voices:
            arguments += ["--voice", voice]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("ready "), f"expected `ready URI`, found {line!r}"
        self.uri = line.split()[1]

    def stop(self):
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=10)
        return code, time.monotonic() - began

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Speech:
    """What came back for a text."""

    def __init__(self):
        self.start, self.chunks, self.stop, self.error = None, [], None, None
        self.first_ms = None
        self.stopped = False

    @property
    def samples(self):
        return array.array("h", b"".join(chunk.audio for chunk in self.chunks))

    @property
    def seconds(self):
        return len(self.samples) / self.start.rate

    @property
    def peak(self):
        return max((abs(s) for s in self.samples), default=0) / 32768

    async def listen(self, read, until=AudioStop):
        began = time.monotonic()
        while True:
            event = await asyncio.wait_for(read(), 60)
            assert event is not None, "the connection closed before the end"
            if AudioStart.is_type(event.type):
                self.start = AudioStart.from_event(event)
            elif AudioChunk.is_type(event.type):
                self.chunks.append(AudioChunk.from_event(event))
                self.first_ms = self.first_ms or (time.monotonic() - began) * 1000
            elif AudioStop.is_type(event.type):
                self.stop = AudioStop.from_event(event)
            elif Error.is_type(event.type):
                self.error = Error.from_event(event)
                return self
            elif SynthesizeStopped.is_type(event.type):
                self.stopped = True
            if until.is_type(event.type):
                return self


async def say(uri, text, **voice):
    async with AsyncClient.from_uri(uri) as client:
        wanted = SynthesizeVoice(**voice) if voice else None
        await client.write_event(Synthesize(text=text, voice=wanted).event())
        return await Speech().listen(client.read_event)


def check(what, found=""):
    print(f"ok  {what}{': ' if found else ''}{found}", flush=True)


def is_speech(speech, least, most):
    assert speech.error is None, speech.error
    assert (speech.start.width, speech.start.channels) == (2, 1)
    assert all(chunk.rate == speech.start.rate for chunk in speech.chunks)
    assert least <= speech.seconds <= most, f"{speech.seconds:.2f} s of audio"
    assert 0.3 <= speech.peak <= 0.97, f"peak {speech.peak:.2f}"
    samples = speech.samples
    assert abs(samples[0]) < 300 and abs(samples[-1]) < 300, "a click at an end"
    return f"{speech.seconds:.2f} s at {speech.start.rate} Hz, peak {speech.peak:.2f}, " \
           f"first audio after {speech.first_ms:.0f} ms"


async def speaks(uri, voices):
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Describe().event())
        info = Info.from_event(await client.read_event())
        known = {voice.name: voice.languages for voice in info.tts[0].voices}
        languages = [voice.partition("=")[0] for voice in voices]
        assert sum(known.values(), []) == languages, known
        assert info.tts[0].supports_synthesize_streaming
        check("info lists the voices with their languages", known)
        # The same connection answers again.
        await client.write_event(Ping(text="encore").event())
        assert Pong.from_event(await client.read_event()).text == "encore"
        check("ping")

    check("English", is_speech(await say(uri, ENGLISH, language="en"), 2.0, 6.0))
    check("French", is_speech(await say(uri, FRENCH, language="fr_FR"), 3.0, 9.0))
    for name, languages in known.items():
        text = FRENCH if languages[0].startswith("fr") else ENGLISH
        check(f"{name} by its name", is_speech(await say(uri, text, name=name), 2.0, 9.0))
    short = await say(uri, "Oui.", language="fr")
    assert 0.1 < short.seconds < 1.5, short.seconds
    check("one word", f"{short.seconds:.2f} s")
    one = (await say(uri, "A coffee", language="en")).seconds
    three = (await say(uri, "A coffee. " * 3, language="en")).seconds
    assert 2.2 * one < three < 5 * one, (one, three)
    check("three sentences are three times as long", f"{one:.2f} s, {three:.2f} s")
    return known


async def is_told_off(uri, what, request, words):
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(request)
        event = await asyncio.wait_for(client.read_event(), 10)
        assert Error.is_type(event.type), event
        error = Error.from_event(event)
        assert words in error.text and error.code == "bad-request", error
        # The connection lives on.
        await client.write_event(Ping().event())
        assert Pong.is_type((await client.read_event()).type)
    check(what, error.text)


async def bad_input(uri):
    voice = SynthesizeVoice(name="nobody")
    await is_told_off(uri, "unknown voice", Synthesize("Hi", voice).event(), '"nobody"')
    voice = SynthesizeVoice(language="tlh")
    await is_told_off(uri, "unknown language", Synthesize("Hi", voice).event(), '"tlh"')
    await is_told_off(uri, "100,000 characters", Synthesize("a " * 50_000).event(), "100000")
    event = Synthesize("<speak>Hi</speak>").event()
    event.data["text_format"] = "ssml"
    await is_told_off(uri, "markup", event, "ssml")
    event = Synthesize("").event()
    del event.data["text"]
    await is_told_off(uri, "a request without text", event, "text")
    for text in ["", "  \n\t ", "🙂👍🏽", "\x00\x07\x1b"]:
        silent = await say(uri, text)
        assert silent.stop and not silent.chunks and not silent.error, (text, silent)
    check("nothing to say is said with no audio")
    odd = await say(uri, "Total\x00: \x1b[31m3.50\u202e 🙂 ok", language="en")
    is_speech(odd, 0.5, 6.0)
    check("control characters and emoji are left out", f"{odd.seconds:.2f} s")
    reader, writer = await asyncio.open_connection(*uri.removeprefix("tcp://").split(":"))
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert b'"error"' in await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    check("another protocol gets an error and no silence")


async def leaves_early(uri, worker):
    long = ENGLISH + " " + "Here is one more sentence, so that there is a lot to say. " * 60
    for _ in range(3):
        async with AsyncClient.from_uri(uri) as client:
            await client.write_event(Synthesize(long).event())
            while not AudioChunk.is_type((await client.read_event()).type):
                pass
    began = time.monotonic()
    is_speech(await say(uri, ENGLISH, language="en"), 2.0, 6.0)
    waited = time.monotonic() - began
    assert waited < 10, f"{waited:.1f} s: it still speaks to clients that have gone"
    check("closing in mid-speech ends it, the next is served", f"after {waited:.2f} s")
    both = await asyncio.gather(say(uri, ENGLISH, language="en"), say(uri, FRENCH, language="fr"))
    is_speech(both[0], 2.0, 6.0), is_speech(both[1], 3.0, 9.0)
    check("two at once")
    await asyncio.sleep(0.3)
    before = worker.cpu_seconds()
    await asyncio.sleep(3)
    used = worker.cpu_seconds() - before
    assert used <= 0.02, f"{used:.2f} s of CPU in 3 s of idling"
    check("idle it uses no CPU", f"{used * 1000:.0f} ms in 3 s")


async def streams(uri):
    async with AsyncClient.from_uri(uri) as client:
        voice = SynthesizeVoice(language="en")
        await client.write_event(SynthesizeStart(voice=voice).event())
        await client.write_event(SynthesizeChunk("It costs 3.").event())
        await client.write_event(SynthesizeChunk("50 pounds. Shall ").event())
        speech = Speech()
        await asyncio.wait_for(speech.listen(client.read_event, AudioChunk), 10)
        early = speech.first_ms
        await client.write_event(SynthesizeChunk("I place the order?").event())
        await client.write_event(Synthesize("It costs 3.50 pounds. Shall I place the order?").event())
        await client.write_event(SynthesizeStop().event())
        await speech.listen(client.read_event, SynthesizeStopped)
        is_speech(speech, 2.0, 7.0)
        assert speech.stop and speech.stopped
    check("text in pieces is spoken as it comes", f"first audio after {early:.0f} ms")


async def over_stdio(binary, voices, options):
    arguments = ["--uri", "stdio://", *options]
    for voice in voices:
        arguments += ["--voice", voice]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(binary, *arguments, stdin=pipe, stdout=pipe)
    request = Synthesize(ENGLISH, SynthesizeVoice(language="en")).event()
    await async_write_event(request, process.stdin)
    process.stdin.close()
    speech = await Speech().listen(lambda: async_read_event(process.stdout))
    found = is_speech(speech, 2.0, 6.0)
    code = await asyncio.wait_for(process.wait(), 10)
    assert code == 0, code
    check("stdio, until its input ends", found)


def refuses(binary, what, arguments, words, env=None):
    began = time.monotonic()
    ended = subprocess.run(
        [binary, "--uri", "tcp://127.0.0.1:0", *arguments],
        capture_output=True, text=True, timeout=10, env={**os.environ, **(env or {})},
    )
    took = time.monotonic() - began
    said = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert ended.returncode == 2, (ended.returncode, ended.stderr)
    assert len(said) == 1 and words in said[0], (words, ended.stderr)
    assert took < 2, f"{took:.1f} s"
    assert "ready" not in ended.stdout
    check(what, f"{took * 1000:.0f} ms, {said[0]}")


def refusals(binary, voices, options, folder):
    english = ["--voice", next(v for v in voices if v.startswith("en") and "kokoro:" not in v)]
    text = folder / "text.so"
    text.write_text("version https://git-lfs.github.com/spec/v1\n")
    missing = folder / "missing.so"
    with_ort = lambda path: [*english, "--ort", str(path)]
    refuses(binary, "a missing runtime", with_ort(missing), "No such file")
    refuses(binary, "a runtime that is text", with_ort(text), "not a shared library")
    refuses(binary, "the same by ORT_DYLIB_PATH", english, "not a shared library",
            {"ORT_DYLIB_PATH": str(text)})
    real = bytearray(pathlib.Path("/proc/self/exe").read_bytes()[:4096])
    real[18] = 8  # MIPS
    other = folder / "mips.so"
    other.write_bytes(real)
    refuses(binary, "a runtime for another processor", with_ort(other), "another processor")
    source = folder / "old.c"
    source.write_text(OLD_RUNTIME)
    old = folder / "old.so"
    compiler = shutil.which("cc")
    assert compiler, "cc is needed to build an old runtime; apt-get install gcc"
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", old, source], check=True)
    refuses(binary, "a runtime that is too old", with_ort(old), "1.16.3, 1.24 or later")
    cut = folder / "cut.so"
    cut.write_bytes(old.read_bytes()[:600])
    refuses(binary, "a runtime that is cut off", with_ort(cut), "cut off")

    model = english[1].partition("=")[2]
    refuses(binary, "a missing voice", [*options, "--voice", "en=/nowhere/joe.onnx"], "/nowhere")
    alone = folder / "alone.onnx"
    os.symlink(model, alone)
    refuses(binary, "a voice without its settings", [*options, "--voice", f"en={alone}"],
            "alone.onnx.json")
    damaged = folder / "damaged.onnx"
    damaged.write_bytes(pathlib.Path(model).read_bytes()[:100_000])
    shutil.copy(model + ".json", str(damaged) + ".json")
    refuses(binary, "a damaged voice", [*options, "--voice", f"en={damaged}"], "damaged.onnx")
    kokoro = next((v for v in voices if "kokoro:" in v), None)
    if kokoro:
        network = kokoro.partition("kokoro:")[2].rpartition(":")[0]
        voice = f"fr=kokoro:{network}:{damaged}"
        refuses(binary, "a style that is none", [*options, "--voice", voice], "Kokoro voice")
        style = kokoro.rpartition(":")[2]
        voice = f"fr=kokoro:{damaged}:{style}"
        refuses(binary, "a network that is cut off", [*options, "--voice", voice], "damaged.onnx")
    refuses(binary, "no espeak-ng data", [*english, *options, "--espeak-data", "/nowhere"],
            "espeak-ng-data")


async def main():
    binary, *rest = sys.argv[1:]
    binary = os.path.abspath(binary)
    options = []
    if "--ort" in rest:
        at = rest.index("--ort")
        options = rest[at : at + 2]
        del rest[at : at + 2]
    voices = rest
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        refusals(binary, voices, options, folder)

        socket = folder / "tts.sock"
        worker = Worker(binary, voices, f"unix://{socket}", *options)
        try:
            assert socket.stat().st_mode & 0o777 == 0o600
            found = is_speech(await say(f"unix://{socket}", ENGLISH, language="en"), 2.0, 6.0)
            check("a Unix socket of mode 0600", found)
            taken = [*options, "--voice", voices[0], "--uri", f"unix://{socket}"]
            second = subprocess.run([binary, *taken], capture_output=True, text=True, timeout=10)
            assert second.returncode == 2 and "in use" in second.stderr, second.stderr
            check("an address in use", second.stderr.strip().splitlines()[-1])
        finally:
            code, took = worker.stop()
        assert code == 0 and took < 2 and not socket.exists(), (code, took)
        check("SIGTERM ends it and removes the socket", f"{took * 1000:.0f} ms")

        worker = Worker(binary, voices, "tcp://127.0.0.1:0", *options)
        try:
            uri = worker.uri
            await speaks(uri, voices)
            await streams(uri)
            await bad_input(uri)
            await leaves_early(uri, worker)
            # Stopped in mid-speech.
            async with AsyncClient.from_uri(uri) as client:
                await client.write_event(Synthesize(FRENCH * 20, SynthesizeVoice(language="fr")).event())
                while not AudioChunk.is_type((await client.read_event()).type):
                    pass
                code, took = worker.stop()
            assert code == 0 and took < 3, (code, took)
            check("SIGTERM in mid-speech", f"{took * 1000:.0f} ms")
        finally:
            worker.process.kill()
        english = [voice for voice in voices if voice.startswith("en")][:1]
        await over_stdio(binary, english, options)
    check("all", f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    asyncio.run(main())
