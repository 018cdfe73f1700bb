#!/usr/bin/env python3
"""Drives wrapped MCP servers, and the tools that Glovebox serves itself, with the official Python SDK of both generations.

    test-mcp.py GLOVEBOX_RUNTIME LEGACY_VENV MODERN_VENV JUDGE_VENV

GLOVEBOX_RUNTIME is the built program, with the launcher and the worker beside it. The client of each environment runs under that
environment's own Python; the servers run in sandboxes that see their environment and a workspace of their own. What is served is also
given to a conformance checker and to a fuzzer, and every answer is held against the types of its version. Exit status 1 when something
does not hold.
"""
import asyncio
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PATIENCE = 120

SERVER = """
from {module} import {kind} as Server, Context
server = Server("demo")

@server.tool()
def add(a: int, b: int) -> int:
    "Adds."
    return a + b

@server.tool()
def remove(path: str) -> str:
    "Removes."
    return "removed " + path

@server.tool()
def write(path: str) -> str:
    "Writes."
    open(path, "a").write("x")
    return "wrote " + path

@server.tool()
async def steps(ctx: Context) -> str:
    "Tells of its progress."
    for step in (1, 2):
        await ctx.report_progress(step, 2)
    return "done"

server.run()
"""


def expect(condition, sentence, more=""):
    if not condition:
        raise SystemExit(f"test-mcp: {sentence} {more}")


def words(runtime, place, venv, name, options, command):
    return [runtime, "mcp", "run", "--policy", "python", "--name", name, "--workspace", f"{place}/workspace",
            "--allow", f"filesystem:host:{venv}=read,execute", *options, "--", f"{venv}/bin/python3", *command]


def environment(place):
    return {"PATH": "/usr/bin:/bin", "HOME": f"{place}/home", "XDG_STATE_HOME": f"{place}/state"}


async def converse(call, tools, runtime, place):
    """What holds in every version. `call(tool, arguments, progress=None)` gives (is_error, text, meta)."""
    expect({"add", "remove", "write", "steps"} <= tools, "tools are missing:", tools)
    expect(await call("add", {"a": 1, "b": 2}) == (False, "3", None), "a call did not come through")
    failed, text, meta = await call("remove", {"path": "x"})
    expect(failed and meta["decision"] == "deny" and "did not make this call" in text, "a denied call was not refused:", text)
    seen = []

    async def progress(now, total, message):
        seen.append(now)

    expect((await call("steps", {}, progress))[1] == "done" and seen == [1, 2], "progress did not come through:", seen)
    failed, text, meta = await call("write", {"path": "out"})
    expect(failed and meta["decision"] == "ask" and meta["command"] in text, "a call was not asked about:", text)
    subprocess.run([runtime, *meta["command"].split()[1:], "--yes"], env=environment(place), check=True, capture_output=True,
                   timeout=PATIENCE)
    expect((await call("write", {"path": "other"}))[2]["decision"] == "ask", "an approval was good for another call")
    expect((await call("write", {"path": "out"}))[:2] == (False, "wrote out"), "an approved call did not come through")
    expect((await call("write", {"path": "out"}))[2]["decision"] == "ask", "an approval was good twice")
    try:
        failed, text, meta = await call("nothing", {})
        expect(failed and meta is None, "an unknown tool was no error of the server's:", text)
    except Exception as error:
        expect("nothing" in str(error), "an unknown tool was another error:", error)


def facts(meta):
    return (meta or {}).get("glovebox/decision")


