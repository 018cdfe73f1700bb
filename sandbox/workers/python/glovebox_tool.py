"""Write tools for Glovebox in Python: one module, standard library only, Python 3.9 or newer.

A channel tool is started once per call, unless its policy lets it stay (see below). It has three ordinary streams, whose output is only
a log, and the channel to the supervisor as descriptor 3. This module reads the call from it and writes the result to it:

    import glovebox_tool

    @glovebox_tool.tool
    def run(call):
        text = call.file("file").read()
        call.progress("counting", 0.5)
        return {"words": len(text.split())}

    if __name__ == "__main__":
        glovebox_tool.serve(run)

What a tool may touch is decided outside of it, by its manifest, the policy and the caller's capabilities. `call.libos` makes the
libOS calls that the manifest lists under `syscalls`; one that is not listed, or not allowed, raises `LibOSError`, whose `denial` says which rule refused it and what would allow it.
Only the process that Glovebox started may write to the channel: what a child of it writes ends the call.

A tool whose manifest says `session: true` and that ends with `serve(run, session=True)` may be kept for the next calls of the same agent
process, where the policy names it under `sessions`. `call.state` is a dict that lasts as long as that; without a session it is empty in
each call. Between two calls such a tool says nothing: whatever it writes to the channel then ends it.
"""

import array
import json
import os
import socket
import sys

__all__ = ["Call", "LibOSError", "ProtocolError", "ToolError", "serve", "tool"]

#: What the supervisor accepts of one frame, newline not counted.
LONGEST_FRAME = 2 << 20
_MOST_DESCRIPTORS = 16
_CODES = frozenset(
    "validation_error permission_denied confirmation_required timeout rate_limited transient_error execution_error unsupported".split()
)


class ToolError(Exception):
    """The tool could not do what it was called for. `code` is one of the codes that Glovebox knows."""

    def __init__(self, message, code="execution_error", retryable=False, details=None):
        super().__init__(message)
        if code not in _CODES:
            raise ValueError("unknown code %r; known are: %s" % (code, ", ".join(sorted(_CODES))))
        self.code = code
        self.retryable = bool(retryable)
        self.details = details or {}


class LibOSError(ToolError):
    """The runtime refused or failed a call. `denial` is None, or says layer, rule, reason and the smallest grant that would help."""

    def __init__(self, message, code, denial=None):
        super().__init__(message, "permission_denied" if denial else "execution_error")
        self.libos_code = code
        self.denial = denial


class ProtocolError(Exception):
    """The channel did not say what it must: not started by Glovebox, or ended early."""


class Closed(ProtocolError):
    """Nobody calls any more."""


