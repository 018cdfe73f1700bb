#!/usr/bin/env python3
"""Seals MCP servers that people use by `glovebox mcp wrap`, and drives them with the official Python SDK as their client would.

    test-mcp-servers.py GLOVEBOX_RUNTIME VENV

GLOVEBOX_RUNTIME is the built program, with the launcher beside it; VENV holds the servers and the SDK. Exit status 1 when something does
not hold.
"""
import asyncio
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PATIENCE = 120

# The server made for tests has tools of eight kinds, and none that takes its time.
KIT = """
import anyio, pathlib
from mcp.server.fastmcp import Context
from mcp_test_server.server import mcp

@mcp.tool()
async def slow(ctx: Context) -> str:
    "Tells of its progress, and waits."
    try:
        for step in (1, 2):
            await ctx.report_progress(step, 3)
        await anyio.sleep(600)
    except anyio.get_cancelled_exc_class():
        pathlib.Path("cancelled").write_text("yes")
        raise
    return "done"

mcp.run()
"""


def expect(condition, sentence, more=""):
    if not condition:
        raise SystemExit(f"test-mcp-servers: {sentence} {more}")


def environment(place):
    return {"PATH": "/usr/bin:/bin", "HOME": f"{place}/home", "XDG_STATE_HOME": f"{place}/state"}


def run(runtime, place, *words, code=0):
    done = subprocess.run([runtime, *words], env=environment(place), cwd=f"{place}/project", capture_output=True, text=True,
                          timeout=PATIENCE)
    expect(done.returncode == code, f"`{' '.join(words)}` ended with {done.returncode}:", done.stderr)
    return done.stdout


