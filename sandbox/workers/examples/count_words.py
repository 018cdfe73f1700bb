"""Counts the words of one file. The file comes as an open descriptor; the tool needs no file system."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import glovebox_tool  # noqa: E402


@glovebox_tool.tool
def run(call):
    with call.file("file") as text:
        lines = words = 0
        for line in text:
            lines += 1
            words += len(line.split())
    return {"lines": lines, "words": words}, "%d words in %d lines" % (words, lines)


if __name__ == "__main__":
    glovebox_tool.serve(run)
