"""The small programs of the comparison: what of a start-up and an end can be seen."""

import signal

from runner import Case

STATE = """
import sys, os, signal, warnings
print(sys.argv, getattr(sys, "orig_argv", None))
print(sys.path, sys.executable, sys.prefix, sys.exec_prefix, sys.base_prefix)
print(sys.flags, sys.warnoptions, sys._xoptions, warnings.filters)
print({n: getattr(sys.modules["__main__"], n, "absent") for n in ("__name__", "__doc__", "__package__", "__file__", "__cached__", "__spec__", "__loader__", "__annotations__")})
print(sorted(k for k in vars(sys.modules["__main__"])))
print(sorted(sys.modules))
print(sorted(vars(sys)))
print(os.getcwd(), sorted(os.environ.items()), sorted(os.environb.items()))
print(sys.meta_path, sys.path_hooks, sorted(sys.path_importer_cache))
for s in (sys.stdin, sys.stdout, sys.stderr):
    print(s, s.encoding, s.errors, s.line_buffering, s.write_through, s.newlines, s.mode, s.name, s.fileno(), s.isatty(), s.closed,
          type(s.buffer).__name__, getattr(s.buffer, "raw", s.buffer), s.seekable())
print(sys.stdin is sys.__stdin__, sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__)
print([(s, signal.getsignal(s)) for s in sorted(signal.valid_signals())], signal.pthread_sigmask(signal.SIG_BLOCK, []))
print(sys.getfilesystemencoding(), sys.getdefaultencoding(), sys.getrecursionlimit(), sys.getswitchinterval(), sys.hash_info)
print(sys.excepthook, sys.displayhook, sys.gettrace(), sys.getprofile(), sys.breakpointhook, sys.unraisablehook)
print(open("/proc/self/comm").read(), sorted(os.listdir("/proc/self/fd")), os.umask(0o22))
"""

FRAMES = """
import sys, traceback, inspect
f = sys._getframe()
depth = 0
while f: depth += 1; print(f.f_code.co_filename, f.f_code.co_name, f.f_lineno); f = f.f_back
print(depth)
def inner(): raise ValueError("deep\\nof two lines")
def outer():
    try: inner()
    except ValueError as e: raise RuntimeError("outer") from e
outer()
"""

# An object that says when it goes, in everything that start-up made.
KEEP = """import os, sys
class A:
    def __init__(self, name): self.name = name
    def __del__(self, write=os.write): write(1, b"del " + self.name.encode() + b"\\n")
for name, place in %s:
    try: place.keep = A(name)
    except Exception: pass
"""

