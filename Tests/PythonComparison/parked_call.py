"""Starts a Python that waits, and gives it a call: the supervisor's part, without a sandbox."""

import array
import os
import socket
import struct
import subprocess

MAGIC, VERSION = 0x58424C47, 2
REQUEST_START, SPEC_START, PARKED = 1 << 5, 1 << 9, 6


def spec(arguments, environment, directory):
    """A launch spec as sandbox/abi/include/launch_spec.h has it, with the flag START."""
    strings, offsets = bytearray(b"\0"), []

    def place(text):
        offset = len(strings)
        strings.extend(text + b"\0")
        return offset

    words = [place(word) for word in arguments]
    variables = [place(word) for word in environment]
    at = place(directory)
    while len(strings) % 8:
        strings.append(0)
    header = 160
    first = header + len(strings)
    second = first + (len(words) * 4 + 7) // 8 * 8
    size = second + (len(variables) * 4 + 7) // 8 * 8
    sections = [header, len(strings), first, len(words), second, len(variables)] + [header, 0] * 4
    head = struct.pack("=4I14I8I4Q2I2Q", MAGIC, VERSION, size, SPEC_START, *sections, at, 0, 0, 0, 0, 1, 1, 0, *[0] * 4, 0, 0, 0, 0)
    lists = b"".join(struct.pack(f"={len(part)}I", *part).ljust((len(part) * 4 + 7) // 8 * 8, b"\0") for part in (words, variables))
    return head + bytes(strings) + lists


# Room for the words and the environment of a call in what /proc shows of the process.
WORDS = "pass" + " " * 8192
ROOM = " " * 8192


class ParkedPython:
    """One interpreter that waits; `environment` is what it starts with."""

    def __init__(self, library, program, options, environment):
        self.socket, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.program, self.options = program, options
        with inner:
            self.process = subprocess.Popen(
                [program, *options, "-c", WORDS],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
                env={**environment, "LD_PRELOAD": library + ROOM}, pass_fds=[3], preexec_fn=lambda: os.dup2(inner.fileno(), 3))

    def wait_until_parked(self):
        message = self.socket.recv(4096)
        return len(message) >= 4 and struct.unpack_from("=I", message)[0] == PARKED

    def start(self, arguments, environment, directory, descriptors):
        body = spec([os.fsencode(word) for word in arguments], [os.fsencode(f"{k}={v}") for k, v in environment.items()],
                    os.fsencode(directory))
        request = struct.pack("=6I", MAGIC, VERSION, REQUEST_START, len(body), 0, 0)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        sent = self.socket.sendmsg([request + body], rights)
        if sent < len(request + body):
            self.socket.sendall((request + body)[sent:])
        return self.process

    def close(self):
        self.socket.close()

    __del__ = close
