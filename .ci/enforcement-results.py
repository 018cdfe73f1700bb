#!/usr/bin/env python3
"""Reads a test run's result file and log; prints how many enforcement tests ran.

Exit status 1, with the reason, when there were none or when one of them was skipped or cancelled: a protection that was
not tested is not a protection that passed. A cancelled test looks like a passed one in the result file, so the log is read too.
So does a test with a known issue: those are gaps that wait to be mended, and each is named.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

SUITE = "SandboxEnforcementTests"

ran, skipped = [], []
for case in ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
    module = case.get("classname", "").split(".")[0]
    if module == SUITE:
        (skipped if case.find("skipped") is not None else ran).append(f"{case.get('classname')}/{case.get('name')}")
with open(sys.argv[2], encoding="utf-8", errors="replace") as log:
    lines = [line.strip() for line in log]
cancelled = [line for line in lines if re.search(r"\bTest .* was cancelled after ", line)]
known = [line for line in lines if re.search(r"\bTest .* with \d+ known issue|\bTest .* recorded a known issue", line)]

for name in skipped:
    print(f"ci: skipped: {name}", file=sys.stderr)
for line in cancelled:
    print(f"ci: {line}", file=sys.stderr)
for line in known:
    print(f"ci: {line}", file=sys.stderr)
if not ran:
    print("ci: no enforcement test ran", file=sys.stderr)
if skipped or cancelled or not ran:
    sys.exit(1)
print(len(ran))