EXITS = {
    "nothing": "pass",
    "number": "import sys; sys.exit(7)",
    "text": "import sys; sys.exit('a message')",
    "none": "import sys; sys.exit(None)",
    "tuple": "import sys; sys.exit((1, 2))",
    "large": "import sys; sys.exit(2**40)",
    "negative": "import sys; sys.exit(-1)",
    "bool": "raise SystemExit(True)",
    "float": "raise SystemExit(1.5)",
    "at-once": "import os; print('lost'); os._exit(9)",
    "raise": "raise KeyError('k')",
    "chained": "try:\n    1/0\nexcept Exception:\n    raise TypeError('second')",
    "syntax": "def f(:\n  pass",
    "indentation": "if True:\npass",
    "bad-text": "raise Exception('\\udcff\\U0001f600')",
    "keyboard": "raise KeyboardInterrupt",
    "abort": "import os; os.abort()",
    "kill-term": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "kill-int": "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)",
    "segv": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "generator-exit": "raise GeneratorExit",
    "recursion": "def f(): f()\nf()",
    "memory": "x = bytearray(1 << 60)",
    "subclass": "class E(SystemExit): pass\nraise E(3)",
    "base": "class E(BaseException): pass\nraise E('base')",
    "notes": "e = ValueError('x')\nif hasattr(e, 'add_note'): e.add_note('a note')\nraise e",
    "group": "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])",
    "excepthook": "import sys\nsys.excepthook = lambda *a: print('hook', a[:2])\n1/0",
    "broken-hook": "import sys\nsys.excepthook = lambda *a: 1/0\n[][1]",
    "warning": "import warnings; warnings.warn('careful'); warnings.warn('old', DeprecationWarning)",
    "bytes-warning": "print(b'a' == 'a')",
    "unraisable": "class A:\n    def __del__(self): 1/0\na = A()",
    "del-order": "class A:\n    def __init__(s, n): s.n = n\n    def __del__(s): print('del', s.n)\na = A(1); b = A(2); c = [A(3)]; c.append(c)\nimport sys; sys.keep = A(4)\nimport builtins; builtins.keep = A(5)\nimport os; os.keep = A(6)\nsys.stdout.keep = A(7)",
    "del-in-modules": KEEP % "list(sys.modules.items())",
    "del-in-classes": KEEP % "[(m + '.' + n, c) for m, module in list(sys.modules.items()) for n, c in sorted(vars(module).items()) if isinstance(c, type) and c.__flags__ & 512 and c.__module__ == m and not m.startswith('_frozen')]",
    "del-in-functions": KEEP % "[(m + '.' + n, f) for m, module in list(sys.modules.items()) for n, f in sorted(vars(module).items()) if type(f).__name__ == 'function' and f.__module__ == m]",
    "del-through-modules": "import os, sys, abc, io, codecs, site\nclass A:\n    def __init__(s, n): s.n = n; s.me = s\n    def __del__(s): os.write(1, s.n.encode())\nfor m in list(sys.modules): vars(sys.modules[m])['keep'] = A(m + '\\n')",
    "del-cycle": "class A:\n    def __init__(s): s.s = s\n    def __del__(s): print('cycle')\nA()\nimport os; os.a = A()",
    "weakref-at-end": "import weakref\nclass A: pass\na = A(); weakref.finalize(a, print, 'finalised')\nb = A(); r = weakref.ref(b, lambda r: print('callback'))",
    "atexit": "import atexit\natexit.register(print, 'first')\natexit.register(print, 'second')\natexit.register(lambda: 1/0)\nprint(atexit._ncallbacks())",
    "atexit-exit": "import atexit, sys\natexit.register(sys.exit, 4)",
    "thread": "import threading, time\ndef f():\n    time.sleep(0.1); print('thread done')\nthreading.Thread(target=f).start()\nprint('main done', threading.main_thread(), threading.active_count())",
    "daemon": "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nprint('main done')",
    "thread-raises": "import threading\nt = threading.Thread(target=lambda: 1/0, name='T'); t.start(); t.join()",
    "thread-exit": "import threading, sys\nt = threading.Thread(target=sys.exit, args=(3,)); t.start(); t.join()",
    "fork": "import os\np = os.fork()\nif p == 0: print('child', flush=True); raise SystemExit(5)\nprint(os.waitpid(p, 0)[1], 'parent')",
    "fork-raises": "import os, sys\np = os.fork()\nif p == 0: 1/0\nprint(os.waitpid(p, 0)[1])",
    "exec": "import os, sys\nos.execv(sys.executable, [sys.executable, '-c', 'import sys, os; print(sys.argv, sorted(os.environ))', 'x'])",
    "subprocess": "import subprocess, sys\nr = subprocess.run([sys.executable, '-c', 'import os, sys; print(sorted(os.environ.items()), sys.argv); print(open(\"/proc/self/environ\").read().split(chr(0)))'], capture_output=True, text=True); print(r)",
    "shell": "import os\nprint(os.system('env | sort; echo $0; ls /proc/self/fd; exit 3'))",
    "multiprocessing": "import multiprocessing as m\nif __name__ == '__main__':\n    with m.get_context('fork').Pool(2) as p: print(p.map(abs, [-1, -2]))",
    "asyncio": "import asyncio\nasync def f():\n    await asyncio.sleep(0); print('async'); return 1\nprint(asyncio.run(f()))",
    "environment": "import os, ctypes\nos.environ['NEW'] = 'n'; del os.environ['CALL']; os.putenv('RAW', 'r')\nlibc = ctypes.CDLL(None); libc.getenv.restype = ctypes.c_char_p\nprint(libc.getenv(b'NEW'), libc.getenv(b'CALL'), libc.getenv(b'RAW'), libc.getenv(b'LD_PRELOAD')); os.system('env | sort')",
    "close-out": "import sys; print('x'); sys.stdout.close(); sys.exit(2)",
    "close-error": "import sys; sys.stderr.close(); 1/0",
    "close-descriptor": "import os; print('lost', end=''); os.close(1)",
    "no-out": "import sys; sys.stdout = None; print('x'); 1/0",
    "faulthandler": "import faulthandler; faulthandler.enable(); import os; os.kill(os.getpid(), 6)",
    "traceback-lines": FRAMES,
    "state": STATE,
    "locals": "print(sorted(locals()), __name__, __builtins__, __annotations__ if '__annotations__' in dir() else None)\nx: int = 1\nprint(sorted(locals()))",
    "pickle-main": "import pickle\nclass A: pass\nprint(pickle.dumps(A()), A.__module__, A.__qualname__)",
    "inspect-main": "import inspect, sys\ndef f(): pass\ntry: print(inspect.getsource(f), inspect.getfile(f))\nexcept OSError as e: print(e)",
    "input": "print(input('? ')); print(input()); input()",
    "read-all": "import sys; print(repr(sys.stdin.read()), repr(sys.stdin.readline()))",
    "read-bytes": "import sys; print(sys.stdin.buffer.read())",
    "iterate": "import sys\nfor line in sys.stdin: print(repr(line))",
    "unbuffered-order": "import sys, os\nprint('a'); os.write(1, b'b\\n'); print('c', file=sys.stderr); os.write(2, b'd\\n'); sys.stdout.write('e'); sys.stdout.flush(); os.write(1, b'f')",
    "large-output": "print('x' * 50000); import sys; sys.stderr.write('y' * 3000)",
    "locale": "import locale, time\nprint(locale.getlocale(), locale.getpreferredencoding(), locale.setlocale(locale.LC_ALL), time.tzname, time.timezone, time.localtime(0))",
    "gc": "import gc\nprint(gc.isenabled(), gc.get_threshold(), gc.get_freeze_count(), gc.garbage, gc.callbacks, gc.get_debug(), len(gc.get_objects()) > 1000)\nclass A: pass\na = A(); a.a = a; del a; print(gc.collect() >= 1)\nimport os; print(any(r is vars(os) for r in gc.get_referrers(os.path)), len(gc.get_stats()))",
    "resource": "import resource\nprint([(n, resource.getrlimit(getattr(resource, n))) for n in sorted(dir(resource)) if n.startswith('RLIMIT')])",
    "site": "import site; print(site.ENABLE_USER_SITE, site.USER_SITE, site.getsitepackages(), exit, quit, copyright)",
    "import-here": "import helper; print(helper.__file__, helper.__name__)",
    "audit": "import sys\nsys.addaudithook(lambda e, a: print(e) if e.startswith('cpython') else None)\n",
    "trace": "import sys\nsys.settrace(lambda f, e, a: print(f.f_code.co_name, e))\ndef f(): pass\nf()",
    "help": "help(len)",
    "coding": "# -*- coding: latin-1 -*-\nprint(ascii('é'))",
    "future": "from __future__ import annotations\ndef f(x: y): pass\nprint(f.__annotations__)",
    "null-byte": "print(1)\0print(2)",
    "terminal-size": "import shutil, os\nprint(shutil.get_terminal_size())",
    "readline": "import readline; print(readline.get_history_length(), readline.get_current_history_length())",
    "pydoc-main": "'''the docstring'''\nprint(__doc__)",
    "own-words": "print(open('/proc/self/cmdline').read().rstrip(chr(0)).split(chr(0)), sorted(open('/proc/self/environ').read().rstrip(chr(0)).split(chr(0))))",
    "own-words-of-child": "import subprocess; print(subprocess.run(['cat', '/proc/self/cmdline', '/proc/self/environ'], capture_output=True))",
    "dir-changes": "import os; os.chdir('/'); import sys; print(sys.path[0], os.getcwd()); import helper",
    "sockets": "import socket\na, b = socket.socketpair(); a.send(b'x'); print(b.recv(1), a.fileno(), b.fileno())",
    "tempfile": "import tempfile, os\nwith tempfile.NamedTemporaryFile(dir='.') as f: print(os.path.exists(f.name), f.file.fileno())",
    "sqlite": "import sqlite3; print(sqlite3.connect(':memory:').execute('select 1+1').fetchall())",
    "ctypes-argv": "import ctypes\nc = ctypes.pythonapi; c.Py_GetProgramName.restype = ctypes.c_wchar_p; print(c.Py_GetProgramName())",
    "decimal": "from decimal import Decimal; import fractions, json, re, datetime, collections, typing, dataclasses, enum; print(Decimal('1.1') + 1, json.dumps({'a': [1, None]}))",
    "logging": "import logging; logging.basicConfig(level=10); logging.debug('d'); logging.getLogger('x').error('e')",
    "concurrent": "import concurrent.futures as c\nwith c.ThreadPoolExecutor(2) as e: print(list(e.map(str, range(5))))",
}

