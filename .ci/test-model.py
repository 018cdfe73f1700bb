#!/usr/bin/env python3
"""Runs agents against a model server over HTTP that misbehaves on demand, and judges by effects and records.

    test-model.py GLOVEBOX_RUNTIME LLMOCK

GLOVEBOX_RUNTIME is the built program, with the worker and the launcher beside it; LLMOCK is the program of the package llmock,
which is started on the loopback. Each scenario has a workspace and a store of its own. After each: what was done is in the
workspace, once; `audit verify` passes; the key is in no record, output or file. At the end llmock has to have nothing to
complain of: no retry before Retry-After, no retry of what cannot be mended, no use of half a stream, a pause that grows, and a
stall that is not sat out. llmock speaks no TLS, so a small server of our own shows that certificates are checked.
Exit status 1 when something of this does not hold.
"""
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request

KEY = "sk-the-key-of-this-test-4c1f9a"
# Nothing here takes that long. What does is ended and is a failure.
PATIENCE = 120
# A proxy that nobody named for this must not be used; nobody listens there.
PROXIES = {name: "http://127.0.0.1:9" for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}


class Wrong(Exception):
    pass


def expect(condition, sentence, more=""):
    if not condition:
        raise Wrong(f"{sentence}\n{more}".rstrip())


def call(name, **arguments):
    """A reply of the model: one function call."""
    return {"type": "reply", "tool_calls": [{"name": name, "arguments": arguments}]}


def fault(kind, **more):
    return {"type": "stream_fault", "kind": kind, "after_chunks": 3, **more}


def fail(status, **more):
    return {"type": "fail", "status": status, **more}


END = call("process_exit", message="done")
WRITE = call("write_text_file", path="notes.txt", text="mended\n")
# Taken by the request whose stream is broken, or whose call is. Long, so that much of it is still to come when the client leaves.
HALF = call("write_text_file", path="notes.txt", text="this must never be written\n" * 20)


