import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// Python that had started before its call: the same program in the same sandbox as a cold launch, and nothing of another call.
@Suite(.serialized) struct ParkedPythonTests {
    private struct Bench {
        let fixture: SandboxFixture
        let supervisor: SandboxSupervisor
        let policy: ResolvedPolicy

        func request(
            _ words: [String], environment: [String: String] = [:], input: RunRequest.Input = .none, workingDirectory: String? = nil,
            policy: ResolvedPolicy? = nil
        ) throws -> RunRequest {
            let policy = policy ?? self.policy
            return RunRequest(
                arguments: words, confinement: try policy.confinement(workspace: fixture.workspace, workspaceWritable: true),
                policyName: policy.name, policyHash: policy.hash, workingDirectory: workingDirectory, environment: environment, input: input
            )
        }

        func isParked(_ request: RunRequest) throws -> Bool {
            _ = try supervisor.prepare(for: request)
            return supervisor.run(request).launch == .parked
        }

        /// Served by one that waits. When the host's mounts change between the two steps (another test's, say) what waited is given up.
        func parked(_ request: RunRequest) throws -> RunReport {
            for _ in 0..<8 {
                guard try supervisor.prepare(for: request) else { continue }
                let report = supervisor.run(request)
                if report.launch == .parked { return report }
            }
            Issue.record("none waited for \(request.arguments): \(String(describing: supervisor.poolStatus?.lastFailure))")
            return supervisor.run(request)
        }

        /// Served by one that waits, and by one of its own.
        func both(_ request: RunRequest) throws -> (parked: RunReport, cold: RunReport) {
            let parked = try parked(request)
            let cold = supervisor.run(request)
            #expect(cold.launch != .parked)
            return (parked, cold)
        }
    }

    private func with(_ name: String = #function, _ body: (Bench) throws -> Void) async throws {
        try ParkedPythonLibrary.require()
        try await SandboxFixture.with(name) { fixture in
            var settings = SandboxPoolSettings()
            (settings.perKind, settings.callsBefore) = (1, .max)
            let supervisor = try SandboxSupervisor(launcherPath: Products.launcher, pool: settings)
            defer { supervisor.shutDown() }
            try body(Bench(fixture: fixture, supervisor: supervisor, policy: try TestPolicies.shipped("python")))
        }
    }

    private static let state = """
        import sys, os, signal, warnings
        print(sys.argv, sys.path, sys.executable, sys.prefix, sys.flags, sys.warnoptions, warnings.filters, sorted(sys.modules))
        print(os.getcwd(), sorted(os.environ.items()), sorted(os.listdir("/proc/self/fd")), os.getpid(), os.getppid(), os.getuid())
        print([(s, s.buffer, s.line_buffering, s.isatty()) for s in (sys.stdin, sys.stdout, sys.stderr)], sys.stdin.read())
        print([(s, signal.getsignal(s)) for s in signal.valid_signals()], sorted(vars(sys.modules["__main__"])))
        print(open("/proc/self/comm").read(), open("/proc/self/cmdline").read().rstrip(chr(0)).split(chr(0)))
        """

