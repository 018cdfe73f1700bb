"""Runs one program twice, with plain python3 and through one that waits, and compares all that can be seen of it from outside."""

import dataclasses
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import termios
import time

from parked_call import ParkedPython

PATIENCE = 120  # seconds for one program, before it counts as hung


@dataclasses.dataclass
class Case:
    name: str
    words: list  # what follows the interpreter's options
    options: list = dataclasses.field(default_factory=list)
    files: dict = dataclasses.field(default_factory=dict)
    stdin: object = b""  # bytes: through a pipe; ("file", bytes); ("tty", bytes); None: /dev/null; "directory"
    stdout: str = "pipe"  # pipe, file, tty, full (/dev/full), broken (a pipe nobody reads)
    environment: dict = dataclasses.field(default_factory=dict)  # of the call alone: it is not there while the interpreter waits
    start_environment: dict = dataclasses.field(default_factory=dict)  # there from the start: what a start-up reads
    signal: int = 0  # sent when the program has written "ready\n"
    ignore: str = ""  # what differs from run to run even with one interpreter: a pattern
    unordered: bool = False
    may_vary: bool = False  # what it writes need not be the same twice, even without us


@dataclasses.dataclass
class Seen:
    status: int
    stdout: bytes
    stderr: bytes
    files: dict


class Runner:
    def __init__(self, library, program, place, base):
        self.library, self.program, self.place, self.base = library, program, place, base

    def compare(self, case):
        """None, or what is different."""
        plain = self.clean(case, self.run(case, self.start_plain))
        parked = self.clean(case, self.run(case, self.start_parked))
        for part in ("status", "stdout", "stderr", "files"):
            one, other = getattr(plain, part), getattr(parked, part)
            if one == other:
                continue
            # A test that makes up its own data writes something else each time.
            if case.may_vary and part != "status" and getattr(self.clean(case, self.run(case, self.start_plain)), part) != one:
                continue
            return f"{part}: plain {one!r}\n    parked {other!r}"
        return None

    # ---- one run

    def run(self, case, start):
        directory = os.path.join(self.place, "work")
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        for name, text in case.files.items():
            path = os.path.join(directory, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(text if isinstance(text, bytes) else text.encode())
        with Plumbing(case, self.place) as plumbing:
            process = start(case, directory, plumbing.given)
            plumbing.hand_over()
            status = plumbing.follow(process)
        return Seen(status, plumbing.output["stdout"], plumbing.output["stderr"], self.tree(directory))

    def start_plain(self, case, directory, descriptors):
        return subprocess.Popen([self.program, *case.options, *case.words], stdin=descriptors[0], stdout=descriptors[1],
                                stderr=descriptors[2], cwd=directory, restore_signals=True,
                                env={**self.base, **case.start_environment, **case.environment})

    def start_parked(self, case, directory, descriptors):
        waiting = ParkedPython(self.library, self.program, case.options, {**self.base, **case.start_environment})
        if not waiting.wait_until_parked():
            waiting.close()
            raise SystemExit(f"{case.name}: {self.program} does not wait (it ended with {waiting.process.wait()})")
        process = waiting.start([self.program, *case.options, *case.words],
                                {**self.base, **case.start_environment, **case.environment}, directory, descriptors)
        process.waiting = waiting  # its word that it has taken the call needs somebody to say it to
        return process

    @staticmethod
    def tree(directory):
        found = {}
        for parent, names, files in os.walk(directory):
            names[:] = [name for name in names if name != "__pycache__"]
            for name in files:
                path = os.path.join(parent, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, directory)] = file.read()
        return found

    @staticmethod
    def clean(case, seen):
        for part in ("stdout", "stderr"):
            text = getattr(seen, part)
            text = re.sub(rb"0x[0-9a-f]{6,}|started \d+", b"ADDRESS", text)
            if case.ignore:
                text = re.sub(case.ignore.encode(), b"IGNORED", text)
            if case.unordered:
                text = b"\n".join(sorted(text.split(b"\n")))
            setattr(seen, part, text)
        if case.ignore:
            seen.files = {name: b"" for name in seen.files}
        return seen


