"""Reads the hand-written sentences (`written/LANG/*.txt`, the form of LABELS.md)."""

import re
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
LANGUAGES = ("en", "fr")


@dataclass
class Row:
    """One labelled utterance: as spoken, with its commands in wire form."""

    id: str
    lang: str
    text: str
    wire: str
    context: dict = field(default_factory=dict)
    # The label repairs a word that speech recognition mangled.
    repair: bool = False

    def jsonl(self):
        """The row as `comptoir understand --examples` reads it."""
        return {"id": self.id, "lang": self.lang, "text": self.text, "wire": self.wire, "context": self.context}


def context_of(text):
    """`asked: How many?; shown: A / B` as the interpreter's context."""
    context = {}
    for part in filter(None, (p.strip() for p in text.split(";"))):
        key, _, value = part.partition(":")
        value = value.strip()
        if key == "shown":
            context["last_results"] = [v.strip() for v in value.split("/") if v.strip()]
        elif key == "cart":
            context["cart"] = [v.strip() for v in value.split("/") if v.strip()]
        elif value:
            context[key] = value
    return context


def read_line(id, lang, line):
    """One line, or None where it is a comment."""
    line = line.strip()
    if not line or line.startswith("#"):
        return None
    text, _, wire = line.partition(" => ")
    repair = text.startswith("~")
    text = text.lstrip("~ ")
    bracket = re.match(r"\[([^\]]*)\]\s*(.+)", text)
    context, text = (context_of(bracket[1]), bracket[2]) if bracket else ({}, text)
    return Row(id, lang, text.strip(), wire.strip(), context, repair)


def read_all(folder=HERE / "written"):
    """Every sentence, in the order of the files."""
    rows = []
    for lang in LANGUAGES:
        for path in sorted((folder / lang).glob("*.txt")):
            for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                row = read_line(f"{lang}/{path.stem}:{n}", lang, line)
                if row:
                    rows.append(row)
    return rows
