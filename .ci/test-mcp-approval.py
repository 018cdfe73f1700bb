#!/usr/bin/env python3
"""Asks people through the forms of MCP clients: the official Python SDK of both generations against a wrapped server and against
Glovebox's own tools.

    test-mcp-approval.py GLOVEBOX_RUNTIME LEGACY_VENV MODERN_VENV

As test-mcp.py. Exit status 1 when something does not hold.
"""
import asyncio
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PATIENCE = 240

SERVER = """
from {module} import {kind} as Server
server = Server("demo")

@server.tool()
def write(path: str) -> str:
    "Writes."
    open(path, "a").write("x")
    return "wrote " + path

@server.tool()
def read(path: str) -> str:
    "Reads."
    return open(path).read()

server.run()
"""

LOCAL = "version: 1\nname: {0}-local\nextends: {0}\nask: {{channel: local}}\n"


def expect(condition, sentence, more=""):
    if not condition:
        raise SystemExit(f"test-mcp-approval: {sentence} {more}")


def words(runtime, place, venv, policy):
    return [runtime, "mcp", "run", "--policy", policy, "--name", "demo", "--workspace", f"{place}/workspace",
            "--allow", f"filesystem:host:{venv}=read,execute", "--ask", "mcp:demo:write", "--", f"{venv}/bin/python3", "server.py"]


def serving(runtime, place, policy):
    return [runtime, "mcp", "serve", "--policy", policy, "--workspace", f"{place}/served", "--ask", "filesystem:workspace:*=write"]


def environment(place):
    return {"PATH": "/usr/bin:/bin", "HOME": f"{place}/home", "XDG_STATE_HOME": f"{place}/state"}


class Person:
    """Fills in forms, or is a client that does so by itself."""

    def __init__(self, make, answers):
        self.make, self.answers, self.seen = make, list(answers), []

    async def __call__(self, context, params):
        self.seen.append(params.message)
        action, decision = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return self.make(action=action, content={"decision": decision} if decision else None)


def facts(meta):
    return (meta or {}).get("glovebox/decision")


YES, NO, DECLINED, CLOSED, OTHER = (
    ("accept", "allow_once"), ("accept", "deny"), ("decline", None), ("cancel", None), ("accept", "allow_always"))


async def converse(connect, make, wrapped, runtime, place):
    """What holds in every version. `connect(person, command)` is a context whose value calls: (is_error, text, facts)."""
    person = Person(make, [YES])
    async with connect(person, wrapped("python")) as call:
        expect(await call("write", {"path": "once"}) == (False, "wrote once", None), "an agreed call did not come through")
        expect(len(person.seen) == 1 and "`write`" in person.seen[0] and 'path: "once"' in person.seen[0] and "demo" in person.seen[0],
               "the form does not say what is asked:", person.seen)
        person.answers = [DECLINED]
        failed, text, meta = await call("write", {"path": "once"})
        expect(len(person.seen) == 2 and failed and meta["decision"] == "deny", "a yes was good twice:", text)
        person.answers = [NO, CLOSED, OTHER]
        for name in ("no", "closed", "other"):
            failed, text, meta = await call("write", {"path": name})
            expect(failed and meta["decision"] == "deny" and "did not make this call" in text, f"{name}: a call came through:", text)
        expect(await call("read", {"path": "once"}) == (False, "x", None), "another call was held up")

    person = Person(make, [YES])
    async with connect(person, wrapped(f"{place}/python-local.yaml")) as call:
        failed, text, meta = await call("write", {"path": "local"})
        expect(failed and meta["decision"] == "ask" and meta["channel"] == "local" and meta["command"] in text, "no local words:", text)
        expect(person.seen == [], "a form was shown whose answer does not count")
        subprocess.run([runtime, *meta["command"].split()[1:], "--yes"], env=environment(place), check=True, capture_output=True,
                       timeout=PATIENCE)
        expect((await call("write", {"path": "local"}))[:2] == (False, "wrote local"), "a local yes did not count")
        expect((await call("write", {"path": "local"}))[2]["decision"] == "ask", "a local yes was good twice")

    async with connect(None, wrapped("python")) as call:
        failed, text, meta = await call("write", {"path": "nobody"})
        expect(failed and meta["decision"] == "ask" and "glovebox human approve" in text, "no words without forms:", text)

    # A client that answers by itself gets so far and no further.
    person = Person(make, [YES])
    async with connect(person, wrapped("python")) as call:
        results = [await call("write", {"path": f"auto{index}"}) for index in range(8)]
        expect(sum(not failed for failed, _, _ in results) <= 6 and "people are asked no more" in results[7][1],
               "a client answered as much as it liked:", results[7])


