"""Forks in every process until time is up: fork-bomb.py MARK (the mark is how the host recognises it)."""
import os
import time

first = os.getpid()
told = False
while True:
    try:
        os.fork()
    except OSError as error:
        if os.getpid() == first and not told:
            told = True
            print(f"the first process may fork no more: {error.strerror}", flush=True)
        time.sleep(0.05)