async def legacy(runtime, place, venv):
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    def session(name, options, command):
        line = words(runtime, place, venv, name, options, command)
        return stdio_client(StdioServerParameters(command=line[0], args=line[1:], env=environment(place)))

    async with session("demo", ["--deny", "mcp:demo:remove", "--ask", "mcp:demo:write"], ["server.py"]) as streams:
        async with ClientSession(*streams) as client:
            await client.initialize()

            async def call(tool, arguments, progress=None):
                result = await client.call_tool(tool, arguments, progress_callback=progress)
                return result.isError, result.content[0].text, facts(result.meta)

            await converse(call, {tool.name for tool in (await client.list_tools()).tools}, runtime, place)
            await client.send_ping()
    async with session("time", ["--deny", "mcp:time:convert_time"], ["-m", "mcp_server_time", "--local-timezone", "UTC"]) as streams:
        async with ClientSession(*streams) as client:
            await client.initialize()
            result = await client.call_tool("get_current_time", {"timezone": "UTC"})
            expect(not result.isError and "datetime" in result.content[0].text, "mcp-server-time gave no time")
            result = await client.call_tool("convert_time", {"source_timezone": "UTC", "time": "10:00", "target_timezone": "UTC"})
            expect(result.isError and facts(result.meta)["decision"] == "deny", "a denied tool of mcp-server-time was called")


async def modern(runtime, place, venv, mode):
    from mcp import Client, StdioServerParameters, stdio_client

    line = words(runtime, place, venv, "demo", ["--deny", "mcp:demo:remove", "--ask", "mcp:demo:write"], ["server.py"])
    streams = stdio_client(StdioServerParameters(command=line[0], args=line[1:], env=environment(place)))
    async with Client(streams, **({"mode": mode} if mode else {})) as client:

        async def call(tool, arguments, progress=None):
            result = await client.call_tool(tool, arguments, progress_callback=progress)
            return result.is_error, result.content[0].text, facts(result.meta)

        await converse(call, {tool.name for tool in (await client.list_tools()).tools}, runtime, place)
        expect((client.protocol_version == "2026-07-28") == (mode is None), "another version was spoken:", client.protocol_version)


def drive(era, runtime, place, venv):
    if era == "legacy":
        asyncio.run(asyncio.wait_for(legacy(runtime, place, venv), PATIENCE))
    else:
        asyncio.run(asyncio.wait_for(modern(runtime, place, venv, None if era == "modern" else "legacy"), PATIENCE))


def served_words(runtime, place, log, *options):
    """The server behind a recorder of everything that goes in and comes out."""
    return [sys.executable, os.path.abspath(__file__), "--record", log, runtime, "mcp", "serve", "--workspace", f"{place}/workspace",
            *options]


async def converse_served(call, tools, runtime, place, cancel):
    """`call(tool, arguments, progress=None)` gives (is_error, structured, meta)."""
    names = [tool for tool in tools]
    expect(names == sorted(names) and {"read_text_file", "run_shell_command", "echo"} <= set(names), "tools are missing:", names)
    failed, said, meta = await call("echo", {"text": "hé"})
    expect(not failed and said["result"] == {"text": "hé"} and said["audit_id"].startswith("audit_"), "a call did not come through:", said)
    failed, said, meta = await call("run_shell_command", {"argv": ["sh", "-c", "echo out; echo err >&2; exit 3"]})
    expect((said["exit_code"], said["stdout"], said["stderr"]) == (3, "out\n", "err\n"), "a command came back otherwise:", said)
    failed, said, meta = await call("write_text_file", {"path": ".env", "text": "x"})
    expect(failed and said["denial"]["reason"] and meta["decision"] == "deny", "a denied call was not refused:", said)
    failed, said, meta = await call("read_text_file", {"nothing": 1})
    expect(failed and said["denial"]["layer"] == "schema", "wrong arguments were no error of the tool:", said)
    seen = []

    async def progress(now, total, message):
        seen.append(now)

    await call("run_shell_command", {"argv": ["sleep", "2"]}, progress)
    expect(len(seen) >= 2 and seen == sorted(set(seen)), "progress did not increase:", seen)
    failed, said, meta = await call("delete_file", {"path": "doomed"})
    expect(failed and meta["decision"] == "ask" and said["approval"]["command"] == meta["command"], "a call was not asked about:", said)
    subprocess.run([runtime, *meta["command"].split()[1:], "--yes"], env=environment(place), check=True, capture_output=True,
                   timeout=PATIENCE)
    expect((await call("delete_file", {"path": "other"}))[2]["decision"] == "ask", "an approval was good for another call")
    expect(not (await call("delete_file", {"path": "doomed"}))[0], "an approved call did not come through")
    expect((await call("delete_file", {"path": "doomed"}))[2]["decision"] == "ask", "an approval was good twice")
    try:
        await call("nothing", {})
        expect(False, "an unknown tool was no error of the protocol")
    except Exception as error:
        expect("nothing" in str(error), "an unknown tool was another error:", error)
    await cancel()
    expect(not (await call("echo", {"text": "on"}))[0], "nothing came after a cancelled call")