class Server:
    """llmock on the loopback, at a port that the kernel chose."""

    def __init__(self, program):
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
        self.process = subprocess.Popen(
            [program, "serve", "--host", "127.0.0.1", "--port", "0", "--stream-chunk-delay-ms", "10"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=environment)
        self.url = None
        self.said = []
        for line in self.process.stdout:
            self.said.append(line)
            if "Uvicorn running on " in line:
                self.url = line.split("Uvicorn running on ")[1].split()[0]
                break
        if self.url is None:
            raise Wrong("llmock did not start:\n" + "".join(self.said))
        # Its log has to go somewhere, or it stands still.
        threading.Thread(target=lambda: [self.said.append(line) for line in self.process.stdout], daemon=True).start()

    def ask(self, path, value=None, method=None):
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(self.url + "/_llmock" + path, data=data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def script(self, behaviors):
        self.ask("/scenario", {"behaviors": behaviors})

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


class Agent:
    """One agent in a workspace and a store of its own."""

    def __init__(self, program, scratch, url):
        self.program = program
        self.root = pathlib.Path(tempfile.mkdtemp(dir=scratch))
        self.workspace = self.root / "workspace"
        self.workspace.mkdir()
        (self.workspace / "notes.txt").write_text("broken\n")
        self.environment = {
            "PATH": "/usr/bin:/bin", "HOME": str(self.root), "XDG_STATE_HOME": str(self.root / "state"),
            "GLOVEBOX_MODEL": "gpt-4o", "GLOVEBOX_MODEL_URL": url, "GLOVEBOX_MODEL_KEY": KEY, **PROXIES,
        }
        if "LD_LIBRARY_PATH" in os.environ:
            self.environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        self.printed = ""
        self.pid = self.glovebox(
            "agent", "spawn", "--goal", "mend the notes", "--allow", "filesystem:workspace:*=read,write,delete", "--allow",
            "shell:sh=execute", "--allow", "human:owner=write").stdout.strip()

    def glovebox(self, *words, code=0):
        ended = subprocess.run(
            [self.program, *words], cwd=self.workspace, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=PATIENCE)
        self.printed += ended.stdout + ended.stderr
        expect(ended.returncode == code, f"`{' '.join(words)}` ended with {ended.returncode}, not {code}", ended.stdout + ended.stderr)
        return ended

    def json(self, *words):
        return json.loads(self.glovebox(*words, "--json").stdout)

    def audit(self, action):
        return [entry["record"] for entry in self.json("audit", "list", "--action", action, "--limit", "10000")["records"]]

    def calls(self):
        """Names of the tools that were really called, and whether it went well."""
        return [(record["decision"]["tool"], record["decision"]["ok"]) for record in self.audit("tool.call")]

    def status(self):
        return self.json("agent", "show", self.pid)["status"]

    def check(self):
        """What has to hold after every scenario."""
        self.glovebox("audit", "verify")
        # An intent for each effect, and an outcome for each intent.
        open_calls = [item for item in self.json("agent", "show", self.pid)["recent_calls"] if item["state"] in ("open", "unknown", "started")]
        expect(not open_calls, "calls were left open", open_calls)
        expect(KEY not in self.printed, "the key was shown")
        export = self.glovebox("audit", "export").stdout
        expect(KEY not in export, "the key is in the audit")
        for file in self.root.rglob("*"):
            if file.is_file():
                expect(KEY.encode() not in file.read_bytes(), f"the key is in {file.relative_to(self.root)}")


class Scenarios:
    def __init__(self, program, server, scratch):
        self.program, self.server, self.scratch = program, server, scratch
        self.faults = 0

    def run(self, behaviors, options=(), code=0, attempts=None):
        """Scripts the model, runs an agent, and gives it with the requests that llmock saw of it."""
        seen = self.server.ask("/requests")["count"]
        self.server.script(behaviors)
        self.faults += sum(behavior.get("times") or 1 for behavior in behaviors if behavior["type"] in ("fail", "stream_fault"))
        agent = Agent(self.program, self.scratch, self.server.url + "/v1")
        agent.ended = agent.glovebox("agent", "run", *options, code=code)
        requests = self.server.ask("/requests")["requests"][seen:]
        if attempts is not None:
            expect(len(requests) == attempts, f"{len(requests)} requests instead of {attempts}", agent.printed)
        pending = self.server.ask("/scenario")["pending"]
        expect(not pending, "the model was not asked for everything", pending)
        agent.check()
        return agent, requests

    def mended(self, behaviors, attempts, options=()):
        """The same work, whatever the way to it: the note is written once, and the agent comes to its end."""
        agent, requests = self.run(behaviors, options, attempts=attempts)
        expect((agent.workspace / "notes.txt").read_text() == "mended\n", "the note was not mended", agent.printed)
        expect(agent.calls() == [("write_text_file", True), ("process_exit", True)], "other calls were made", agent.calls())
        expect(agent.status() == "exited", "the agent did not exit")
        return agent, requests

    # ---- one method for each scenario -------------------------------------------------------------------------------

    def tool_calls_with_sealed_tools(self):
        hidden = self.scratch / "hidden.txt"
        hidden.write_text("the secret of this host\n")
        agent, requests = self.run([
            call("read_text_file", path="notes.txt"), WRITE,
            call("run_shell_command", argv=["sh", "-c", f"cat {hidden} > stolen.txt; cat notes.txt > copy.txt"], write=["."]),
            call("read_text_file", path=".env"), call("human_output", message="the notes are mended"), END,
        ], attempts=6)
        expect((agent.workspace / "copy.txt").read_text() == "mended\n", "the shell did not work")
        expect("secret" not in (agent.workspace / "stolen.txt").read_text(), "a file of the host was read")
        names = [name for name, _ in agent.calls()]
        expect(names == ["read_text_file", "write_text_file", "run_shell_command", "read_text_file", "human_output", "process_exit"],
               "the calls are not those of the model", names)
        expect(dict(agent.calls())["read_text_file"] is False, "a secret of the workspace was read")
        expect(len(agent.audit("llm.request")) == 6, "not each question is in the audit")
        # The result of each call is in what the model is asked next.
        expect("broken" in json.dumps(requests[1]["body"]["messages"]), "the model does not learn what the tool said")
        for request in requests:
            expect(request["body"]["stream"] and not request["body"]["parallel_tool_calls"], "the request has not its form")

    def too_many_requests(self):
        _, requests = self.mended([fail(429, retry_after=1, times=2), WRITE, END], attempts=4)
        waits = [after["started_at"] - before["ended_at"] for before, after in zip(requests, requests[1:3])]
        expect(all(wait >= 1 for wait in waits), "Retry-After was not kept", waits)

    def server_errors(self):
        for pair in ((500, 503), (502, 529), (504, 408)):
            self.mended([fail(status) for status in pair] + [WRITE, END], attempts=4)

    def truncated_stream(self):
        self.mended([fault("truncate"), HALF, WRITE, END], attempts=3)

    def broken_connection(self):
        self.mended([fault("disconnect"), HALF, WRITE, END], attempts=3)

    def garbled_stream(self):
        self.mended([fault("malformed"), HALF, WRITE, END], attempts=3)

    def stalled_stream(self):
        _, requests = self.mended(
            [fault("stall", stall_seconds=PATIENCE), HALF, WRITE, END], attempts=3, options=["--model-stall-timeout", "1s"])
        expect(requests[0]["stall_waited"] < PATIENCE / 2, "the stall was sat out")

    def lasting_outage(self):
        agent, _ = self.run([fail(503, times=3)], code=1, attempts=3)
        expect("503" in agent.ended.stdout + agent.ended.stderr, "nobody is told why", agent.printed)
        expect((agent.workspace / "notes.txt").read_text() == "broken\n", "something was done")
        expect("503" in agent.glovebox("why", agent.pid).stdout, "`why` does not know of it")

    def refused_key(self):
        agent, _ = self.run([fail(401, message=f"Incorrect API key provided: {KEY}")], code=1, attempts=1)
        expect("401" in agent.printed and "check the key" in agent.printed, "nobody is told why", agent.printed)

    def server_that_ignores_tools(self):
        answer = {"name": "write_text_file", "arguments": {"path": "notes.txt", "text": "mended\n"}}
        _, requests = self.mended([
            {"type": "reply", "text": "I would write the file."}, {"type": "reply", "text": json.dumps(answer)},
            {"type": "reply", "text": json.dumps({"name": "process_exit", "arguments": {}})},
        ], attempts=3)
        asked = ["response_format" in request["body"] for request in requests]
        expect(asked == [False, True, True], "the schema was not asked for, or not from then on", asked)

    def nonsense_of_the_model(self):
        for kind in ("unknown_tool", "malformed_arguments"):
            _, requests = self.mended([{"type": "tool_fault", "kind": kind}, HALF, WRITE, END], attempts=3)
            expect(requests[0]["body"] != requests[1]["body"], "the model was not told what was wrong")

    def several_calls_at_once(self):
        several = {"type": "reply", "tool_calls": [
            {"name": "write_text_file", "arguments": {"path": "notes.txt", "text": "the first\n"}}, WRITE["tool_calls"][0]]}
        self.mended([several, END], attempts=2)

    def stopped_by_a_signal(self):
        """SIGTERM while the model thinks: the question is closed in the record, and the next run goes on."""
        self.server.script([fault("stall", stall_seconds=PATIENCE), WRITE])
        agent = Agent(self.program, self.scratch, self.server.url + "/v1")
        run = subprocess.Popen(
            [self.program, "agent", "run"], cwd=agent.workspace, env=agent.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            # Each look is a request of its own, which is pause enough.
            while self.server.ask("/scenario")["pending"]:
                expect(run.poll() is None, "the run ended by itself")
            run.send_signal(signal.SIGTERM)
            _, said = run.communicate(timeout=PATIENCE)
        finally:
            run.kill()
            run.wait()
        expect(run.returncode == 128 + signal.SIGTERM, f"it ended with {run.returncode}", said)
        agent.check()
        expect((agent.workspace / "notes.txt").read_text() == "broken\n", "something was done")
        self.server.script([WRITE, END])
        if agent.status() == "paused":
            agent.glovebox("agent", "signal", agent.pid, "resume")
        agent.glovebox("agent", "run")
        expect((agent.workspace / "notes.txt").read_text() == "mended\n", "the next run did not go on", agent.printed)
        agent.check()

    def certificates(self):
        """A server with a certificate of its own making gets no request, unless its authority is named."""
        with tls_server(self.scratch) as (port, certificate, requests):
            agent = Agent(self.program, self.scratch, f"https://localhost:{port}/v1")
            refused = agent.glovebox("agent", "run", code=1)
            expect("not trusted" in refused.stdout + refused.stderr, "nobody is told why", agent.printed)
            agent = Agent(self.program, self.scratch, f"https://127.0.0.1:{port}/v1")
            agent.environment["GLOVEBOX_MODEL_CA_FILE"] = certificate
            refused = agent.glovebox("agent", "run", code=1)
            expect("another name" in refused.stdout + refused.stderr, "nobody is told why", agent.printed)
            expect(not requests, "a server that is not trusted got a request", requests)
            agent = Agent(self.program, self.scratch, f"https://localhost:{port}/v1")
            agent.environment["GLOVEBOX_MODEL_CA_FILE"] = certificate
            agent.glovebox("agent", "run")
            expect(agent.status() == "exited" and requests == ["Bearer " + KEY], "the trusted server was not used", requests)
            agent.check()


@contextlib.contextmanager
def tls_server(scratch):
    """A server for localhost that lets the agent exit: its port, its certificate, and what authorization it got."""
    key, certificate = str(scratch / "server.key"), str(scratch / "server.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            requests.append(self.headers["authorization"])
            self.rfile.read(int(self.headers["content-length"]))
            function = {"name": "process_exit", "arguments": "{}"}
            message = {"tool_calls": [{"id": "c", "type": "function", "function": function}]}
            body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Quiet(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Quiet(("127.0.0.1", 0), Handler) as server:
        # The handshake belongs to the thread of the connection, or one that fails would end the server.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1], certificate, requests
        finally:
            server.shutdown()


NAMES = [name for name, value in vars(Scenarios).items() if callable(value) and not name.startswith("_") and name not in ("run", "mended")]


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    program, llmock = map(os.path.abspath, arguments)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="glovebox-model-"))
    scratch.chmod(0o755)
    wrong = 0
    server = None
    try:
        server = Server(llmock)
        scenarios = Scenarios(program, server, scratch)
        for name in NAMES:
            try:
                getattr(scenarios, name)()
                print(f"model: ok     {name.replace('_', ' ')}", flush=True)
            except (Wrong, subprocess.SubprocessError, KeyError, OSError) as error:
                wrong += 1
                print(f"model: WRONG  {name.replace('_', ' ')}: {error}", flush=True)
                server.ask("/scenario", method="DELETE")
        verdict = server.ask("/verdict")
        report = subprocess.run([llmock, "report", "--strict", "--url", server.url], capture_output=True, text=True)
        # The run that was stopped may have left before its stream came to the fault.
        if report.returncode or (not wrong and verdict["faults_injected"] - scenarios.faults not in (0, 1)):
            wrong += 1
            print(f"model: WRONG  llmock's verdict, with {scenarios.faults} faults wanted:\n{report.stdout}{report.stderr}")
        print(f"model: {len(NAMES)} scenarios, {wrong} wrong; llmock saw {verdict['calls']} calls, {verdict['attempts']} attempts, "
              f"{verdict['faults_injected']} faults, {len(verdict['findings'])} findings")
    except Wrong as error:
        wrong += 1
        print(f"model: WRONG  {error}")
    finally:
        if server is not None:
            server.close()
        shutil.rmtree(scratch, ignore_errors=True)
    return 1 if wrong else 0


sys.exit(main(sys.argv[1:]))
