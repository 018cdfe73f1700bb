#!/usr/bin/env python3
"""Runs the corpus of misbehaving tools under `glovebox run` and compares each with the corpus' own table of expectations.

    bad-tools.py GLOVEBOX CORPUS_DIRECTORY

The outcome is Glovebox's (a limit, a signal, an exit status); whether a finished tool's output is one good JSON frame is
decided by the corpus' strict reader. In every case: no process of the tool survives, and the verdict comes within two seconds
of the deadline.
"""
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

DEADLINE = 4
KINDS = {
    "timed_out": "timeout", "output_limit_exceeded": "output_limit", "signaled": "signaled", "cpu_exceeded": "timeout",
    "memory_exceeded": "signaled", "disk_exceeded": "exit_nonzero", "violation": "signaled",
}


def load(corpus):
    spec = importlib.util.spec_from_file_location("expectations", os.path.join(corpus, "check_bad_tools.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def classify(report, strict_json):
    outcome = report["outcome"]
    if outcome["kind"] != "exited":
        return KINDS.get(outcome["kind"], outcome["kind"]), ""
    if outcome["exit_code"] != 0:
        return "exit_nonzero", "exit %d" % outcome["exit_code"]
    out = report["stdout"]
    data = out["text"].encode() if "text" in out else __import__("base64").b64decode(out["base64"])
    good, why = strict_json(data)
    return ("ok" if good else "bad_frame"), why


def survivors(marker):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                if marker.encode() in file.read() and int(pid) != os.getpid():
                    found.append(pid)
        except OSError:
            pass
    return found


def main():
    glovebox, corpus = sys.argv[1:3]
    expectations = load(corpus)
    tools = os.path.join(corpus, "bad_tools")
    base = tempfile.mkdtemp(prefix="glovebox-bad-tools-", dir="/srv" if os.access("/srv", os.W_OK) else None)
    os.chmod(base, 0o755)
    copies = os.path.join(base, "tools")
    shutil.copytree(tools, copies)
    payload = b'{"id":1,"pad":"' + b"p" * (1 << 20) + b'"}\n'
    passed = failed = 0
    for name in sorted(os.listdir(copies)):
        if not name[:2].isdigit():
            continue
        workspace = os.path.join(base, "ws-" + name[:2])
        os.mkdir(workspace, 0o755)
        began = time.monotonic()
        run = subprocess.run(
            [glovebox, "run", "--policy", "workspace", "--workspace", workspace + ":rw", "--allow",
             "filesystem:host:%s=read,execute" % copies, "--timeout", "%ds" % DEADLINE, "--env", "BAD_TOOL_MAX_S=30", "--json", "--",
             os.path.join(copies, name)],
            input=payload, capture_output=True, timeout=60)
        seconds = time.monotonic() - began
        try:
            report = json.loads(run.stdout)
            verdict, why = classify(report, expectations.strict_json)
        except (ValueError, KeyError) as error:
            report, verdict, why = {}, "no report", repr(error) + run.stderr.decode(errors="replace")[-200:]
        wanted = expectations.EXPECT[name[:2]][0]
        left = survivors(copies)
        problems = []
        if verdict not in wanted:
            problems.append("expected %s" % "/".join(sorted(wanted)))
        if left:
            problems.append("left %d processes" % len(left))
        if seconds > DEADLINE + 2:
            problems.append("took %.1f s" % seconds)
        if name.startswith("20") and "stopped" not in report.get("stdout", {}).get("text", ""):
            problems.append("filled the disk")
        if name.startswith("06") and os.path.exists(os.path.join(workspace, "outlived.marker")):
            problems.append("the daemon outlived its run")
        passed, failed = passed + (not problems), failed + bool(problems)
        print("%-32s %-14s %4.1f s  %s" % (name, verdict, seconds, "; ".join(problems) or "as expected"), why[:60] if problems else "", flush=True)
    shutil.rmtree(base, ignore_errors=True)
    print("bad tools: %d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


sys.exit(main())