async def cancelled(start, cancel):
    """Starts a call that takes long, waits until it is under way, and cancels it."""
    import anyio

    begun = anyio.Event()

    async def progress(now, total, message):
        begun.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(start, progress)
        await begun.wait()
        await cancel()
        tasks.cancel_scope.cancel()


SLOW = {"argv": ["sleep", "25"]}


async def serve_legacy(runtime, place, log):
    import mcp.types as types
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    line = served_words(runtime, place, log, "--ask", "filesystem:workspace:*=delete")
    async with stdio_client(StdioServerParameters(command=line[0], args=line[1:], env=environment(place))) as streams:
        async with ClientSession(*streams) as client:
            await client.initialize()

            async def call(tool, arguments, progress=None):
                result = await client.call_tool(tool, arguments, progress_callback=progress)
                if not result.content[0].text.startswith("{"):
                    raise ValueError(result.content[0].text)
                expect(json.loads(result.content[0].text) == result.structuredContent, "the text says something else")
                return result.isError, result.structuredContent, facts(result.meta)

            async def cancel():
                async def start(progress):
                    await client.call_tool("run_shell_command", SLOW, progress_callback=progress)

                async def notify():
                    await client.send_notification(types.ClientNotification(types.CancelledNotification(
                        method="notifications/cancelled",
                        params=types.CancelledNotificationParams(requestId=client._request_id - 1))))

                await cancelled(start, notify)

            tools = [tool.name for tool in (await client.list_tools()).tools]
            await converse_served(call, tools, runtime, place, cancel)
            await client.send_ping()


async def serve_modern(runtime, place, log, mode):
    from mcp import Client, StdioServerParameters, stdio_client

    line = served_words(runtime, place, log, "--ask", "filesystem:workspace:*=delete")
    streams = stdio_client(StdioServerParameters(command=line[0], args=line[1:], env=environment(place)))
    async with Client(streams, **({"mode": mode} if mode else {})) as client:

        async def call(tool, arguments, progress=None):
            result = await client.call_tool(tool, arguments, progress_callback=progress)
            expect(json.loads(result.content[0].text) == result.structured_content, "the text says something else")
            return result.is_error, result.structured_content, facts(result.meta)

        async def cancel():
            async def start(progress):
                await client.call_tool("run_shell_command", SLOW, progress_callback=progress)

            async def notify():
                """Leaving the call is what cancels it."""

            await cancelled(start, notify)

        tools = [tool.name for tool in (await client.list_tools()).tools]
        await converse_served(call, tools, runtime, place, cancel)
        expect((client.protocol_version == "2026-07-28") == (mode is None), "another version was spoken:", client.protocol_version)


