"""The standard library's own tests, and programs from the Python package index."""

import os

from runner import Case

# Of those that hold on any machine, without a network, and in little time.
MODULES = (
    "abc argparse array ast asyncgen atexit audit base64 bdb binascii bisect bool builtin bytes bz2 calendar call cmath cmd cmd_line "
    "cmd_line_script code code_module codecs codeop collections compile complex configparser context contextlib copy coroutines csv "
    "dataclasses datetime decimal decorators defaultdict deque descr dict difflib dis doctest dynamic email enum "
    "enumerate eof errno exception_hierarchy exceptions faulthandler file fileio finalization float fnmatch format fractions "
    "frozen frozenset fstring functools future gc generators genexps getopt glob global grammar graphlib gzip hash hashlib heapq hmac "
    "html imp import index inspect int io isinstance iter itertools json keyword linecache list locale logging long "
    "lzma marshal math memoryio memoryview mimetypes module named_expressions netrc numeric_tower opcodes operator optparse "
    "ordered_dict os pathlib pdb pickle pickletools pkgutil platform posix posixpath pprint profile property pwd pyclbr pydoc queue "
    "quopri raise random range re readline repl reprlib resource richcmp runpy sched scope secrets select set shelve shlex shutil "
    "signal site slice sort stat statistics str string strptime struct subprocess super symtable syntax sys "
    "sys_setprofile sys_settrace sysconfig tarfile tempfile textwrap thread threading threadsignals time timeit tokenize trace "
    "traceback tracemalloc tuple types typing unary unicodedata unittest unpack userdict uuid warnings weakref weakset "
    "with xml_etree yield_from zipapp zipfile zipimport zlib"
).split()

TIMES = r"in \d[\d.]*s|\d+(\.\d+)? ?(s|ms|sec)\b|0x[0-9a-f]+|@test_\d+_\S+|test_python_\w+|tmp\w{6,}|/tmp/\S+|pid=?\d+|\(\d{4,}\)|=\d{6,}"


def standard_library(installed):
    for name in MODULES:
        if f"test_{name}" in installed:
            yield Case(f"test.test_{name}", ["-m", "unittest", "-q", f"test.test_{name}"], ignore=TIMES, unordered=True, may_vary=True)


PROJECT = {
    "calc.py": "import os, sys\ndef add(a,b):\n  '''add two'''\n  unused = 1\n  return a+b\n\n\nclass C( object ):\n    x:int=1\n",
    "test_calc.py": "import pytest\nimport calc\n@pytest.mark.parametrize('a', [1, 2])\ndef test_add(a):\n    assert calc.add(a, 1) == a + 1\n"
                    "def test_wrong(tmp_path, capsys):\n    print('seen')\n    assert calc.add(1, 1) == 3\ndef test_input(monkeypatch):\n"
                    "    monkeypatch.setenv('A', 'b')\n    with pytest.raises(ZeroDivisionError):\n        1 / 0\n",
    "page.md": "# Title\n\nsome *text* and `code`\n\n- a\n- b\n", "data.yaml": "a: [1, 2]\nb: {c: d}\n",
}


def packages(directory):
    """Programs of a virtual environment, as modules and as the scripts that pip writes."""
    def script(name):
        return os.path.join(directory, "bin", name)

    seconds = r"in \d[\d.]*s|\d[\d.]*s\b|pytest-\d+/"
    for name, words, ignore in (
            ("black", ["-m", "black", "--diff", "calc.py"], r"\d{4}-\d\d-\d\d [\d:.+]* ?[+\d:]*|\d{4}-[^\n]*"),
            ("black in place", ["-m", "black", "-q", "calc.py"], ""), ("black script", [script("black"), "--check", "calc.py"], ""),
            ("black stdin", [script("black"), "-q", "-"], ""), ("pyflakes", ["-m", "pyflakes", "calc.py"], ""),
            ("pyflakes script", [script("pyflakes"), "."], ""), ("pytest", ["-m", "pytest", "-p", "no:cacheprovider"], seconds),
            ("pytest -x -q", ["-m", "pytest", "-p", "no:cacheprovider", "-x", "-q"], seconds),
            ("pytest script", [script("pytest"), "-p", "no:cacheprovider", "-rA", "-k", "add"], seconds),
            ("pytest --collect-only", [script("pytest"), "-p", "no:cacheprovider", "--collect-only"], seconds),
            ("pytest missing", [script("pytest"), "-p", "no:cacheprovider", "missing.py"], seconds),
            ("httpie", ["-m", "httpie", "--offline", "--ignore-stdin", "POST", "example.org", "a=b"], ""),
            ("httpie script", [script("http"), "--ignore-stdin", "--offline", "example.org"], ""),
            ("httpie refused", [script("http"), "--ignore-stdin", "127.0.0.1:1"], r"0xADDRESS|ADDRESS"),
            ("pip", ["-m", "pip", "--version"], ""), ("pip list", ["-m", "pip", "list", "--disable-pip-version-check"], ""),
            ("pip script", [script("pip"), "show", "black"], ""), ("pygments", ["-m", "pygments", "-f", "html", "calc.py"], ""),
            ("pygments script", [script("pygmentize"), "calc.py"], ""), ("markdown", ["-m", "markdown", "page.md"], ""),
            ("rich", ["-m", "rich.markdown", "page.md"], ""), ("yamllint", ["-m", "yamllint", "data.yaml"], ""),
            ("isort", ["-m", "isort", "--diff", "calc.py"], r"\d{4}-[^\n]*"), ("coverage", ["-m", "coverage", "run", "calc.py"], "x"),
            ("mypy nothing", ["-m", "mypy_missing"], "")):
        yield Case(name, words, files=PROJECT, stdin=b"x  =  1\n", ignore=ignore)
