#!/usr/bin/env python3
"""usage: lint.py FILE...  - checks hand-written lines against LABELS.md's form, prints a summary."""
import collections, re, sys, unicodedata
SEARCH = "query color size brand material category min max occasion for sort without".split()
T = {
 "search": SEARCH, "refine": SEARCH + ["page"], "details": ["item", "nth", "about"], "compare": ["items", "nth"],
 "recommend": ["item", "occasion", "for", "query", "max"], "add": ["item", "nth", "qty", "color", "size", "brand", "with"],
 "options": ["item", "nth", "with", "size", "color"], "quantity": ["item", "nth", "qty"], "remove": ["item", "nth", "qty"],
 "cart": [], "clear": [], "checkout": ["method", "get", "place", "at"], "track": ["order", "item"], "history": ["item"],
 "reorder": ["order", "item"], "cancel": ["order", "item"], "return": ["item", "order", "why"],
 "exchange": ["item", "order", "color", "size"], "payment": ["order", "problem"], "store": ["topic"],
 "promo": ["query", "code"], "loyalty": ["action"], "book": ["service", "on", "at"], "move": ["on", "at"], "unbook": [],
 "notify": ["item", "order"], "human": [], "feedback": ["score"], "privacy": ["privacy"], "language": ["language"],
 "explain": [], "help": [], "repeat": [], "speech": ["volume", "rate"], "undo": [], "select": ["item", "nth"],
 "yes": [], "no": [], "stop": [], "hello": [], "thanks": [], "bye": [], "none": []}
W = {"about": "price description reviews stock sizes colors ingredients dimensions warranty location other",
 "sort": "price_asc price_desc rating newest", "page": "next previous", "method": "card cash link counter",
 "get": "pickup delivery", "place": "on_site takeaway",
 "why": "damaged wrong_item wrong_size not_as_described changed_mind late other",
 "problem": "declined charged_twice refund_missing other",
 "topic": "hours location delivery returns payment warranty contact parking other", "action": "balance join rewards",
 "privacy": "forget_me export explain consent refuse", "volume": "up down", "rate": "slower faster", "score": "1 2 3 4 5"}
INTENTS = set("""search_product refine_search product_details compare_products recommend add_to_cart change_options set_quantity
remove_from_cart view_cart clear_cart checkout track_order order_history reorder cancel_order return_item exchange_item payment_problem
store_info promotions loyalty book_appointment change_appointment cancel_appointment notify_me talk_to_human feedback privacy
change_language select""".split())
PAT = {"nth": r"-?[1-9]\d?(, -?[1-9]\d?)*", "qty": r"\d{1,4}", "min": r"\d{1,6}(\.\d\d?)?", "max": r"\d{1,6}(\.\d\d?)?",
 "order": r"[A-Z0-9]{2,20}", "code": r"[A-Z0-9]{2,20}", "at": r"\d\d:\d\d", "language": r"[a-z]{2}"}
def fold(s):
    s = unicodedata.normalize("NFD", s.lower().replace("œ", "oe"))
    return "".join(c for c in s if unicodedata.category(c) != "Mn")
def one(cmd, said):
    parts = [p.strip() for p in cmd.split(";")]
    name, _, first = parts[0].partition(" ")
    if name not in T: return f"unknown command {name!r}"
    slots = []
    if first:
        if not T[name]: return f"{name} takes no value"
        slots.append((T[name][0], first))
    for p in parts[1:]:
        l, _, v = p.partition(" ")
        if l not in T[name][0 if l == "nth" else 1:]: return f"{name} has no slot {l!r} here"
        slots.append((l, v))
    order = [T[name].index(l) for l, _ in slots]
    if order != sorted(set(order)): return "slots out of order or twice: " + " ".join(T[name])
    for l, v in slots:
        if not v: return f"{l} without a value"
        if l in W:
            if v not in W[l].split(): return f"{l}: {v!r} is none of {W[l]}"
        elif l in PAT:
            if not re.fullmatch(PAT[l], v): return f"{l}: {v!r} does not look right"
        elif l not in ("on", "size"):
            if v != v.lower(): return f"{l}: lower case"
            for w in re.findall(r"[^\W\d_]{4,}", fold(v)):
                if w[:4] not in said: return f"{l}: {w!r} was not said (say it, or mark the line with a leading ~ if it is a repair)"
    return None
seen, n, bad, count = {}, 0, 0, collections.Counter()
for path in sys.argv[1:]:
    for i, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.strip()
        if not line or line.startswith("#"): continue
        n += 1
        say = lambda why: print(f"{path}:{i}: {why}\n    {line}")
        text, arrow, wire = line.partition(" => ")
        if not arrow: say("no ' => '"); bad += 1; continue
        repair = text.startswith("~"); text = text.lstrip("~ ")
        m = re.match(r"\[([^\]]*)\]\s*(.+)", text)
        ctx, words = (m.group(1), m.group(2)) if m else ("", text)
        wrong = None
        for part in filter(None, (p.strip() for p in ctx.split(";"))):
            k, _, v = part.partition(":")
            if k not in ("asked", "pending", "shown", "cart", "clock"): wrong = f"context part {k!r}"
            if k == "pending" and v.strip() not in INTENTS: wrong = f"pending: {v.strip()!r} is no intent"
        key = (fold(ctx), re.sub(r"\W+", " ", fold(words)).strip())
        if key in seen: wrong = f"the same sentence as {seen[key]}"
        seen[key] = f"{path}:{i}"
        said = fold(text) if not repair else " " .join([fold(text), fold(wire)])
        cmds = wire.split(" | ")
        if len(cmds) > 4: wrong = "more than 4 commands"
        for c in cmds:
            wrong = wrong or one(c.strip(), said)
            count[c.split()[0].rstrip(";") if c.split() else "?"] += 1
        if wrong: say(wrong); bad += 1
print(f"{n} lines, {bad} wrong"); print("  ".join(f"{k} {v}" for k, v in count.most_common()))
sys.exit(bad > 0)