async def serve_http(runtime, place):
    """The same over HTTP, where leaving the answer's stream is what cancels."""
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    server = subprocess.Popen(
        [runtime, "mcp", "serve", "--workspace", f"{place}/workspace", "--http", "127.0.0.1:0", "--token-file", f"{place}/token", "--ask",
         "filesystem:workspace:*=delete"], env=environment(place), stderr=subprocess.PIPE, text=True)
    try:
        url = server.stderr.readline().split("serving at ")[1].split(";")[0]
        token = open(f"{place}/token").read().strip()
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE) as http:
            async with Client(streamable_http_client(url, http_client=http)) as client:

                async def call(tool, arguments, progress=None):
                    result = await client.call_tool(tool, arguments, progress_callback=progress)
                    return result.is_error, result.structured_content, facts(result.meta)

                async def cancel():
                    async def start(progress):
                        await client.call_tool("run_shell_command", SLOW, progress_callback=progress)

                    async def leave():
                        """Leaving the call is what cancels it."""

                    await cancelled(start, leave)

                tools = [tool.name for tool in (await client.list_tools()).tools]
                await converse_served(call, tools, runtime, place, cancel)
                expect(client.protocol_version == "2026-07-28", "another version was spoken:", client.protocol_version)
        refused = await httpx2.AsyncClient().post(url, headers={"Authorization": "Bearer x"}, json={})
        expect(refused.status_code == 401, "somebody without the token was let in:", refused.status_code)
    finally:
        server.terminate()
        server.wait(PATIENCE)


def serve(era, runtime, place, log):
    if era == "http":
        asyncio.run(asyncio.wait_for(serve_http(runtime, place), PATIENCE))
    elif era == "legacy":
        asyncio.run(asyncio.wait_for(serve_legacy(runtime, place, log), PATIENCE))
    else:
        asyncio.run(asyncio.wait_for(serve_modern(runtime, place, log, None if era == "modern" else "legacy"), PATIENCE))


def wire(runtime, place, log, version):
    """Every method of one version, and what it makes of errors, line by line."""
    server = subprocess.Popen(served_words(runtime, place, log), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(place))
    meta = {} if version < "2026" else {"_meta": {
        "io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"}}}

    def ask(method, **params):
        ask.number += 1
        line = json.dumps({"jsonrpc": "2.0", "id": ask.number, "method": method, "params": {**params, **meta}})
        server.stdin.write(line.encode() + b"\n")
        server.stdin.flush()
        while True:
            answer = json.loads(server.stdout.readline())
            if answer.get("id") == ask.number:
                return answer

    ask.number = 0
    if version < "2026":
        answer = ask("initialize", protocolVersion=version, capabilities={}, clientInfo={"name": "wire", "version": "1"})
        expect(answer["result"]["protocolVersion"] == version, "another version was agreed on:", answer)
        ask("ping")
    else:
        expect(ask("server/discover")["result"]["supportedVersions"] == [version], "another version was discovered")
        expect(ask("ping")["error"]["code"] == -32601, "ping is still there")
    ask("tools/list")
    expect(ask("tools/call", name="echo", arguments={"text": "x"})["result"]["isError"] is False, "a call did not come through")
    expect(ask("tools/call", name="echo", arguments={"text": 1})["result"]["isError"] is True, "wrong arguments were taken")
    expect(ask("tools/call", name="nothing")["error"]["code"] == -32602, "an unknown tool was called")
    expect(ask("resources/list")["error"]["code"] == -32601, "an unknown method was answered")
    server.stdin.close()
    expect(server.wait(PATIENCE) == 0, "the server did not end with its client")


def record(log, command):
    """Stands between a client and a server, and writes down what both say."""
    import threading

    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    lock = threading.Lock()
    with open(log, "ab", buffering=0) as file:

        def forward(source, target, mark):
            for line in iter(source.readline, b""):
                with lock:
                    file.write(mark + line.rstrip(b"\n") + b"\n")
                try:
                    target.write(line)
                    target.flush()
                except OSError:
                    break
            if mark == b">":
                target.close()

        threading.Thread(target=forward, args=(sys.stdin.buffer, server.stdin, b">"), daemon=True).start()
        forward(server.stdout, sys.stdout.buffer, b"<")
    return server.wait()