# Words that are not Python's own on a command line reach the program as they are.
HELPER = {"helper.py": "value = 1\n"}
ODD_WORDS = ["a b", "", "-x", "--", "--help", "ü", "-c", b"\xff\xfe".decode("utf-8", "surrogateescape")]


def file_text(text):
    return text.encode("latin-1") if "coding: latin-1" in text else text.encode()


def small_programs(version):
    lines = b"one\ntwo\xc3\xa9\r\nthree"
    call = {"CALL": "value", "EMPTY": "", "NON_ASCII": "\udcff\u00fc"}
    for name, text in EXITS.items():
        if name == "group" and version < (3, 11):
            continue
        ignore = {"faulthandler": "Current thread .*", "help": "", "fork": "", "state": r", sys\.hash_info.*"}.get(name, "")
        # In what order the collector finalises a heap of garbage is nobody's promise, and taking start-up's objects back changes it.
        unordered = name.startswith(("del-in-", "del-through-"))
        words = ODD_WORDS if name in ("state", "own-words") else []
        if "\0" not in text:
            yield Case(f"-c {name}", ["-c", text, *words], files=HELPER, stdin=lines, environment=call, ignore=ignore,
                       unordered=unordered)
        yield Case(f"file {name}", ["dir/program.py", *words], stdin=("file", lines), environment=call,
                   files={"dir/program.py": file_text(text), "dir/helper.py": "value = 2\n"}, ignore=ignore, unordered=unordered)


