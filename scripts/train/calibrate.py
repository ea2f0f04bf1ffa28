#!/usr/bin/env python3
"""Fits the curve from the model's probability to how often it is right (Platt scaling).

usage: calibrate.py REPORT.json OUT.toml

REPORT is `comptoir eval --nlu ... --json` over held-back sentences, with the curve of OUT set
to slope 1 and offset 0.
"""

import json
import math
import sys


def main():
    report, out = sys.argv[1:3]
    answers = json.load(open(report))["answers"]
    points = []
    for confidence, exact in answers:
        p = min(max(confidence, 1e-6), 1 - 1e-6)
        points.append((math.log(p / (1 - p)), exact))
    slope, offset = 1.0, 0.0
    # Newton's method on the log likelihood; two unknowns.
    for _ in range(50):
        g0 = g1 = h00 = h01 = h11 = 0.0
        for x, right in points:
            q = 1 / (1 + math.exp(-(slope * x + offset)))
            w = q * (1 - q)
            g0 += (right - q) * x
            g1 += right - q
            h00 += w * x * x
            h01 += w * x
            h11 += w
        det = h00 * h11 - h01 * h01
        if abs(det) < 1e-12:
            break
        slope += (h11 * g0 - h01 * g1) / det
        offset += (h00 * g1 - h01 * g0) / det
    with open(out, "w") as f:
        f.write(f"# Fitted by scripts/train/calibrate.py on {len(points)} held-back sentences.\n")
        f.write(f"slope = {slope:.4f}\noffset = {offset:.4f}\n")
    print(f"slope {slope:.3f}, offset {offset:.3f} on {len(points)} answers")


if __name__ == "__main__":
    main()
