#!/usr/bin/env python3
"""usage: apart.py  - takes out of written/ every sentence that is like one of a test set.

Two sentences are alike when seven in ten of their different words are the same; the same rule
as in tests/nlu_sentences.rs. Sentences of fewer than five words are left: "yes please" has no
other wording.
"""
import json
import re
import unicodedata

from written import HERE, LANGUAGES, read_line

ALIKE = 0.7


def words(text):
    text = unicodedata.normalize("NFD", text.lower().replace("œ", "oe").replace("æ", "ae"))
    text = "".join(c for c in text if unicodedata.category(c) != "Mn")
    return set(re.findall(r"[^\W_]+", text))


def main():
    tests = HERE.parent.parent / "tests" / "nlu"
    tested = [words(json.loads(line)["text"]) for path in sorted([*tests.glob("test.*.jsonl"), *tests.glob("second.*.jsonl")])
              for line in path.open(encoding="utf-8")]
    tested = [w for w in tested if len(w) >= 5]
    for lang in LANGUAGES:
        for path in sorted((HERE / "written" / lang).glob("*.txt")):
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = []
            for line in lines:
                row = read_line("", lang, line)
                mine = words(row.text) if row else set()
                alike = len(mine) >= 5 and any(len(mine & t) >= ALIKE * len(mine | t) for t in tested)
                if alike:
                    print(f"{path.name}: {row.text}")
                else:
                    kept.append(line)
            if len(kept) < len(lines):
                path.write_text("".join(kept), encoding="utf-8")


main()