def judge(log):
    """Holds everything that the server said against the types of the version that it was asked in."""
    from mcp_types import methods

    asked, version, answers, accepted = {}, None, 0, 0
    for line in open(log, "rb").read().split(b"\n"):
        if not line:
            continue
        try:
            message = json.loads(line[1:])
        except ValueError:
            expect(line[:1] == b">", "the server said something that is no JSON:", line)
            continue
        if not isinstance(message, dict):
            continue
        if line[:1] == b">":
            if "method" in message and "id" in message and isinstance(message["id"], (str, int)):
                params = message.get("params")
                stated = params.get("_meta") if isinstance(params, dict) else None
                stated = stated.get("io.modelcontextprotocol/protocolVersion") if isinstance(stated, dict) else None
                asked[message["id"]] = (message["method"], params, stated)
            continue
        if "method" in message:
            methods.parse_server_notification(message["method"], version or "2026-07-28", message.get("params"))
        elif "result" in message:
            method, params, stated = asked[message["id"]]
            if method == "initialize":
                version = message["result"]["protocolVersion"]
            spoken = stated or version or "2025-11-25"
            methods.validate_server_result(method, spoken, message["result"])
            answers += 1
            if not message["result"].get("isError"):
                # What was accepted was no malformed request.
                methods.validate_client_request(method, spoken, params)
                accepted += 1
        else:
            expect(isinstance(message["error"]["code"], int) and message["error"]["message"], "no error:", message)
    expect(answers, "nothing was answered")
    print(f"test-mcp: {answers} results are of their versions, {accepted} accepted requests too", flush=True)


def served(runtime, environments):
    legacy_venv, modern_venv, judge_venv = environments

    def workspace(place):
        os.chmod(place, 0o755)
        path = pathlib.Path(place, "workspace")
        path.mkdir()
        (path / "doomed").write_text("x")
        (path / "other").write_text("x")
        return path

    def judged(log):
        done = subprocess.run([f"{modern_venv}/bin/python3", __file__, "--judge", log], timeout=PATIENCE)
        expect(done.returncode == 0, f"{log}: an answer is not of its version")

    for era, venv in [("legacy", legacy_venv), ("modern", modern_venv), ("handshake", modern_venv)]:
        with tempfile.TemporaryDirectory(prefix="glovebox-mcp-") as place:
            path = workspace(place)
            done = subprocess.run([f"{venv}/bin/python3", __file__, "--serve", era, runtime, place, f"{place}/log"], timeout=2 * PATIENCE)
            expect(done.returncode == 0, f"serve, {era}: failed")
            expect(not (path / "doomed").exists() and (path / "other").exists(), f"serve, {era}: something else was deleted")
            judged(f"{place}/log")
            ended(runtime, place)
            sent = sum(b'"notifications/cancelled"' in line for line in open(f"{place}/log", "rb") if line[:1] == b">")
            expect(sent >= 1, f"serve, {era}: the SDK cancelled nothing")
            print(f"test-mcp: serve, {era}: holds", flush=True)
    with tempfile.TemporaryDirectory(prefix="glovebox-mcp-") as place:
        path = workspace(place)
        done = subprocess.run([f"{modern_venv}/bin/python3", __file__, "--serve", "http", runtime, place, ""], timeout=2 * PATIENCE)
        expect(done.returncode == 0 and not (path / "doomed").exists(), "serve, http: failed")
        ended(runtime, place)
        print("test-mcp: serve, http: holds", flush=True)
    with tempfile.TemporaryDirectory(prefix="glovebox-mcp-") as place:
        workspace(place)
        for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]:
            wire(runtime, place, f"{place}/log-{version}", version)
            judged(f"{place}/log-{version}")
        command = " ".join(served_words(runtime, place, f"{place}/log-conform"))
        done = subprocess.run([f"{judge_venv}/bin/mcp-conform", "server", "--transport", "stdio", "--command", command],
                              env=environment(place), capture_output=True, text=True, timeout=PATIENCE)
        expect(done.returncode == 0 and "Result: PASS" in done.stdout, "mcp-conform:", done.stdout + done.stderr)
        judged(f"{place}/log-conform")
        fuzzed(runtime, place, judge_venv)
        judged(f"{place}/log-fuzz")
        ended(runtime, place)
        print("test-mcp: serve: conforms, and the fuzzer found nothing", flush=True)