def prepare(place, venv):
    """A home with one client, a project with one commit. Gives the client's file."""
    project = pathlib.Path(place, "project")
    for directory in (project, pathlib.Path(place, "home/.cursor")):
        directory.mkdir(parents=True)
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    (project / "a.txt").write_text("one\n")
    (project / "kit.py").write_text(KIT)
    for words in (["init", "-q"], ["add", "a.txt"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], cwd=project, check=True, capture_output=True)
    file = pathlib.Path(place, "home/.cursor/mcp.json")
    names = {name: "A" if name.endswith("NAME") else "a@example.org"
             for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")}
    file.write_text("// of a test\n" + json.dumps({"mcpServers": {
        "git": {"command": f"{venv}/bin/mcp-server-git", "args": ["--repository", str(project)], "env": names},
        "my clock": {"command": f"{venv}/bin/mcp-server-time", "args": ["--local-timezone", "UTC"]},
        "fetch": {"command": f"{venv}/bin/mcp-server-fetch", "args": ["--ignore-robots-txt"]},
        "kit": {"command": f"{venv}/bin/python3", "args": ["kit.py"], "cwd": str(project)},
    }}, indent=2))
    return file


def seal(runtime, place, file):
    """The entries after `mcp wrap`, which `mcp unwrap` takes back in the end."""
    before = file.read_bytes()
    run(runtime, place, "mcp", "scan", "--check", code=1)
    run(runtime, place, "mcp", "wrap", "kit", "--policy", "python", "--yes")
    run(runtime, place, "mcp", "wrap", "--all", "--yes")
    run(runtime, place, "mcp", "scan", "--check")
    scanned = json.loads(run(runtime, place, "mcp", "scan", "--json"))["servers"]
    policies = {server["name"]: server["policy"] for server in scanned}
    expect(policies == {"git": "mcp-git", "my clock": "mcp-time", "fetch": "mcp-fetch", "kit": "python"}, "other policies:", policies)
    return before, json.loads(file.read_text().split("\n", 1)[1])["mcpServers"]


@contextlib.asynccontextmanager
async def session(entry, place, **more):
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    server = StdioServerParameters(command=entry["command"], args=entry["args"], cwd=entry.get("cwd", f"{place}/project"),
                                   env=environment(place) | entry.get("env", {}))
    async with stdio_client(server) as streams, ClientSession(*streams, **more) as client:
        await client.initialize()
        yield client


def facts(result):
    return (result.meta or {}).get("glovebox/decision", {})


async def git(runtime, place, entry):
    project = pathlib.Path(place, "project")
    (project / "a.txt").write_text("two\n")
    where = {"repo_path": str(project)}
    async with session(entry, place) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        expect({"git_status", "git_commit", "git_log"} <= tools, "git: tools are missing:", tools)
        result = await client.call_tool("git_status", where)
        expect(not result.isError and "a.txt" in result.content[0].text, "git: no status:", result.content)
        result = await client.call_tool("git_log", where)
        expect(not result.isError and "first" in result.content[0].text, "git: no log:", result.content)
        for tool, more in (("git_add", {"files": ["a.txt"]}), ("git_commit", {"message": "second"})):
            result = await client.call_tool(tool, where | more)
            asked = facts(result)
            expect(result.isError and asked.get("decision") == "ask", f"git: {tool} was not asked about:", result.content)
            run(runtime, place, *asked["command"].split()[1:], "--yes")
            result = await client.call_tool(tool, where | more)
            expect(not result.isError, f"git: the approved {tool} did not come through:", result.content)
    log = subprocess.run(["git", "log", "--format=%s %an"], cwd=project, check=True, capture_output=True, text=True).stdout
    expect(log == "second A\nfirst A\n", "git: another history:", log)


async def time(runtime, place, entry):
    async with session(entry, place) as client:
        result = await client.call_tool("get_current_time", {"timezone": "UTC"})
        expect(not result.isError and "datetime" in result.content[0].text, "time: none was given:", result.content)
        result = await client.call_tool("convert_time", {"source_timezone": "UTC", "time": "10:00", "target_timezone": "Asia/Tokyo"})
        expect(not result.isError and "19:00" in result.content[0].text, "time: none was converted:", result.content)
        result = await client.call_tool("set_current_time", {})
        expect(result.isError and facts(result).get("decision") == "deny", "time: an unlisted tool was called:", result.content)


async def fetch(runtime, place, entry):
    async with session(entry, place) as client:
        expect([tool.name for tool in (await client.list_tools()).tools] == ["fetch"], "fetch: another tool")
        page = {"url": "https://example.org/"}
        asked = facts(await client.call_tool("fetch", page))
        expect(asked.get("decision") == "ask", "fetch: a page was not asked about:", asked)
        run(runtime, place, *asked["command"].split()[1:], "--yes")
        result = await client.call_tool("fetch", page)
        expect(result.isError and not facts(result), "fetch: a page came without network:", result.content)


async def kit(runtime, place, entry):
    from mcp import types

    async with session(entry, place) as client:
        tools = (await client.list_tools()).tools
        expect(len(tools) == 66, "kit: another number of tools:", len(tools))
        for tool, arguments, wanted in [
            ("math_add", {"a": 2, "b": 3}, "5"), ("string_reverse", {"text": "abc"}, "cba"), ("encoding_md5", {"text": ""}, "d41d8cd9"),
            ("echo_large", {"size_kb": 512}, ""), ("echo_empty", {}, ""),
        ]:
            result = await client.call_tool(tool, arguments)
            expect(not result.isError and wanted in "".join(part.text for part in result.content), f"kit: {tool}:", result.content)
        result = await client.call_tool("echo_error", {"message": "no"})
        expect(result.isError and not facts(result), "kit: an error was lost:", result.content)
        seen, told = [], asyncio.Event()

        async def progress(now, total, message):
            seen.append(now)
            if now == 2:
                told.set()

        number = client._request_id
        call = asyncio.create_task(client.call_tool("slow", {}, progress_callback=progress))
        await told.wait()
        expect(seen == [1, 2], "kit: other progress:", seen)
        await client.send_notification(types.ClientNotification(types.CancelledNotification(
            params=types.CancelledNotificationParams(requestId=number, reason="enough"))))
        try:
            result = await call
            expect(result.isError, "kit: a cancelled call had a result:", result.content)
        except Exception as error:
            expect("cancel" in str(error).lower(), "kit: a cancelled call ended otherwise:", error)
        expect((await client.call_tool("math_add", {"a": 1, "b": 1})).isError is False, "kit: nothing works after a cancelled call")
    expect(pathlib.Path(place, "project/cancelled").read_text() == "yes", "kit: the tool was not cancelled")


def main():
    runtime, venv = (os.path.abspath(path) for path in sys.argv[1:3])
    with tempfile.TemporaryDirectory(prefix="glovebox-mcp-") as place:
        os.chmod(place, 0o755)
        file = prepare(place, venv)
        before, entries = seal(runtime, place, file)
        pathlib.Path(place, "entries.json").write_text(json.dumps(entries))
        for name in entries:
            done = subprocess.run([f"{venv}/bin/python3", __file__, "--drive", name, runtime, place], timeout=2 * PATIENCE)
            expect(done.returncode == 0, f"{name}: failed")
            print(f"test-mcp-servers: {name}: holds", flush=True)
        run(runtime, place, "audit", "verify")
        run(runtime, place, "mcp", "unwrap", "--all", "--yes")
        expect(file.read_bytes() == before, "unwrapped, the configuration is another")


def drive(name, runtime, place):
    entry = json.loads(pathlib.Path(place, "entries.json").read_text())[name]
    work = {"git": git, "my clock": time, "fetch": fetch, "kit": kit}[name]
    asyncio.run(asyncio.wait_for(work(runtime, place, entry), PATIENCE))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--drive"]:
        drive(*sys.argv[2:])
    else:
        main()