def ways_to_run(version):
    state, package = {"program.py": STATE}, {"p/__init__.py": "print('init')\n", "p/__main__.py": STATE, "p/m.py": STATE}
    yield Case("-m module", ["-m", "program", "a"], files=state)
    yield Case("-m package", ["-m", "p", "a"], files=package)
    yield Case("-m package.module", ["-m", "p.m", "-c", "x"], files=package)
    yield Case("-m missing", ["-m", "missing"])
    yield Case("-m missing in package", ["-m", "p.missing"], files=package)
    yield Case("-m raises", ["-m", "program"], files={"program.py": FRAMES})
    yield Case("-m package raises on import", ["-m", "p"], files={"p/__init__.py": "1/0"})
    yield Case("-mjoined", ["-mprogram", "a"], files=state)
    yield Case("-cjoined", ["-cimport sys; print(sys.argv)", "a"])
    yield Case("directory", ["p", "a"], files=package)
    yield Case("directory without main", ["q"], files={"q/x.py": ""})
    yield Case("dot", ["."], files={"__main__.py": STATE})
    yield Case("file raises", ["program.py"], files={"program.py": FRAMES})
    yield Case("file missing", ["missing.py"])
    yield Case("file unreadable as text", ["program.py"], files={"program.py": b"\xff\xfe\x00"})
    yield Case("file with shebang", ["./program"], files={"program": "#!/usr/bin/python3 -E\n" + STATE})
    yield Case("file ..", ["p/../program.py"], files={**state, "p/x": ""})
    yield Case("file /dev/stdin", ["/dev/stdin", "a"], stdin=b"import sys; print(sys.argv, __file__)\n")
    yield Case("stdin", [], stdin=STATE.encode())
    yield Case("stdin -", ["-", "a", "b"], stdin=("file", STATE.encode()))
    yield Case("stdin raises", ["-"], stdin=FRAMES.encode())
    yield Case("stdin nothing", [], stdin=None)
    yield Case("stdin syntax", [], stdin=b"print(1)\ndef f(:\n")
    yield Case("stdin terminal", [], stdin=("tty", b"1 + 1\nprint('x')\n1/0\nexit(3)\n"), stdout="tty", start_environment={"TERM": "dumb"},
               ignore=r"Python 3[^\n]*\n|\[GCC[^\n]*\n")
    yield Case("terminal", ["-c", STATE], stdin=("tty", b"x\n"), stdout="tty")
    yield Case("terminal input", ["-c", "print(input('? '))"], stdin=("tty", b"word\n"), stdout="tty", start_environment={"TERM": "dumb"})
    yield Case("output file", ["-c", STATE], stdout="file")
    yield Case("output full", ["-c", "print('x')"], stdout="full")
    yield Case("output full, large", ["-c", "print('x' * 100000)"], stdout="full")
    yield Case("output full, exit", ["-c", "print('x'); import sys; sys.exit(3)"], stdout="full")
    yield Case("output broken", ["-c", "print('x')"], stdout="broken")
    yield Case("output broken, flush", ["-c", "print('x', flush=True)"], stdout="broken")
    yield Case("output broken, default action", ["-c", "import signal; signal.signal(13, signal.SIG_DFL); print('x', flush=True)"],
               stdout="broken")
    yield Case("zip", ["-c", "import zipfile; z = zipfile.ZipFile('a.zip', 'w'); z.writestr('__main__.py', 'import sys; print(sys.argv, __file__, sys.path[0])'); z.close(); import subprocess, sys; print(subprocess.run([sys.executable, 'a.zip', 'x']))"], ignore="x")
    yield Case("script's own path first", ["sub/program.py"], files={"sub/program.py": "import json; print(json.__file__)", "sub/json.py": ""})
    yield Case("working directory not first", ["sub/program.py"], files={"sub/program.py": "import helper", "helper.py": ""})
    yield Case("safe path", ["-c", STATE], options=["-P"] if version >= (3, 11) else ["-I"])
    yield Case("start-up ignores the workspace", ["-c", "print('clean')"],
               files={"sitecustomize.py": "print('bad')", "usercustomize.py": "print('bad')", "os.py": "print('bad')", "x.pth": "import bad"})
    for options in (["-B"], ["-E"], ["-I"], ["-O"], ["-OO"], ["-S"], ["-s"], ["-u"], ["-b"], ["-bb"], ["-q"], ["-v", "-S"][1:], ["-W", "error"],
                    ["-Werror::DeprecationWarning"], ["-X", "dev"], ["-Xutf8"], ["-X", "utf8=0"], ["-X", "faulthandler"], ["-X", "tracemalloc"],
                    ["-IBu"], ["-d"], ["-x"], ["--check-hash-based-pycs", "never"]):
        if "-d" in options and version < (3, 10):
            continue
        yield Case(f"options {options} state", ["-c", STATE], options=options)
        yield Case(f"options {options} frames", ["program.py"], options=options, files={"program.py": FRAMES})
        yield Case(f"options {options} bytes", ["-c", "assert 0, 'asserted'\n"], options=options)
        yield Case(f"options {options} order", ["-c", EXITS["unbuffered-order"] + "; b'' == ''; 1/0"], options=options)
    for name, value in (("PYTHONUNBUFFERED", "1"), ("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONHASHSEED", "7"), ("PYTHONHASHSEED", "0"),
                        ("PYTHONIOENCODING", "latin-1:replace"), ("PYTHONUTF8", "1"), ("PYTHONOPTIMIZE", "2"), ("PYTHONWARNINGS", "error"),
                        ("PYTHONNOUSERSITE", "1"), ("PYTHONPYCACHEPREFIX", "/tmp/none"), ("PYTHONDEVMODE", "1"), ("PYTHONMALLOC", "debug"),
                        ("PYTHONFAULTHANDLER", "1"), ("PYTHONSAFEPATH", "1"), ("PYTHONCOERCECLOCALE", "0"), ("TZ", "Asia/Tokyo"),
                        ("LC_ALL", "C"), ("LC_ALL", "POSIX"), ("LC_ALL", "C.UTF-8"), ("LANG", "de_DE.UTF-8"), ("PYTHONINTMAXSTRDIGITS", "700"),
                        ("PYTHONVERBOSE", "")):
        yield Case(f"{name}={value} state", ["-c", STATE + "\nprint(hash('x') if sys.flags.hash_randomization == 0 or 'PYTHONHASHSEED' in os.environ else '')"],
                   start_environment={name: value})
        yield Case(f"{name}={value} locale", ["-c", EXITS["locale"] + "\nprint('ü€')"], start_environment={name: value})
    yield Case("no environment but its own", ["-c", STATE], environment={})
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGPIPE", "SIGXFSZ"):
        number = getattr(signal, name)
        wait = "import time, sys\ntry: print('ready', flush=True); time.sleep(0.5 if %r in ('SIGPIPE', 'SIGXFSZ') else 60)\nfinally: print('finally')" % name
        yield Case(f"{name}", ["-c", wait], signal=number)
        yield Case(f"{name} in a file", ["program.py"], files={"program.py": wait}, signal=number)
        yield Case(f"{name} in a module", ["-m", "program"], files={"program.py": wait}, signal=number)
        yield Case(f"{name} in stdin", ["-"], stdin=wait.encode() + b"\n", signal=number)
    yield Case("SIGINT handled", ["-c", "import time\ntry:\n    print('ready', flush=True); time.sleep(60)\nexcept KeyboardInterrupt: print('caught')"],
               signal=signal.SIGINT)
    yield Case("SIGINT at exit", ["-c", "import time, atexit\natexit.register(lambda: (print('ready', flush=True), time.sleep(60)))"],
               signal=signal.SIGINT)
    yield Case("SIGINT while a thread runs", ["-c", "import os, threading, time\ndef f(): time.sleep(0.3); os.write(1, b'ready\\n'); time.sleep(0.5)\nthreading.Thread(target=f).start()"],
               signal=signal.SIGINT, ignore=r"File \"[^\n]*threading.py\", line \d+")
    yield Case("SIGTERM handler", ["-c", "import signal, time, sys\nsignal.signal(15, lambda *a: sys.exit(5))\nprint('ready', flush=True); time.sleep(60)"],
               signal=signal.SIGTERM)