class Plumbing:
    """The three descriptors that a program is given, and what comes out of them."""

    def __init__(self, case, place):
        self.case, self.place = case, place
        self.output = {"stdout": b"", "stderr": b""}
        self.read, self.own, self.given, self.feed, self.terminal = {}, [], [], b"", None

    def __enter__(self):
        self.given = [self.make_input(), self.make_output(), self.make_error()]
        return self

    def __exit__(self, *_):
        for descriptor in self.own:
            os.close(descriptor)
        self.own = []

    def open_terminal(self):
        if self.terminal is None:
            self.terminal, inner = pty.openpty()
            settings = termios.tcgetattr(inner)
            settings[1] &= ~termios.ONLCR
            settings[3] &= ~termios.ECHO
            termios.tcsetattr(inner, termios.TCSANOW, settings)
            self.own.append(self.terminal)
            self.inner = inner
        return os.dup(self.inner)

    def make_input(self):
        given = self.case.stdin
        if given is None:
            return os.open(os.devnull, os.O_RDONLY)
        if given == "directory":
            return os.open(self.place, os.O_RDONLY)
        if isinstance(given, tuple) and given[0] == "tty":
            inner = self.open_terminal()
            os.write(self.terminal, given[1])
            return inner
        if isinstance(given, tuple):
            path = os.path.join(self.place, "stdin")
            with open(path, "wb") as file:
                file.write(given[1])
            return os.open(path, os.O_RDONLY)
        inner, outer = os.pipe()
        os.write(outer, given)  # small: fits into the pipe
        os.close(outer)
        return inner

    def make_output(self):
        kind = self.case.stdout
        if kind == "full":
            return os.open("/dev/full", os.O_WRONLY)
        if kind == "tty":
            inner = self.open_terminal()
            self.read[self.terminal] = "stdout"
            return inner
        if kind == "file":
            self.path = os.path.join(self.place, "stdout")
            return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        outer, inner = os.pipe()
        if kind == "broken":
            os.close(outer)
        else:
            self.read[outer] = "stdout"
            self.own.append(outer)
        return inner

    def make_error(self):
        outer, inner = os.pipe()
        self.read[outer] = "stderr"
        self.own.append(outer)
        return inner

    def hand_over(self):
        for descriptor in self.given:
            os.close(descriptor)
        if self.terminal is not None:
            os.close(self.inner)

    def follow(self, process):
        deadline, told = time.monotonic() + PATIENCE, False
        while self.read:
            ready, _, _ = select.select(list(self.read), [], [], max(0, deadline - time.monotonic()))
            if not ready:
                process.kill()
                self.output["stderr"] += b"[hung]"
                break
            for descriptor in ready:
                try:
                    part = os.read(descriptor, 65536)
                except OSError:  # a terminal whose other end is closed
                    part = b""
                self.output[self.read[descriptor]] += part
                if not part:
                    del self.read[descriptor]
            if self.case.signal and not told and b"ready\n" in self.output["stdout"]:
                wait_until_asleep(process.pid, deadline)
                process.send_signal(self.case.signal)
                told = True
        status = process.wait()
        if self.case.stdout == "file":
            with open(self.path, "rb") as file:
                self.output["stdout"] = file.read()
        return status


# select, pause, wait4, futex, clock_nanosleep, pselect6: the program does what the signal is to interrupt.
ASLEEP = {"23", "34", "61", "202", "230", "270"} if os.uname().machine == "x86_64" else {"72", "73", "98", "115", "260"}


def wait_until_asleep(pid, deadline):
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
                if file.read().split()[0] in ASLEEP:
                    return
        except (OSError, IndexError):
            return
        os.sched_yield()


def plain_signals():
    """The suite's own: what a program inherits is what a shell gives."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)  # whoever starts the suite with nohup ignores one: the programs would sleep on
