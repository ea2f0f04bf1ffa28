"""Other words that sound like the ones said: "tourne vise" for "tournevis", "flower" for "flour".

What a recogniser makes of a word that it does not expect. The words are those of our own
sentences, as espeak-ng pronounces them; a stretch of speech is cut anew into words of the same
sound, or of nearly the same.
"""

import collections
import heapq
import re
import subprocess

ESPEAK = {"en": "en-gb", "fr": "fr-fr"}
# Sounds that are mistaken for each other; each group once.
NEAR = {
    "en": ["pb", "td", "kɡg", "fvθ", "szʃʒ", "mnŋ", "iɪ", "eɛæ", "aɑʌəɐ", "ɔoɒʊu", "lɹr", "ɜə", "vw"],
    "fr": ["pb", "td", "kɡg", "fv", "sz", "ʃʒ", "mnɲ", "iy", "eɛ", "øœə", "aɑ", "ɔo", "uo", "lʁ"],
}
# Sounds that come and go.
LIGHT = set("həjʔɹ")
# Least letters of a stretch that is worth it; most words of it.
LETTERS, WORDS = 5, 3


def sounds(text):
    """A string of IPA with one character a sound: no stress, no length, nasal vowels in capitals."""
    text = text.replace("ɑ̃", "Ɑ").replace("ɔ̃", "Ɔ").replace("ɛ̃", "Ɛ").replace("œ̃", "Ɛ").replace("tʃ", "ʧ").replace("dʒ", "ʤ")
    text = text.replace("əl", "l").replace("əʊ", "ɔ").replace("eɪ", "e").replace("aɪ", "A").replace("aʊ", "U").replace("ɔɪ", "O")
    return re.sub(r"[ˈˌː̩ʲ\-\s‿]|\(.*?\)", "", text)


def pronounce(words, lang):
    """{word: sounds} by espeak-ng, a sentence each so that each has its line."""
    asked = "".join(f"{w}.\n\n" for w in words)
    done = subprocess.run(["espeak-ng", "-q", "--ipa", "-v", ESPEAK[lang]], input=asked, capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.split("\n") if line.strip()]
    if len(lines) != len(words):
        raise SystemExit(f"espeak-ng said {len(lines)} lines for {len(words)} words of {lang}")
    return {w: sounds(line) for w, line in zip(words, lines)}


class Homophones:
    """Cuts what one language's words sound like into others of its words."""

    def __init__(self, texts, lang):
        self.lang = lang
        count = collections.Counter(w for t in texts for w in re.findall(r"[^\W\d_]+", t.lower()))
        words = sorted(w for w, n in count.items() if n >= 2 and (len(w) > 1 or w in "aày"))
        self.said = pronounce(words, lang)
        self.rare = {w: 0.0 if n >= 20 else 0.3 if n >= 5 else 0.6 for w, n in count.items()}
        self.trie = {}
        for word, said in self.said.items():
            if said:
                node = self.trie
                for sound in said:
                    node = node.setdefault(sound, {})
                node.setdefault("", []).append(word)
        self.near = collections.defaultdict(set)
        for group in NEAR[lang]:
            for a in group:
                self.near[a] |= set(group) - {a}

    def others(self, phrase, rng, most=6):
        """Up to so many other spellings of a phrase, the nearest in sound first."""
        words = phrase.lower().split()
        if any(w not in self.said for w in words):
            self.said.update(pronounce([w for w in words if w not in self.said], self.lang))
        goal = "".join(self.said[w] for w in words)
        budget = 0.12 * len(goal) + 0.5
        # (cost, place in the goal, words so far, node of the trie)
        queue, tie, found, seen = [(0.0, 0, 0, (), self.trie)], 0, [], collections.Counter()
        while queue and len(found) < most and tie < 30_000:
            cost, at, _, done, node = heapq.heappop(queue)
            if at == len(goal) and node is self.trie:
                if list(done) != words and " ".join(done) != phrase:
                    found.append(" ".join(done))
                continue
            key = (at, done, id(node))
            seen[key] += 1
            if seen[key] > 1:
                continue

            def push(extra, at, done, node):
                nonlocal tie
                tie += 1
                if cost + extra <= budget + 0.25 * len(done):
                    heapq.heappush(queue, (cost + extra, at, tie, done, node))

            for word in node.get("", []):
                same = 0.4 if word in words else 0.0
                push(0.25 + self.rare.get(word, 0.6) + same + 0.2 * rng.random(), at, (*done, word), self.trie)
            if len(done) >= len(words) + 3:
                continue
            if at < len(goal):
                sound = goal[at]
                if sound in node:
                    push(0, at + 1, done, node[sound])
                for other in self.near[sound]:
                    if other in node:
                        push(0.5, at + 1, done, node[other])
                if sound in LIGHT:
                    push(0.4, at + 1, done, node)
            for light in LIGHT:
                if light in node:
                    push(0.4, at, done, node[light])
        return found

    def mangled(self, text, rng):
        """The text with one to three stretches heard as other words, or None."""
        words = text.split()
        bare = [re.sub(r"^\W+|\W+$", "", w) for w in words]
        spans = []
        for start in range(len(words)):
            for size in range(1, WORDS + 1):
                part = bare[start : start + size]
                if len(part) == size and all(p.isalpha() for p in part) and sum(map(len, part)) >= LETTERS:
                    spans.append((start, size))
        rng.shuffle(spans)
        taken, changes, tries = set(), {}, 0
        for start, size in spans:
            if len(changes) >= 1 + rng.randrange(3) or tries > 6:
                break
            if taken & set(range(start, start + size)):
                continue
            tries += 1
            part = " ".join(bare[start : start + size])
            others = self.others(part, rng)
            if rng.random() < 0.25 and size == 1 and len(part) >= 7:
                at = rng.randrange(3, len(part) - 2)
                others = [f"{part[:at]} {part[at:]}"]
            if others:
                changes[start] = (size, rng.choice(others[:4]))
                taken |= set(range(start, start + size))
        if not changes:
            return None
        out, at = [], 0
        while at < len(words):
            size, other = changes.get(at, (1, None))
            out.append(other or words[at])
            at += size
        return " ".join(out)