def fuzzed(runtime, place, venv):
    """Its own count of accepted malformed messages includes well-formed ones; what was accepted is judged by the types instead."""
    command = " ".join(served_words(runtime, place, f"{place}/log-fuzz"))
    done = subprocess.run([f"{venv}/bin/mcp-fuzzer", "--mode", "all", "--protocol", "stdio", "--endpoint", command, "--spec-guard", "--seed",
                           "1", "--timeout", "20", "--output-dir", f"{place}/fuzz"], env=environment(place), cwd=place,
                          capture_output=True, text=True, timeout=4 * PATIENCE)
    expect(done.returncode == 0 and "Status: completed" in done.stdout, "mcp-fuzzer:", done.stdout[-4000:] + done.stderr[-4000:])
    tools = [line for line in done.stdout.splitlines() if "transport/protocol anomalies" in line]
    expect(tools and all("0 transport/protocol anomalies, 0 crashes" in line for line in tools), "mcp-fuzzer found a crash:", tools)


def ended(runtime, place):
    """Everything that was begun has an end on record."""
    def run(*more):
        return subprocess.run([runtime, "audit", *more, "--workspace", f"{place}/workspace"], env=environment(place), check=True,
                              capture_output=True, text=True, timeout=PATIENCE).stdout

    run("verify")
    records = [entry["record"] for entry in json.loads(run("list", "--json", "--limit", "100000"))["records"]]
    ends = {record["decision"].get("call_id") for record in records if record["action"] == "tool.call"}
    intents = [record["decision"]["call_id"] for record in records if record["action"] == "external_effect.intent"]
    expect(intents and set(intents) <= ends, "calls have no end on record:", set(intents) - ends)


def audited(runtime, place):
    def run(*more):
        return subprocess.run([runtime, "audit", *more, "--workspace", f"{place}/workspace"], env=environment(place), check=True,
                              capture_output=True, text=True, timeout=PATIENCE).stdout

    run("verify")
    records = [entry["record"] for entry in json.loads(run("list", "--json", "--limit", "10000"))["records"]]
    intents = [record for record in records if record["action"] == "external_effect.intent"]
    ends = [record for record in records if record["action"] == "tool.call" and "outcome" in record["decision"]]
    expect(intents and len(intents) == len(ends), "calls have no end on record:", (len(intents), len(ends)))
    expect({record["id"] for record in intents} == {record["parent"] for record in ends}, "ends belong to no call")


def main():
    runtime, environments = os.path.abspath(sys.argv[1]), [os.path.abspath(path) for path in sys.argv[2:5]]
    for era, venv, module, kind in [
        ("legacy", environments[0], "mcp.server.fastmcp", "FastMCP"), ("modern", environments[1], "mcp.server.mcpserver", "MCPServer"),
        ("handshake", environments[1], "mcp.server.mcpserver", "MCPServer"),
    ]:
        with tempfile.TemporaryDirectory(prefix="glovebox-mcp-") as place:
            os.chmod(place, 0o755)
            workspace = pathlib.Path(place, "workspace")
            workspace.mkdir()
            (workspace / "server.py").write_text(SERVER.format(module=module, kind=kind))
            done = subprocess.run([f"{venv}/bin/python3", __file__, "--drive", era, runtime, place, venv], timeout=2 * PATIENCE)
            expect(done.returncode == 0, f"{era}: failed")
            expect((workspace / "out").read_text() == "x", f"{era}: the approved call was not made once")
            audited(runtime, place)
            print(f"test-mcp: {era}: holds", flush=True)
    served(runtime, environments)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--drive"]:
        drive(*sys.argv[2:])
    elif sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    elif sys.argv[1:2] == ["--record"]:
        sys.exit(record(sys.argv[2], sys.argv[3:]))
    elif sys.argv[1:2] == ["--judge"]:
        judge(sys.argv[2])
    else:
        main()
