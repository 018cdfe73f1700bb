#!/usr/bin/env python3
"""Judges results of the containment corpus.

corpus-results.py --missing FULL.json        prints the ids of checks that gave no result, one a line
corpus-results.py FULL.json [ALONE.json]...  prints a verdict; exit status 1 when a check reached what it must not, an
                                             everyday action did not work, or a check failed or is still missing
"""
import json
import sys


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


if sys.argv[1] == "--missing":
    print("\n".join(load(sys.argv[2])["score"]["missing"]))
    sys.exit(0)

full = load(sys.argv[1])
rows = {row["id"]: row for row in full["rows"]}
for path in sys.argv[2:]:
    for row in load(path)["rows"]:
        rows.setdefault(row["id"], row)

problems = [f"missing: {name}" for name in full["score"]["missing"] if name not in rows]
problems += [f"note of the harness: {note}" for note in full["score"]["notes"]]
if full["score"]["timed_out"]:
    problems.append("the corpus ran into its time limit")
contained = everyday = 0
for row in rows.values():
    kind, outcome = row["kind"], row["outcome"]
    if outcome == "error":
        problems.append(f"error: {row['id']}: {row['detail']}")
    elif kind == "utility" and outcome != "reached":
        problems.append(f"does not work: {row['id']}: {row['detail']}")
    elif kind not in ("utility", "meta") and outcome == "reached":
        problems.append(f"REACHED: {row['id']}: {row['detail']}")
    elif kind == "utility":
        everyday += 1
    elif kind != "meta":
        contained += 1
if not contained or not everyday:
    problems.append("the corpus is empty")
print("\n".join(problems) if problems else f"{contained} contained, {everyday} everyday actions work")
sys.exit(1 if problems else 0)
