"""Shows a run report (glovebox.run/1) for people, or answers a question about it with the exit code.

receipt.py REPORT [--layers]          every layer with its detail, or the names only
receipt.py REPORT --has KIND VALUE    violation SYSCALL, outcome KIND
"""
import json
import sys


def clean(text):
    return "".join(c if c.isprintable() else "?" for c in str(text))


def row(label, text):
    print(f"{label:<9} {clean(text)}")


def outcome_text(outcome):
    kind = outcome["kind"]
    detail = {
        "exited": lambda: f"exited with code {outcome['code']}",
        "signaled": lambda: f"killed by {outcome['name']}",
        "timed_out": lambda: f"timed out after {outcome['limit_ms'] / 1000:g} s",
    }.get(kind, lambda: outcome.get("message", kind))
    return detail()


def show(report, with_layers):
    usage = report["usage"]
    row("outcome", outcome_text(report["outcome"]))
    row("used", f"{usage['wall_us'] / 1e6:.2f} s, {usage['cpu_us'] / 1e6:.2f} s of processor time, "
                f"{usage['peak_memory_bytes'] / 2**20:.1f} MiB, {usage['created_files']} names created")
    for violation in report["violations"]:
        times = f"{violation['count']} times " if violation["count"] > 1 else ""
        row("refused", f"{times}{violation['syscall']}: {violation['answer']}, {violation['reason']}")
    if report["violations_dropped"]:
        row("refused", f"and {report['violations_dropped']} more calls")
    for hit in report["limit_hits"]:
        row("limited", f"{hit['limit']} {hit['value']}: {hit['detail']}")
    row("policy", f"{report['policy']['name']} {report['policy']['hash'][:19]}…")
    by_state = {}
    for entry in report["receipt"]:
        by_state.setdefault(entry["state"], []).append(entry)
    for state, entries in by_state.items():
        if with_layers or state != "enforced":
            for entry in entries:
                row(state, f"{entry['layer']:<18} {entry['detail']}")
        else:
            row(state, ", ".join(entry["layer"] for entry in entries))


def has(report, kind, value):
    if kind == "violation":
        return any(violation["syscall"] == value for violation in report["violations"])
    return report["outcome"]["kind"] == value


with open(sys.argv[1], encoding="utf-8") as file:
    content = json.load(file)
if sys.argv[2:3] == ["--has"]:
    sys.exit(0 if has(content, sys.argv[3], sys.argv[4]) else 1)
show(content, "--layers" in sys.argv[2:])