class Call:
    """One call: `name`, `arguments`, and the ways back to the supervisor.

    `session` is None, or {"id": …, "call": 1, 2, …} of a worker that may be called again; `state` is what the tool keeps for that.
    """

    def __init__(self, channel, state=None):
        self._channel = channel
        self._pending = bytearray()
        self.state = {} if state is None else state
        self._descriptors = []
        self._next_id = 0
        self._is_over = False
        frame = self._receive()
        if frame.get("method") != "tool.call":
            raise ProtocolError("the first frame is no tool.call")
        params = frame["params"]
        self._id = frame["id"]
        self.name = params["tool"]
        self.call_id = params["call"]
        self.arguments = params["arguments"]
        self.session = params.get("session")
        names = params["descriptors"]
        if len(names) != len(self._descriptors):
            raise ProtocolError("%d descriptors were announced and %d came" % (len(names), len(self._descriptors)))
        self._files = dict(zip(names, self._descriptors))

    def file(self, name, mode="r", **options):
        """The file that the manifest's `descriptors` calls so, opened with `mode` ("r", "rb", "w", "wb"). It can be taken once."""
        try:
            descriptor = self._files.pop(name)
        except KeyError:
            raise ToolError("no file was handed over as %r" % name) from None
        if "b" not in mode:
            options.setdefault("encoding", "utf-8")
        return os.fdopen(descriptor, mode, **options)

    def libos(self, name, **arguments):
        """Makes a libOS call, for example `call.libos("filesystem.read_text", path="src/a")`, and gives back its value.

        The manifest names the calls that the tool makes, `syscalls: [filesystem.read_text]`; others are refused.
        """
        self._next_id += 1
        self._send({"jsonrpc": "2.0", "id": self._next_id, "method": "libos." + name, "params": arguments})
        answer = self._receive()
        if answer.get("id") != self._next_id:
            raise ProtocolError("an answer came to another question")
        if "error" in answer:
            error = answer["error"]
            data = error.get("data") or {}
            raise LibOSError(error.get("message", "the call failed"), data.get("code"), data.get("denial"))
        return answer.get("result")

    def progress(self, message, fraction=None):
        """Tells whoever waits how far it is; `fraction` is 0 to 1."""
        params = {"message": str(message)}
        if fraction is not None:
            params["fraction"] = float(fraction)
        self._send({"jsonrpc": "2.0", "method": "progress", "params": params})

    # ---- the end, once; `serve` does it ----

    def _result(self, data, content=None, artifacts=None, metadata=None):
        result = {"data": data}
        for key, value in (("content", content), ("artifacts", artifacts), ("metadata", metadata)):
            if value is not None:
                result[key] = value
        self._end({"jsonrpc": "2.0", "id": self._id, "result": result})

    def _fail(self, error):
        data = {"code": error.code, "retryable": error.retryable, "details": error.details}
        self._end({"jsonrpc": "2.0", "id": self._id, "error": {"code": -32000, "message": str(error), "data": data}})

    def _end(self, frame):
        if self._is_over:
            raise ProtocolError("the call has its result already")
        # The log is this call's: what is still in a buffer would be taken for the next one's.
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass
        self._send(frame)
        self._is_over = True

    # ---- frames ----

    def _send(self, frame):
        # No NaN: it is no JSON. ASCII: no character that could be cut or misread on the way.
        data = json.dumps(frame, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
        if len(data) > LONGEST_FRAME:
            raise ToolError("a frame has %d bytes, %d are allowed" % (len(data), LONGEST_FRAME))
        self._channel.sendall(data + b"\n")

    def _receive(self):
        while True:
            end = self._pending.find(b"\n")
            if end >= 0:
                line = bytes(self._pending[:end])
                del self._pending[: end + 1]
                return json.loads(line.decode("utf-8"))
            room = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array.array("i").itemsize)
            data, ancillary, _, _ = self._channel.recvmsg(1 << 16, room)
            for level, kind, payload in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    numbers = array.array("i")
                    numbers.frombytes(payload[: len(payload) - len(payload) % numbers.itemsize])
                    for number in numbers:
                        os.set_inheritable(number, False)
                        self._descriptors.append(number)
            if not data:
                raise Closed("the supervisor closed the channel")
            self._pending += data


def tool(function):
    """Marks the function that does the call; it takes the `Call` and returns the data, or (data, content)."""
    function.is_glovebox_tool = True
    return function


def serve(function, session=False):
    """Takes the one call of this process, runs `function` and sends what it returns. Ends the process with 0, 64 or 65.

    With `session`, and when the call says that there may be more, it takes one call after the other until nobody calls any more.
    """
    if os.environ.get("GLOVEBOX_CHANNEL") != "3":
        print("this is a tool for glovebox: call it with `glovebox tool call`", file=sys.stderr)
        sys.exit(64)
    channel = socket.socket(fileno=3)
    # Programs that the tool starts have no business with the channel.
    channel.set_inheritable(False)
    state = {}
    first = True
    while True:
        try:
            call = Call(channel, state)
        except Closed as error:
            if not first:
                sys.exit(0)
            print("no call came: %s" % error, file=sys.stderr)
            sys.exit(65)
        except (ProtocolError, ValueError, KeyError, OSError) as error:
            print("no call came: %s" % error, file=sys.stderr)
            sys.exit(65)
        first = False
        try:
            _perform(function, call)
        except (ProtocolError, OSError):
            sys.exit(65)
        if not session or call.session is None:
            sys.exit(0)


def _perform(function, call):
    try:
        answer = function(call)
        if isinstance(answer, tuple) and len(answer) == 2:
            call._result(answer[0], content=answer[1])
        else:
            call._result(answer)
    except ToolError as error:
        call._fail(error)
    except Exception as error:  # a bug, or a result that is no JSON: its text goes to the log alone
        print("%s: %s" % (type(error).__name__, error), file=sys.stderr)
        call._fail(ToolError("the tool failed: %s" % type(error).__name__))
