"""Counts words over several calls: an index that grows as long as the worker stays with one agent process."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import glovebox_tool  # noqa: E402

MOST_WORDS = 100_000


@glovebox_tool.tool
def run(call):
    counts = call.state.setdefault("counts", {})
    for word in call.arguments["text"].lower().split():
        if word not in counts and len(counts) >= MOST_WORDS:
            raise glovebox_tool.ToolError("the index holds %d words and takes no more" % MOST_WORDS)
        counts[word] = counts.get(word, 0) + 1
    asked = call.arguments["word"].lower()
    # Without a session each call begins with an empty index, and says so.
    number = call.session["call"] if call.session else 1
    return {"call": number, "words": sum(counts.values()), "count": counts.get(asked, 0)}


if __name__ == "__main__":
    glovebox_tool.serve(run, session=True)
