#!/usr/bin/env python3
"""Judges results of the containment corpus.

corpus-results.py --missing FULL.json               prints the ids of checks that gave no result, one a line
corpus-results.py --control BARE.json               prints how many checks were possible with no sandbox at all; exit status 1
                                                    when that run was incomplete, or so few that it was no bare run
corpus-results.py --bare BARE.json FULL.json [ALONE.json]...
                                                    prints a verdict; exit status 1 when a check reached what it must not, an
                                                    everyday action did not work, or a check failed, is still missing, or has
                                                    an outcome that is not known

A check that was not possible outside either says nothing about the sandbox: it is counted apart and named on a second line.
"""
import json
import sys

# What a result can be, and what a check can be about. Any other word is a corpus that this program does not understand.
OUTCOMES = {"contained", "reached", "error"}
OPEN_KINDS = {"utility", "meta"}
CLOSED_KINDS = {"boundary", "lifetime", "resource", "strict", "surface"}


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def words_unknown(rows):
    problems = [f"unknown outcome `{row['outcome']}`: {row['id']}" for row in rows if row["outcome"] not in OUTCOMES]
    return problems + [f"unknown kind `{row['kind']}`: {row['id']}" for row in rows if row["kind"] not in OPEN_KINDS | CLOSED_KINDS]


def score_problems(score):
    problems = [f"note of the harness: {note}" for note in score["notes"]]
    if score["timed_out"]:
        problems.append("the corpus ran into its time limit")
    if score["unparsable_lines"]:
        problems.append(f"{score['unparsable_lines']} lines of the probe were not understood")
    return problems


def control(path):
    """The run without a sandbox -> (ids that were possible, ids that were not, problems)"""
    result = load(path)
    problems = words_unknown(result["rows"]) + score_problems(result["score"])
    problems += [f"missing in the bare run: {name}" for name in result["score"]["missing"]]
    problems += [f"error in the bare run: {row['id']}: {row['detail']}" for row in result["rows"] if row["outcome"] == "error"]
    checks = {row["id"]: row["outcome"] == "reached" for row in result["rows"] if row["kind"] in CLOSED_KINDS}
    possible = {name for name, reached in checks.items() if reached}
    if 2 * len(possible) <= len(checks):
        problems.append(f"only {len(possible)} of {len(checks)} checks were possible in the bare run: was there a sandbox around it?")
    return possible, set(checks) - possible, problems


def judge(bare, paths):
    possible, impossible, problems = control(bare)
    full = load(paths[0])
    rows = {row["id"]: row for row in full["rows"]}
    for path in paths[1:]:
        for row in load(path)["rows"]:
            rows.setdefault(row["id"], row)
    problems += words_unknown(rows.values()) + score_problems(full["score"])
    problems += [f"missing: {name}" for name in full["score"]["missing"] if name not in rows]
    problems += [f"possible outside and without a result here: {name}" for name in sorted(possible) if name not in rows]
    contained = everyday = 0
    unproven = []
    for row in rows.values():
        kind, outcome = row["kind"], row["outcome"]
        if kind == "meta":
            continue
        if outcome == "error":
            problems.append(f"error: {row['id']}: {row['detail']}")
        elif kind == "utility" and outcome == "reached":
            everyday += 1
        elif kind == "utility":
            problems.append(f"does not work: {row['id']}: {row['detail']}")
        elif outcome == "reached":
            problems.append(f"REACHED: {row['id']}: {row['detail']}")
        elif outcome == "contained" and row["id"] in possible:
            contained += 1
        elif outcome == "contained" and row["id"] in impossible:
            unproven.append(row["id"])
        elif outcome == "contained":
            problems.append(f"no positive control: {row['id']}")
    if not contained or not everyday:
        problems.append("the corpus is empty")
    if problems:
        return problems
    verdict = f"{contained} contained that were possible outside, {everyday} everyday actions work"
    if unproven:
        verdict += f"; {len(unproven)} prove nothing\nnot possible outside either: {' '.join(sorted(unproven))}"
    return verdict


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--missing":
        print("\n".join(load(arguments[1])["score"]["missing"]))
        return 0
    if len(arguments) == 2 and arguments[0] == "--control":
        possible, impossible, problems = control(arguments[1])
        print("\n".join(problems) if problems else f"{len(possible)} of {len(possible | impossible)} checks are possible with no sandbox")
        return 1 if problems else 0
    if len(arguments) >= 3 and arguments[0] == "--bare":
        verdict = judge(arguments[1], arguments[2:])
        print(verdict if isinstance(verdict, str) else "\n".join(verdict))
        return 0 if isinstance(verdict, str) else 1
    print(__doc__, file=sys.stderr)
    return 64


sys.exit(main(sys.argv[1:]))