    @Test(.timeLimit(.minutes(2))) func `what it runs is what python3 would run`() async throws {
        try await with { bench in
            try bench.fixture.file("program.py", Self.state + "\nraise SystemExit(7)\n")
            try bench.fixture.file("fails.py", "def f():\n    raise ValueError('deep')\nf()\n")
            let input = RunRequest.Input.bytes(Array("canary-input".utf8))
            let lines: [[String]] = [
                ["python3", "-c", Self.state, "a", "-b"], ["/usr/bin/python3", "-Bu", "-c", Self.state], ["python3", "program.py", "x"],
                ["python3", "fails.py"], ["python3", "-I", "-m", "platform"], ["python3", "-m", "missing"], ["python3", "missing.py"],
                ["python3", "-c", "import os, signal; os.kill(os.getpid(), signal.SIGINT)"], ["python3", "-c", "1/0"],
                ["python3", "-W", "error", "-X", "dev", "-c", "import sys; print(sys.flags, sys.warnoptions)"],
                ["python3", "-c", "import os; os.abort()"], ["python3", "-m", "unittest", "--help"],
            ]
            for line in lines {
                let (parked, cold) = try bench.both(try bench.request(line, environment: ["CALL": "value"], input: input))
                #expect(parked.outcome == cold.outcome, "\(line)")
                #expect(parked.output == cold.output, "\(line)")
                #expect(
                    parked.errorOutput == cold.errorOutput, "\(line)")
                #expect(parked.violations.count == cold.violations.count)
            }
        }
    }

    @Test(.timeLimit(.minutes(2))) func `what a start-up would read differently has its own`() async throws {
        try await with { bench in
            let word = ["python3", "-c", "pass"]
            do {
                let isParked = try bench.isParked(try bench.request(word))
                #expect(isParked)
            }
            for line in [
                ["python3", "-i", "-c", "pass"], ["python3", "-v", "-c", "pass"], ["python3", "-V"], ["python3", "--help"],
                ["python3", "-X", "importtime", "-c", "pass"], ["python3", "-Bc", "pass"], ["python3", "--", "x"], ["python3", "-c"],
                ["python3", "-W"], ["python3", "-Z", "-c", "pass"], ["./python3", "-c", "pass"], ["bash", "-c", "true"],
                ["python", "-c", "pass"],
            ] {
                do {
                    let isParked = try bench.isParked(try bench.request(line))
                    #expect(!isParked, "\(line)")
                }
            }
            for (name, value) in [
                ("PYTHONPATH", bench.fixture.workspace), ("PYTHONHOME", "/usr"), ("PYTHONSTARTUP", "/x"), ("PYTHONUSERBASE", "/x"),
                ("PYTHONNEW", "1"), ("LD_LIBRARY_PATH", bench.fixture.workspace), ("LD_AUDIT", "/x"), ("GCONV_PATH", "/x"),
                ("PATH", "bin:/usr/bin"), ("PATH", bench.fixture.workspace),
            ] {
                do {
                    let isParked = try bench.isParked(try bench.request(word, environment: [name: value]))
                    #expect(!isParked, "\(name)")
                }
            }
            do {
                let isParked = try bench.isParked(
                    try bench.request(word, environment: ["PYTHONNOUSERSITE": "", "HOME": bench.fixture.workspace]))
                #expect(!isParked)
            }
            do {
                let isParked = try bench.isParked(
                    try bench.request(word, environment: ["PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "OWN": "x"]))
                #expect(isParked)
            }
        }
    }

    /// One that waits has the environment of its calls, so a call with another one is not its.
    @Test(.timeLimit(.minutes(1))) func `one with another environment is another kind`() async throws {
        try await with { bench in
            let one = try bench.request(["python3", "-c", "pass"], environment: ["A": "1"])
            let isReady = try bench.supervisor.prepare(for: one)
            #expect(isReady)
            let (another, optimised) = (
                try bench.request(["python3", "-c", "pass"], environment: ["A": "2"]),
                try bench.request(["python3", "-O", "-c", "pass"], environment: ["A": "1"])
            )
            let fitting = try bench.request(["python3", "-c", "1"], environment: ["A": "1"])
            #expect(bench.supervisor.run(another).launch != .parked)
            #expect(bench.supervisor.run(optimised).launch != .parked)
            #expect(bench.supervisor.run(fitting).launch == .parked)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the workspace has no part in its start`() async throws {
        try await with { bench in
            for name in ["sitecustomize.py", "usercustomize.py", "os.py", "encodings.py", "early.pth"] {
                try bench.fixture.file(name, "open('started', 'w'); print('started')\n")
            }
            let (parked, cold) = try bench.both(try bench.request(["python3", "-c", "print('ran')"]))
            #expect(parked.output == "ran\n")
            #expect(cold.output == "ran\n")
            #expect(access(bench.fixture.path("started"), F_OK) != 0)
        }
    }

    /// At which it says nothing and does nothing, and the call gets one of its own.
    @Test(.timeLimit(.minutes(1))) func `a call that it cannot take is launched cold`() async throws {
        try await with { bench in
            // What waits is in its directory by then; the launch that follows says what is wrong with it.
            let request = try bench.request(["python3", "-c", "print('ran')"], workingDirectory: "/nowhere")
            let isReady = try bench.supervisor.prepare(for: request)
            #expect(isReady)
            #expect(bench.supervisor.preparedCount == 1)
            let report = bench.supervisor.run(request)
            #expect(report.launch != .parked)
            #expect(bench.supervisor.preparedCount == 0)
            guard case .setupFailed("credentials", ENOENT, _) = report.outcome else {
                Issue.record("\(report.outcome)")
                return
            }
            #expect(report.output == "")
        }
    }

    // MARK: - Enforcement

    @Test(.timeLimit(.minutes(1))) func `its walls are those of a cold launch`() async throws {
        try await with { bench in
            let secret = bench.fixture.scratch.path + "/secret"
            let outside = bench.fixture.scratch.path + "/outside"
            try HostFile.write(secret, "canary-secret", mode: 0o644)
            let listener = try Listener(.tcp)
            let acts = [
                "print(open('\(secret)').read())", "open('\(outside)', 'w').write('x'); print('wrote')",
                "import socket; socket.create_connection(('127.0.0.1', \(listener.port)), 2); print('connected')",
                "import os; print(len(os.listdir('/proc/\(getpid())/task')))",
                "import ctypes, os; l = ctypes.CDLL(None, use_errno=True); assert l.unshare(0x10000000) == 0; print('unshared')",
                "import os; os.kill(\(getpid()), 0); print('signalled')",
            ]
            for act in acts {
                let bare = try BareProcess.run(["/usr/bin/python3", "-I", "-c", act])
                #expect(bare.code == 0, "not possible outside, so that it shows nothing: \(act): \(bare.errorOutput)")
                unlink(outside)
                let (parked, cold) = try bench.both(try bench.request(["python3", "-c", act]))
                // The sandbox's own /tmp may take a file of that name, which the host never sees.
                if !act.contains(outside) { #expect(parked.outcome == .exited(code: 1), "\(act): \(parked.output)") }
                #expect(parked.outcome == cold.outcome)
                #expect(!parked.output.contains("canary"))
                #expect(parked.errorOutput == cold.errorOutput)
                #expect(parked.violations.map(\.syscall) == cold.violations.map(\.syscall), "\(act)")
                #expect(access(outside, F_OK) != 0)
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `its receipt is that of a cold launch`() async throws {
        try await with { bench in
            let (parked, cold) = try bench.both(try bench.request(["python3", "-c", "pass"]))
            // Each has an id of its own; and who waits is granted one file more, which these two count.
            let counting = [Protection.userNamespace, .mountNamespace, .landlock].map(\.rawValue)
            for (one, other) in zip(cold.receipt, parked.receipt) {
                #expect(one.layer == other.layer && one.state == other.state)
                if !counting.contains(one.layer) { #expect(one == other) }
            }
            #expect(cold.receipt.count == parked.receipt.count)
        }
    }

    /// The file that is mapped into it can be read and not changed, and nothing leads to the supervisor any more.
    @Test(.timeLimit(.minutes(1))) func `the program has nothing of ours in hand`() async throws {
        try await with { bench in
            let look = """
                import os
                print(sorted(os.listdir('/proc/self/fd')), [os.readlink('/proc/self/fd/%d' % n) for n in range(3)][:1])
                print('LD_PRELOAD' in os.environ, b'LD_PRELOAD' in open('/proc/self/environ', 'rb').read())
                print(os.popen('env').read().count('LD_PRELOAD'))
                """
            let (parked, cold) = try bench.both(try bench.request(["python3", "-c", look]))
            #expect(parked.output == cold.output)
            let change = """
                import os
                path = '\(ParkedPythonLibrary.path)'
                for act in (lambda: open(path, 'r+b'), lambda: os.truncate(path, 0), lambda: os.unlink(path), lambda: os.chmod(path, 0o777)):
                    try: act(); print('changed')
                    except OSError as e: print('refused')
                """
            let (changed, _) = try bench.both(try bench.request(["python3", "-c", change]))
            #expect(changed.output == "refused\nrefused\nrefused\nrefused\n")
            let seen = "import os; print(os.path.exists('\(ParkedPythonLibrary.path)'))"
            let (shown, hidden) = try bench.both(try bench.request(["python3", "-c", seen]))
            #expect(shown.output == "True\n")
            #expect(hidden.output == "False\n", "only who waits needs it")
        }
    }

    @Test(.timeLimit(.minutes(2))) func `nothing of one call is there for the next`() async throws {
        try await with { bench in
            let leave = """
                import os, sys, random
                open('/tmp/left', 'w').write('canary-' + 'file'); sys.canary = '-'.join(['canary', 'memory'])
                print(hash('text'), random.random())
                """
            let look = """
                import os, re, sys, random
                word = re.compile(b'canary-[m]emory') # which is not there for being looked for
                found = 0
                with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
                    for line in maps:
                        place, rights = line.split()[:2]
                        first, last = (int(x, 16) for x in place.split('-'))
                        if rights[0] != 'r' or '[v' in line: continue
                        try: memory.seek(first); found += len(word.findall(memory.read(last - first)))
                        except (OSError, OverflowError, ValueError): pass
                print(hash('text'), random.random())
                print([n for n in os.listdir('/tmp') if n == 'left'], hasattr(sys, 'canary'), found, sorted(os.listdir('/proc/self/fd')), os.getpid())
                """
            let (one, _) = try bench.both(try bench.request(["python3", "-c", leave]))
            let (two, cold) = try bench.both(try bench.request(["python3", "-c", look]))
            let (first, second) = (one.output.split(separator: "\n"), two.output.split(separator: "\n"))
            try #require(first.count == 1 && second.count == 2, "\(one.output); \(two.output)")
            #expect(first[0].split(separator: " ").first != second[0].split(separator: " ").first, "the same hash seed")
            #expect(first[0].split(separator: " ").last != second[0].split(separator: " ").last, "the same state of random")
            #expect(second[1] == cold.output.split(separator: "\n").last)
            #expect(second[1].hasPrefix("[] False 0 "), "\(two.output)")
        }
    }

    /// Two that wait at once have started one after the other, and each has its own seed.
    @Test(.timeLimit(.minutes(1))) func `each has a hash seed of its own`() async throws {
        try ParkedPythonLibrary.require()
        try await SandboxFixture.with { fixture in
            var settings = SandboxPoolSettings()
            (settings.perKind, settings.callsBefore) = (4, .max)
            let supervisor = try SandboxSupervisor(launcherPath: Products.launcher, pool: settings)
            defer { supervisor.shutDown() }
            let bench = Bench(fixture: fixture, supervisor: supervisor, policy: try TestPolicies.shipped("python"))
            let request = try bench.request(["python3", "-c", "import os; print(hash('text'), os.urandom(8).hex())"])
            let isReady = try supervisor.prepare(for: request)
            #expect(isReady)
            #expect(supervisor.preparedCount == 4)
            var answers: Set<String> = []
            for _ in 0..<4 {
                let report = supervisor.run(request)
                #expect(report.launch == .parked)
                answers.insert(report.output)
            }
            #expect(answers.count == 4)
        }
    }
}
