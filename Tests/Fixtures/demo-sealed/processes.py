"""Counts, on the host, living Python processes whose command line has a mark.

processes.py count MARK        those of now
processes.py end MARK          ends those of now
processes.py most MARK PID     the most at one time until the process PID has ended
"""
import os
import signal
import sys
import time


def find(mark):
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if os.path.basename(words[0]).startswith(b"python") and mark in words and b"--report" not in words:
            found.append(int(name))
    return found


def count(mark):
    return len(find(mark))


def has_ended(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


wanted = os.fsencode(sys.argv[2])
if sys.argv[1] == "count":
    print(count(wanted))
elif sys.argv[1] == "end":
    for number in find(wanted):
        os.kill(number, signal.SIGKILL)
else:
    most = 0
    while not has_ended(sys.argv[3]):
        most = max(most, count(wanted))
        time.sleep(0.02)
    print(most)
