#!/usr/bin/env python3
"""Hand-written sentences as the real recogniser hears them: spoken by other voices than the
product's, with a little noise, and transcribed by Whisper.

usage: heard.py --comptoir BIN --out FILE [--share F]

One sentence in six by default, never one that is held back for validation. A line of FILE is
{"id","lang","said","text"}. Needs pico2wave, espeak-ng, flite and sox.
"""

import argparse
import difflib
import hashlib
import json
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prepare import held_back
from written import read_all

VOICES = {
    "en": [("pico", "en-GB"), ("pico", "en-US"), ("flite", "slt"), ("espeak", "en-gb"), ("flite", "rms")],
    "fr": [("pico", "fr-FR"), ("pico", "fr-FR"), ("pico", "fr-FR"), ("espeak", "fr-fr"), ("espeak", "fr-be")],
}
# Below this likeness of letters nobody could tell what was meant.
LEAST = 0.55


def digest(text):
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


def speak(row, folder):
    number = digest(row.id)
    engine, voice = VOICES[row.lang][number % len(VOICES[row.lang])]
    raw, out = folder / f"{number}.raw.wav", folder / f"{number}.wav"
    command = {
        "pico": ["pico2wave", "-l", voice, "-w", raw, row.text],
        "flite": ["flite", "-voice", voice, "-t", row.text, "-o", raw],
        "espeak": ["espeak-ng", "-v", voice, "-s", str(140 + number % 40), "-w", raw, row.text],
    }[engine]
    subprocess.run(command, check=True, capture_output=True)
    # Half a second of room before and after; speed and loudness as people differ.
    speed, gain = 0.92 + (number % 17) / 100, -12 + number % 9
    subprocess.run(
        ["sox", raw, "-r", "16000", "-c", "1", out, "gain", "-n", str(gain), "tempo", f"{speed:.2f}", "pad", "0.4", "0.5"],
        check=True,
        capture_output=True,
    )
    raw.unlink()
    return out


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--comptoir", required=True)
    args.add_argument("--out", type=Path, required=True)
    args.add_argument("--share", type=float, default=1 / 6)
    args = args.parse_args()
    rows = [r for r in read_all() if not held_back(r) and not r.repair and digest("h" + r.text) < 2**32 * args.share]
    with open(args.out, "w", encoding="utf-8") as out:
        for lang in ("fr", "en"):
            mine = [r for r in rows if r.lang == lang]
            for start in range(0, len(mine), 100):
                part = mine[start : start + 100]
                with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
                    files = list(pool.map(lambda r: speak(r, Path(folder)), part))
                    done = subprocess.run(
                        [args.comptoir, "transcribe", "--lang", lang, "--json", *files], capture_output=True, text=True, encoding="utf-8"
                    )
                    heard = {}
                    for line in done.stdout.splitlines():
                        answer = json.loads(line)
                        heard.setdefault(Path(answer["file"]).name, []).append(answer.get("text") or "")
                for row, file in zip(part, files):
                    text = " ".join(heard.get(file.name, [])).strip()
                    like = difflib.SequenceMatcher(None, row.text.lower(), text.lower()).ratio()
                    if text and like >= LEAST:
                        out.write(json.dumps({"id": row.id, "lang": lang, "said": row.text, "text": text}, ensure_ascii=False) + "\n")
                out.flush()
                print(f"{lang} {min(start + 100, len(mine))}/{len(mine)}", flush=True)


if __name__ == "__main__":
    main()