def library_programs(version):
    module = {"data.json": '{"b": 1, "a": [1, 2]}', "t.py": "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(1, 1)\n    def test_b(self): self.fail('b')\n    @unittest.skip('s')\n    def test_c(self): pass\n",
              "d.py": '"""\n>>> 1 + 1\n2\n>>> 1 + 1\n3\n"""\n', "x.py": "import os, sys\nx = 1\ndef f(a):\n    return a + x\nprint(f(1))\n"}
    seconds = r"[\d.]+ ?(?:m|u|n)?s(?:ec)?"
    for name, words, stdin, ignore in (
            ("json.tool", ["-m", "json.tool", "data.json"], b"", ""), ("json.tool stdin", ["-m", "json.tool", "--sort-keys"], b'{"b":1,"a":2}', ""),
            ("json.tool bad", ["-m", "json.tool"], b"{", ""), ("timeit", ["-m", "timeit", "-n", "1", "-r", "1", "pass"], b"", seconds),
            ("timeit error", ["-m", "timeit", "1/0"], b"", ""), ("zipfile", ["-m", "zipfile", "-c", "a.zip", "data.json"], b"", "x"),
            ("zipapp", ["-m", "zipapp", "--help"], b"", ""), ("tarfile", ["-m", "tarfile", "-c", "a.tar", "data.json"], b"", "x"),
            ("http.server", ["-m", "http.server", "--help"], b"", ""), ("venv help", ["-m", "venv", "--help"], b"", ""),
            ("unittest", ["-m", "unittest", "t"], b"", r"Ran \d tests in [\d.]+s"), ("unittest -v", ["-m", "unittest", "-v", "t.T.test_a"], b"", r"in [\d.]+s"),
            ("unittest discover", ["-m", "unittest", "discover", "-p", "t.py"], b"", r"in [\d.]+s"), ("doctest", ["-m", "doctest", "d.py"], b"", ""),
            ("pdb", ["-m", "pdb", "x.py"], b"break f\ncontinue\nwhere\np a\nargs\nstep\nquit\n", ""), ("pdb -c", ["-m", "pdb", "-c", "continue", "x.py"], b"q\n", ""),
            ("trace", ["-m", "trace", "--trace", "x.py"], b"", ""), ("trace count", ["-m", "trace", "--listfuncs", "x.py"], b"", ""),
            ("cProfile", ["-m", "cProfile", "-s", "name", "x.py"], b"", r"[\d.]+ seconds|\d+\.\d{3}"), ("profile", ["-m", "profile", "x.py"], b"", r"\d+\.\d{3}"),
            ("dis", ["-m", "dis", "x.py"], b"", r"<[^\n]*>"), ("ast", ["-m", "ast", "x.py"], b"", ""), ("tokenize", ["-m", "tokenize", "x.py"], b"", ""),
            ("compileall", ["-m", "compileall", "-q", "."], b"", "x"), ("py_compile", ["-m", "py_compile", "x.py"], b"", ""),
            ("pydoc", ["-m", "pydoc", "json.tool"], b"", ""), ("calendar", ["-m", "calendar", "2024", "2"], b"", ""), ("this", ["-m", "this"], b"", ""),
            ("base64", ["-m", "base64", "-e"], b"text", ""), ("quopri", ["-m", "quopri"], b"t\xc3\xa9", ""), ("sysconfig", ["-m", "sysconfig"], b"", ""),
            ("platform", ["-m", "platform"], b"", ""), ("site", ["-m", "site"], b"", ""), ("inspect", ["-m", "inspect", "json.tool"], b"", ""),
            ("pickletools", ["-m", "pickletools", "--help"], b"", ""), ("gzip", ["-m", "gzip", "data.json"], b"", "x"), ("locale", ["-m", "locale"], b"", ""),
            ("mimetypes", ["-m", "mimetypes", "a.html"], b"", ""), ("textwrap", ["-m", "textwrap"], b"", ""), ("filecmp", ["-m", "filecmp", ".", "."], b"", ""),
            ("difflib", ["-m", "difflib", "x.py", "d.py"], b"", ""), ("symtable", ["-m", "symtable"], b"x = 1", ""), ("sqlite3", ["-m", "sqlite3", "--help"], b"", ""),
            ("code", ["-m", "code"], b"1 + 1\nprint('y')\n1/0\n", ""), ("asyncio", ["-m", "asyncio"], b"1 + 1\n", r"asyncio REPL [^\n]*\n?|[^\n]* on linux\n?"),
            ("ensurepip", ["-m", "ensurepip", "--version"], b"", ""), ("encodings", ["-m", "encodings.rot_13"], b"abc", ""), ("getpass", ["-c", "import getpass; print(getpass.getuser())"], b"", ""),
            ("runpy", ["-m", "runpy", "x"], b"", ""), ("nntp nothing", ["-m", "antigravity_missing"], b"", ""), ("pyclbr", ["-m", "pyclbr", "x.py"], b"", ""),
            ("tabnanny", ["-m", "tabnanny", "-v", "x.py"], b"", ""), ("uuid", ["-c", "import uuid; print(uuid.uuid5(uuid.NAMESPACE_DNS, 'x'))"], b"", ""),
            ("random seeded", ["-c", "import random; random.seed(1); print(random.random(), random.choice('abc'))"], b"", "")):
        yield Case(name, words, files=module, stdin=stdin, ignore=ignore)
