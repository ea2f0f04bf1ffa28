#!/usr/bin/env python3
"""Trains the LoRA adapter.

usage: train.py --data DIR --base GGUF --out FILE.pt [--minutes N]

Loss on the target only; logits at target positions only, over the tokens that the data uses
and some thousand others: of 262,144 tokens the rest would only cost time. On two CPU cores
(bf16) about 700 tokens a second.
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import gguf
import torch
import torch.nn.functional as F

from base import LAYERS, adapt, load

BOS, EOS = 2, 1
OTHERS = 12_000


def read(path, tokenizer):
    rows = [json.loads(line) for line in open(path, encoding="utf-8")]
    prompts = tokenizer([r["prompt"] for r in rows], add_special_tokens=False).input_ids
    targets = tokenizer([r["target"] for r in rows], add_special_tokens=False).input_ids
    return [([BOS] + p, t + [EOS]) for p, t in zip(prompts, targets)]


def length(pair):
    return len(pair[0]) + len(pair[1])


def batches(pairs, tokens, rng):
    """An epoch: batches of like lengths, at most so many tokens each, in random order."""
    order = list(range(len(pairs)))
    rng.shuffle(order)
    out = []
    for start in range(0, len(order), 2048):
        current = []
        for i in sorted(order[start : start + 2048], key=lambda i: length(pairs[i])):
            if current and length(pairs[i]) * (len(current) + 1) > tokens:
                out.append(current)
                current = []
            current.append(i)
        out.append(current)
    rng.shuffle(out)
    return out


class Loss:
    """Cross entropy of the targets over a part of the vocabulary."""

    def __init__(self, model, pairs, rng):
        used = {t for p, a in pairs for t in p + a}
        size = model.config.vocab_size
        others = [t for t in rng.sample(range(size), OTHERS) if t not in used]
        tokens = torch.tensor(sorted(used) + others)
        self.place = torch.full((size,), -1)
        self.place[tokens] = torch.arange(len(tokens))
        self.weight = model.lm_head.weight[tokens].clone().to(torch.bfloat16)
        self.model = model

    def __call__(self, pairs, smoothing=0.0):
        most = max(map(length, pairs)) - 1
        ids = torch.zeros(len(pairs), most, dtype=torch.long)
        rows, columns, answers = [], [], []
        for k, (prompt, target) in enumerate(pairs):
            whole = (prompt + target)[:-1]
            ids[k, : len(whole)] = torch.tensor(whole)
            rows += [k] * len(target)
            columns += range(len(prompt) - 1, len(prompt) - 1 + len(target))
            answers += target
        hidden = self.model.model(input_ids=ids).last_hidden_state[rows, columns]
        logits = F.linear(hidden.to(self.weight.dtype), self.weight).float()
        answers = self.place[torch.tensor(answers)]
        return F.cross_entropy(logits, answers, label_smoothing=smoothing), ids.numel(), len(answers)


def weights_of(path):
    """The weights of an adapter, as saved here or as export.py wrote them."""
    if path.suffix != ".gguf":
        return torch.load(path)["weights"]
    names = {name: layer for layer, name in LAYERS.items()}
    weights = {}
    for tensor in gguf.GGUFReader(path).tensors:
        _, layer, name, _, part = tensor.name.split(".")
        key = f"model.layers.{layer}.{names[name]}.{part.removeprefix('lora_').upper()}"
        weights[key] = torch.from_numpy(tensor.data.copy()).float()
    return weights


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--data", type=Path, required=True)
    args.add_argument("--base", type=Path, required=True)
    args.add_argument("--out", type=Path, required=True)
    args.add_argument("--minutes", type=float, default=40, help="of all threads at work: waiting and stopping do not count")
    args.add_argument("--hold", action="store_true", help="do not let the rate fall: another run goes on from here")
    args.add_argument("--dropout", type=float, default=0.0)
    args.add_argument("--rank", type=int, default=32)
    args.add_argument("--alpha", type=float, default=64)
    args.add_argument("--rate", type=float, default=8e-4)
    args.add_argument("--batch", type=int, default=1536, help="tokens a step")
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--begin", type=Path, help="an adapter (.pt, or .gguf as exported) to go on from")
    args.add_argument("--threads", type=int, default=2)
    args = args.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    rng = random.Random(args.seed)

    model, tokenizer = load(args.base)
    train, valid = read(args.data / "train.jsonl", tokenizer), read(args.data / "valid.jsonl", tokenizer)
    mean = sum(map(length, train)) / len(train)
    loss = Loss(model, train + valid, rng)
    weights = adapt(model, args.rank, args.alpha, args.dropout)
    print(f"{len(train)} examples of {mean:.0f} tokens, {len(loss.weight)} tokens in the loss, {sum(p.numel() for p in weights)} weights", flush=True)
    if args.begin:
        model.load_state_dict(weights_of(args.begin), strict=False)
    optimizer = torch.optim.AdamW(weights, lr=args.rate, weight_decay=0.0, betas=(0.9, 0.98))

    def clock():
        return time.process_time() / args.threads

    def validation():
        model.eval()
        with torch.no_grad():
            total = count = 0
            for batch in batches(valid, 4 * args.batch, random.Random(0)):
                value, _, n = loss([valid[i] for i in batch])
                total, count = total + value.item() * n, count + n
        model.train()
        return total / count

    def save(path):
        state = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
        torch.save({"weights": state, "rank": args.rank, "alpha": args.alpha}, path)

    begun, step, seen, tokens, average, told = clock(), 0, 0, 0, None, 0.0
    model.train()
    done = False
    while not done:
        for batch in batches(train, args.batch, rng):
            share = (clock() - begun) / 60 / args.minutes
            if share >= 1:
                done = True
                break
            fall = 1 if args.hold else 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share))
            rate = args.rate * min(1, (step + 1) / 40) * fall
            for group in optimizer.param_groups:
                group["lr"] = rate
            value, n, _ = loss([train[i] for i in batch])
            value.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step, seen, tokens = step + 1, seen + len(batch), tokens + n
            average = value.item() if average is None else 0.97 * average + 0.03 * value.item()
            if clock() - told > 30:
                told = clock()
                minutes = (told - begun) / 60
                print(f"{minutes:5.1f} min  step {step}  epoch {seen / len(train):.2f}  loss {average:.4f}  {tokens / (told - begun):.0f} tokens/s", flush=True)
            if step % 400 == 0:
                save(args.out)
                print(f"validation loss {validation():.4f}", flush=True)
    save(args.out)
    print(f"{step} steps, {seen / len(train):.2f} epochs, validation loss {validation():.4f}, {(clock() - begun) / 60:.0f} minutes", flush=True)


if __name__ == "__main__":
    main()
