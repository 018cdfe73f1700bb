"""Ignores SIGTERM, and starts a daemon that does too: stubborn.py MARK (the mark is how the host recognises it)."""
import os
import signal
import time


def refuse(number, frame):
    print("SIGTERM? I think not", flush=True)


if os.fork() == 0:
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    os.wait()
    signal.signal(signal.SIGTERM, refuse)
    print("started, with a daemon", flush=True)
while True:
    time.sleep(1)
