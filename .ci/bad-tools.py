#!/usr/bin/env python3
"""Runs the corpus of misbehaving tools under `glovebox run` and compares each with the corpus' own table of expectations.

    bad-tools.py GLOVEBOX CORPUS_DIRECTORY

The outcome is Glovebox's (a limit, a signal, an exit status); whether a finished tool's output is one good JSON frame is
decided by the corpus' strict reader. In every case: no process of the tool survives, and the verdict comes within two seconds
of the deadline. All tools of the corpus have to be there. Exit status 1 when one of them is not, or went otherwise.
"""
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

DEADLINE = 4
# A run that is not over by then is a failure of its own; nothing of it is waited for.
PATIENCE = 60
# Every number that the corpus has, so that an empty or a shortened folder is not a success.
NUMBERS = ["%02d" % number for number in range(1, 37)]
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


def end(pids, marker):
    """Ends what a run left behind, if it still is what it was found as."""
    for pid in pids:
        try:
            handle = os.pidfd_open(int(pid))
        except OSError:
            continue
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                if marker.encode() in file.read():
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
        except OSError:
            pass
        finally:
            os.close(handle)


def corpus_problems(names, expected):
    """What is wrong with the corpus itself: each number must have exactly one tool and one expectation."""
    problems = []
    found = [name[:2] for name in names]
    for number in NUMBERS:
        if found.count(number) != 1:
            problems.append("%d tools have the number %s" % (found.count(number), number))
        if not expected.get(number, [None])[0]:
            problems.append("no expectation for the number %s" % number)
    problems += ["unknown number: %s" % name for name in names if name[:2] not in NUMBERS]
    return problems


def run_tool(command, payload):
    """-> (standard output, standard error, whether it ended in time). Its processes end with this call."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        out, error = process.communicate(payload, timeout=PATIENCE)
        return out, error, True
    except subprocess.TimeoutExpired:
        return b"", b"", False
    finally:
        # The group's number belongs to it until its first process has been waited for.
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                stream.close()


def check_tool(glovebox, base, copies, name, payload, expectations):
    """-> (verdict, seconds, problems, explanation)"""
    workspace = os.path.join(base, "ws-" + name[:2])
    os.mkdir(workspace, 0o755)
    began = time.monotonic()
    out, error, in_time = run_tool(
        [glovebox, "run", "--policy", "workspace", "--workspace", workspace + ":rw", "--allow",
         "filesystem:host:%s=read,execute" % copies, "--timeout", "%ds" % DEADLINE, "--env", "BAD_TOOL_MAX_S=30", "--json", "--",
         os.path.join(copies, name)], payload)
    seconds = time.monotonic() - began
    try:
        if not in_time:
            raise ValueError("not over after %d s" % PATIENCE)
        report = json.loads(out)
        verdict, why = classify(report, expectations.strict_json)
    except (ValueError, KeyError) as problem:
        report, verdict, why = {}, "no report", repr(problem) + error.decode(errors="replace")[-200:]
    wanted = expectations.EXPECT[name[:2]][0]
    left = survivors(copies)
    problems = []
    if verdict not in wanted:
        problems.append("expected %s" % "/".join(sorted(wanted)))
    if left:
        problems.append("left %d processes" % len(left))
        end(left, copies)
    if seconds > DEADLINE + 2:
        problems.append("took %.1f s" % seconds)
    if name.startswith("20") and "stopped" not in report.get("stdout", {}).get("text", ""):
        problems.append("filled the disk")
    if name.startswith("06") and os.path.exists(os.path.join(workspace, "outlived.marker")):
        problems.append("the daemon outlived its run")
    return verdict, seconds, problems, why


def main():
    glovebox, corpus = sys.argv[1:3]
    expectations = load(corpus)
    tools = os.path.join(corpus, "bad_tools")
    names = sorted(name for name in os.listdir(tools) if name[:2].isdigit())
    wrong = corpus_problems(names, expectations.EXPECT)
    if wrong:
        print("\n".join("bad tools: the corpus is not whole: " + problem for problem in wrong))
        return 1
    base = tempfile.mkdtemp(prefix="glovebox-bad-tools-", dir="/srv" if os.access("/srv", os.W_OK) else None)
    try:
        os.chmod(base, 0o755)
        copies = os.path.join(base, "tools")
        shutil.copytree(tools, copies)
        payload = b'{"id":1,"pad":"' + b"p" * (1 << 20) + b'"}\n'
        passed = failed = 0
        for name in names:
            verdict, seconds, problems, why = check_tool(glovebox, base, copies, name, payload, expectations)
            passed, failed = passed + (not problems), failed + bool(problems)
            print("%-32s %-14s %4.1f s  %s" % (name, verdict, seconds, "; ".join(problems) or "as expected"),
                  why[:60] if problems else "", flush=True)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    if passed + failed != len(NUMBERS):
        print("bad tools: %d of %d ran" % (passed + failed, len(NUMBERS)))
        return 1
    print("bad tools: %d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


sys.exit(main())