async def serve(connect, make, runtime, place):
    """The same of our own tools: a call names a file, and what may be asked about is writing it."""
    def write(call, name):
        return call("write_text_file", {"path": name, "text": "x"})

    def there(name):
        return pathlib.Path(place, "served", name).exists()

    person = Person(make, [YES, DECLINED])
    async with connect(person, serving(runtime, place, "workspace")) as call:
        failed, text, _ = await write(call, "once")
        expect(not failed and there("once"), "serve: an agreed call was not made:", text)
        expect("write_text_file" in person.seen[0] and 'path: "once"' in person.seen[0], "serve: the form does not say what:", person.seen)
        failed, text, meta = await write(call, "once")
        expect(failed and len(person.seen) == 2 and meta["decision"] == "deny", "serve: a yes was good twice:", text)
        for name, answer in [("no", NO), ("closed", CLOSED), ("other", OTHER)]:
            person.answers = [answer]
            failed, text, meta = await write(call, name)
            expect(failed and not there(name) and meta["decision"] == "deny", f"serve: {name}: a call was made:", text)

    person = Person(make, [YES])
    async with connect(person, serving(runtime, place, f"{place}/workspace-local.yaml")) as call:
        failed, text, meta = await write(call, "local")
        expect(failed and meta["decision"] == "ask" and person.seen == [], "serve: a form was shown whose answer does not count:", text)
        subprocess.run([runtime, *meta["command"].split()[1:], "--yes"], env=environment(place), check=True, capture_output=True,
                       timeout=PATIENCE)
        failed, text, _ = await write(call, "local")
        expect(not failed and there("local"), "serve: a local yes did not count:", text)

    async with connect(None, serving(runtime, place, "workspace")) as call:
        failed, text, meta = await write(call, "nobody")
        expect(failed and not there("nobody") and meta["decision"] == "ask", "serve: no words without forms:", text)


async def legacy(runtime, place, venv):
    import contextlib

    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
    from mcp.types import ElicitResult

    @contextlib.asynccontextmanager
    async def connect(person, line):
        async with stdio_client(StdioServerParameters(command=line[0], args=line[1:], env=environment(place))) as streams:
            async with ClientSession(*streams, elicitation_callback=person) as client:
                await client.initialize()

                async def call(tool, arguments):
                    result = await client.call_tool(tool, arguments)
                    return result.isError, result.content[0].text, facts(result.meta)

                yield call

    await converse(connect, ElicitResult, lambda policy: words(runtime, place, venv, policy), runtime, place)
    await serve(connect, ElicitResult, runtime, place)


async def modern(runtime, place, venv, mode):
    import contextlib

    from mcp import Client, StdioServerParameters, stdio_client
    from mcp_types import ElicitResult

    @contextlib.asynccontextmanager
    async def connect(person, line):
        streams = stdio_client(StdioServerParameters(command=line[0], args=line[1:], env=environment(place)))
        async with Client(streams, elicitation_callback=person, **({"mode": mode} if mode else {})) as client:

            async def call(tool, arguments):
                result = await client.call_tool(tool, arguments)
                return result.is_error, result.content[0].text, facts(result.meta)

            expect((client.protocol_version == "2026-07-28") == (mode is None), "another version was spoken:", client.protocol_version)
            yield call

    await converse(connect, ElicitResult, lambda policy: words(runtime, place, venv, policy), runtime, place)
    await serve(connect, ElicitResult, runtime, place)


def drive(era, runtime, place, venv):
    if era == "legacy":
        asyncio.run(asyncio.wait_for(legacy(runtime, place, venv), PATIENCE))
    else:
        asyncio.run(asyncio.wait_for(modern(runtime, place, venv, None if era == "modern" else "legacy"), PATIENCE))


def audited(runtime, place, era):
    def run(*more):
        return subprocess.run([runtime, "audit", *more, "--workspace", f"{place}/workspace"], env=environment(place), check=True,
                              capture_output=True, text=True, timeout=PATIENCE).stdout

    run("verify")
    records = [entry["record"] for entry in json.loads(run("list", "--json", "--limit", "10000"))["records"]]
    answers = [record["decision"] for record in records if record["action"] == "mcp.approval_answer"]
    questions = [record["decision"] for record in records if record["action"] == "mcp.approval_question"]
    expect(sum(answer["counted"] and answer["answer"] == "allow_once" for answer in answers) >= 2, "answers are not on record:", answers)
    expect(all(answer["channel"].startswith("mcp client ") and answer["trusted"] for answer in answers), "channels are not on record")
    expect({question["route"] for question in questions} == {"local", "input_required" if era == "modern" else "elicitation"},
           "questions are not on record:", questions)
    expect(any(not question["trusted"] for question in questions), "what is not trusted is not on record")


def main():
    runtime, environments = os.path.abspath(sys.argv[1]), [os.path.abspath(path) for path in sys.argv[2:4]]
    for era, venv, module, kind in [
        ("legacy", environments[0], "mcp.server.fastmcp", "FastMCP"), ("modern", environments[1], "mcp.server.mcpserver", "MCPServer"),
        ("handshake", environments[1], "mcp.server.mcpserver", "MCPServer"),
    ]:
        with tempfile.TemporaryDirectory(prefix="glovebox-mcp-") as place:
            os.chmod(place, 0o755)
            workspace = pathlib.Path(place, "workspace")
            workspace.mkdir()
            (workspace / "server.py").write_text(SERVER.format(module=module, kind=kind))
            pathlib.Path(place, "served").mkdir()
            for policy in ("python", "workspace"):
                pathlib.Path(place, f"{policy}-local.yaml").write_text(LOCAL.format(policy))
            done = subprocess.run([f"{venv}/bin/python3", __file__, "--drive", era, runtime, place, venv], timeout=2 * PATIENCE)
            expect(done.returncode == 0, f"{era}: failed")
            expect((workspace / "once").read_text() == "x" and (workspace / "local").read_text() == "x", f"{era}: not once")
            expect(not any((workspace / name).exists() for name in ("no", "closed", "other", "nobody")), f"{era}: an unagreed call was made")
            audited(runtime, place, era)
            print(f"test-mcp-approval: {era}: holds", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--drive"]:
        drive(*sys.argv[2:])
    else:
        main()
