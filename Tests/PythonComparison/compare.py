#!/usr/bin/env python3
"""Compares python3 that waited for its call with plain python3, program by program.

    compare.py LIBRARY [--python PROGRAM]… [--only TEXT] [--suites] [--packages DIRECTORY]

LIBRARY is the shared object of sandbox/python. Exit status 1: something differs."""

import argparse
import os
import subprocess
import sys
import tempfile

import programs
import suites
from runner import Runner, plain_signals

# No home: the programs run with no sandbox too, and some would write there (history, caches).
BASE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/dev/null/home", "LANG": "C.UTF-8"}


def version_of(program):
    text = subprocess.run([program, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=True, env=BASE).stdout
    return tuple(map(int, text.split()))


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--python", action="append")
    parser.add_argument("--only", default="")
    parser.add_argument("--no-programs", action="store_true", help="not the small programs")
    parser.add_argument("--suites", action="store_true", help="the standard library's own tests, where they are installed")
    parser.add_argument("--packages", metavar="DIRECTORY", help="the programs of this virtual environment, with its interpreter")
    return parser.parse_args()


def test_modules(program):
    text = subprocess.run(
        [program, "-c", "import os\ntry:\n    import test\n    print(*os.listdir(os.path.dirname(test.__file__)))\nexcept ImportError: pass"],
        capture_output=True, text=True, env=BASE, check=True).stdout
    return {name.removesuffix(".py") for name in text.split()}


def cases(words, program, version):
    if not words.no_programs:
        yield from programs.small_programs(version)
        yield from programs.ways_to_run(version)
        yield from programs.library_programs(version)
    if words.suites:
        yield from suites.standard_library(test_modules(program))
    if words.packages:
        yield from suites.packages(os.path.abspath(words.packages))


def compare_with(program, words):
    version, count, different = version_of(program), 0, 0
    with tempfile.TemporaryDirectory() as place:
        runner = Runner(os.path.abspath(words.library), program, os.path.realpath(place), BASE)
        for case in cases(words, program, version):
            if words.only not in case.name:
                continue
            count += 1
            difference = runner.compare(case)
            if difference is not None:
                different += 1
                if different > 20:
                    continue
                print(f"  {case.name}: {difference[:3000]}", flush=True)
    print(f"python: {program} ({version[0]}.{version[1]}): {count} programs compared, {different} different", flush=True)
    return count, different


def main():
    words = parse()
    plain_signals()
    chosen = words.python or [os.path.join(words.packages, "bin", "python3") if words.packages else "/usr/bin/python3"]
    results = [compare_with(program, words) for program in chosen]
    return 1 if any(different for _, different in results) or not all(count for count, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main())
