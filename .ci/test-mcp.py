#!/usr/bin/env python3
"""Drives wrapped MCP servers with the official Python SDK of both generations.

    test-mcp.py GLOVEBOX_RUNTIME LEGACY_VENV MODERN_VENV

GLOVEBOX_RUNTIME is the built program, with the launcher beside it. The client of each environment runs under that environment's own
Python; the servers run in sandboxes that see their environment and a workspace of their own. Exit status 1 when something does not
hold.
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
            done = subprocess.run([f"{venv}/bin/python3", __file__, "--drive", era, runtime, place, venv], timeout=2 * PATIENCE)
            expect(done.returncode == 0, f"{era}: failed")
            expect((workspace / "out").read_text() == "x", f"{era}: the approved call was not made once")
            audited(runtime, place)
            print(f"test-mcp: {era}: holds", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--drive"]:
        drive(*sys.argv[2:])
    else:
        main()
