import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// Sandboxes that stand before their call: each serves one, shows nothing of another, and is given up when it is not what the call
/// would be given now.
@Suite(.serialized) struct PreparedSandboxTests {
    /// A supervisor whose pool is filled by `prepare` alone.
    private func supervisor(_ change: (inout SandboxPoolSettings) -> Void = { _ in }) throws -> SandboxSupervisor {
        var settings = SandboxPoolSettings()
        (settings.perKind, settings.callsBefore) = (1, .max)
        change(&settings)
        return try SandboxSupervisor(launcherPath: Products.launcher, pool: settings)
    }

    /// Waits for something that another thread or process does; false when it does not come in ten seconds.
    private func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
        let deadline = MonotonicClock.now() + 10_000_000_000
        while try !condition() {
            guard MonotonicClock.now() < deadline else { return false }
            sched_yield()
        }
        return true
    }

    @Test(.timeLimit(.minutes(1))) func `a call starts in one that waits, and an empty pool launches cold`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            let request = try fixture.request(
                try TestPolicies.shipped("workspace"), ["/bin/sh", "-c", "echo $1 $X; exit 3", "sh", "word"], environment: ["X": "y"])
            #expect(try supervisor.prepare(for: request))
            #expect(supervisor.preparedCount == 1)
            let prepared = supervisor.run(request)
            #expect(prepared.launch == .prepared)
            #expect(prepared.outcome == .exited(code: 3))
            #expect(String(decoding: prepared.stdout.head, as: UTF8.self) == "word y\n")
            #expect(supervisor.preparedCount == 0)
            let cold = supervisor.run(request)
            #expect(cold.launch != .prepared)
            #expect(cold.outcome == .exited(code: 3))
            #expect(cold.stdout == prepared.stdout)
        }
    }

    /// Layer by layer, but for what is one sandbox's own.
    @Test(.timeLimit(.minutes(1)), arguments: ["workspace", "shell", "build"])
    func `its receipt is that of a cold launch`(policyName: String) async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            let request = try fixture.request(try TestPolicies.shipped(policyName), ["/bin/true"])
            #expect(supervisor.run(request).launch == .cold)
            let cold = supervisor.run(request)
            #expect(try supervisor.prepare(for: request))
            let prepared = supervisor.run(request)
            #expect(prepared.launch == .prepared)
            for (one, other) in zip(cold.receipt, prepared.receipt) where one.layer != Protection.userNamespace.rawValue {
                #expect(one == other)
            }
            #expect(cold.receipt.count == prepared.receipt.count)
        }
    }

    @Test(.timeLimit(.minutes(2))) func `nothing of one call is there for the next`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor { $0.perKind = 2 }
            defer { supervisor.shutDown() }
            let policy = try TestPolicies.shipped("shell")
            // Leaves files, shared memory, a System V segment, a changed host name that is refused, daemons, and its secrets.
            let leaving = """
                echo canary-file > /tmp/left; echo canary-shm > /dev/shm/left; ipcmk -M 4096 >/dev/null 2>&1
                (sleep 60 &) ; (sleep 60 &); cd /tmp; umask 0; echo left
                """
            let looking = """
                echo "files:$(ls -A /tmp /dev/shm | grep -c left)"
                echo "segments:$(ipcs -m | grep -c 0x)"
                echo "pid:$$"
                echo "secret:$SECRET"; echo "directory:$(pwd)"; echo "umask:$(umask)"
                grep -l canary-environment /proc/[0-9]*/environ 2>/dev/null; echo end
                """
            let first = try fixture.request(policy, ["/bin/sh", "-c", leaving], environment: ["SECRET": "canary-environment"])
            let second = try fixture.request(policy, ["/bin/sh", "-c", looking])
            // Both stand before the first call.
            #expect(try supervisor.prepare(for: first))
            #expect(supervisor.preparedCount == 2)
            let one = supervisor.run(first)
            #expect(one.launch == .prepared)
            #expect(String(decoding: one.stdout.head, as: UTF8.self) == "left\n")
            let two = supervisor.run(second)
            #expect(two.launch == .prepared)
            let fresh = supervisor.run(second)
            #expect(fresh.launch != .prepared)
            #expect(two.stdout == fresh.stdout, "\(String(decoding: two.stdout.head, as: UTF8.self))")
            let text = String(decoding: two.stdout.head, as: UTF8.self)
            for line in ["files:0", "segments:0", "pid:2", "secret:\n", "directory:\(fixture.workspace)", "umask:0022", "end\n"] {
                #expect(text.contains(line), "\(line): \(text)")
            }
        }
    }

    /// Ids, cgroup and namespaces are each sandbox's own, those of two that wait at the same time too.
    @Test(.timeLimit(.minutes(1))) func `two that wait share neither ids nor namespaces`() async throws {
        await #expect(processExitsWith: .success) {
            try await SandboxFixture.with("share") { fixture in
                var settings = SandboxPoolSettings()
                (settings.perKind, settings.callsBefore) = (2, .max)
                let supervisor = try SandboxSupervisor(launcherPath: Products.launcher, pool: settings)
                defer { supervisor.shutDown() }
                let request = try fixture.request(try TestPolicies.shipped("workspace"), ["/bin/true"])
                #expect(try supervisor.prepare(for: request))
                let launcher = try #require(try ProcessTable.children(of: getpid()).first)
                let waiting = try ProcessTable.children(of: launcher.pid).filter { process in
                    HostFile.linkTarget("/proc/\(process.pid)/ns/pid") != HostFile.linkTarget("/proc/self/ns/pid")
                }
                #expect(waiting.count == 2)
                for name in ["user", "mnt", "pid", "ipc", "uts", "cgroup", "time"] {
                    let places = Set(waiting.compactMap { HostFile.linkTarget("/proc/\($0.pid)/ns/\(name)") })
                    if KernelFacts.isRoot { #expect(places.count == 2, "\(name)") }
                    #expect(!places.contains(HostFile.linkTarget("/proc/self/ns/\(name)") ?? ""))
                }
                guard KernelFacts.isRoot else { return }
                let ids = try waiting.map { process in
                    try SmallFile.text("/proc/\(process.pid)/status").split(separator: "\n").first { $0.hasPrefix("Uid:") } ?? ""
                }
                #expect(Set(ids).count == 2)
                #expect(!ids.contains { $0.contains("\t0\t") })
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `one that was built from something else is not used`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            let policy = try TestPolicies.shipped("workspace")
            let request = try fixture.request(policy, ["/bin/true"])
            // Another policy, other limits of the cgroup, another workspace.
            let others = [
                try fixture.request(try TestPolicies.shipped("shell"), ["/bin/true"]),
                try fixture.request(try TestPolicies.shipped("workspace", limits: [.memory: 64 << 20]), ["/bin/true"]),
                try fixture.request(policy, ["/bin/true"], workspace: try fixture.directory("inner")),
            ]
            #expect(try supervisor.prepare(for: request))
            for other in others { #expect(supervisor.run(other).launch != .prepared) }
            #expect(supervisor.preparedCount == 1)
            #expect(supervisor.run(request).launch == .prepared)
        }
    }

    /// A cover stands on the file that was there. An editor that saves puts another file in its place, which nothing would cover.
    @Test(.timeLimit(.minutes(1)), arguments: ["replaced", "linked anew", "made", "removed"])
    func `a denied name that changes meanwhile is denied as it is now`(change: String) async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            if change != "made" { try fixture.file(".env", "canary-old") }
            let request = try fixture.request(try TestPolicies.shipped("workspace"), ["/bin/cat", fixture.path(".env")])
            #expect(try supervisor.prepare(for: request))
            switch change {
            case "replaced":
                try fixture.file(".env.new", "canary-new")
                #expect(rename(fixture.path(".env.new"), fixture.path(".env")) == 0)
            case "linked anew":
                #expect(link(fixture.path(".env"), fixture.path("other")) == 0)
                #expect(unlink(fixture.path(".env")) == 0)
                #expect(link(fixture.path("other"), fixture.path(".env")) == 0)
                #expect(unlink(fixture.path("other")) == 0)
            case "made": try fixture.file(".env", "canary-new")
            default: #expect(unlink(fixture.path(".env")) == 0)
            }
            let report = supervisor.run(request)
            #expect(report.launch != .prepared)
            #expect(!String(decoding: report.stdout.head, as: UTF8.self).contains("canary"))
            #expect(report.outcome == .exited(code: 1))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a workspace that was exchanged is seen as it is now`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            try fixture.directory("project")
            try fixture.file("project/old", "old")
            let request = try fixture.request(
                try TestPolicies.shipped("workspace"), ["/bin/ls", fixture.path("project")], workspace: fixture.path("project"))
            #expect(try supervisor.prepare(for: request))
            #expect(rename(fixture.path("project"), fixture.path("away")) == 0)
            try fixture.directory("project")
            try fixture.file("project/new", "new")
            let report = supervisor.run(request)
            #expect(report.launch != .prepared)
            #expect(String(decoding: report.stdout.head, as: UTF8.self) == "new\n")
        }
    }

    // MARK: - The tool itself waits

    /// The inits of the sandboxes that wait, of a supervisor in a process of its own; the last child of the test's process is its launcher.
    private static func waiting() throws -> [ProcessTable.Entry] {
        let launcher = try #require(try ProcessTable.children(of: getpid()).first)
        return try ProcessTable.children(of: launcher.pid).filter { process in
            HostFile.linkTarget("/proc/\(process.pid)/ns/pid") != HostFile.linkTarget("/proc/self/ns/pid")
        }
    }

    private static func line(_ name: String, of pid: Int32) throws -> String {
        let lines = try SmallFile.text("/proc/\(pid)/status").split(separator: "\n")
        return lines.first { $0.hasPrefix(name) }.map(String.init) ?? ""
    }

    /// Filtered, without new privileges and with nothing open that is not close-on-exec, before there is a call; and the same where the
    /// filter refuses a step of ours, but there the init waits.
    @Test(.timeLimit(.minutes(1)), arguments: [[], ["syscall:chdir"], ["syscall:dup3"], ["syscall:recvmsg"]])
    func `the tool waits where its filter lets it`(deny: [String]) async throws {
        await #expect(processExitsWith: .success) { [deny = deny as [String]] in
            try await SandboxFixture.with("tool") { fixture in
                var settings = SandboxPoolSettings()
                (settings.perKind, settings.callsBefore) = (1, .max)
                let supervisor = try SandboxSupervisor(launcherPath: Products.launcher, pool: settings)
                defer { supervisor.shutDown() }
                let request = try fixture.request(try TestPolicies.shipped("workspace", deny: deny), ["/bin/true"])
                #expect(try supervisor.prepare(for: request))
                let initProcess = try #require(try Self.waiting().first)
                let tools = try ProcessTable.children(of: initProcess.pid)
                #expect(tools.count == (deny.isEmpty ? 1 : 0))
                if let tool = tools.first {
                    #expect(try Self.line("Seccomp:", of: tool.pid) == "Seccomp:\t2")
                    #expect(try Self.line("NoNewPrivs:", of: tool.pid) == "NoNewPrivs:\t1")
                    #expect(try Self.line("State:", of: tool.pid).contains("S (sleeping)"), "it waits, and is no load")
                    #expect(try Self.line("State:", of: initProcess.pid).contains("S (sleeping)"))
                }
                let report = supervisor.run(request)
                #expect(report.launch == .prepared)
                #expect(report.outcome == .exited(code: 0))
            }
        }
    }

    /// Waiting for its call the tool holds neither its supervisor nor its launcher.
    @Test(.timeLimit(.minutes(1))) func `a tool that waits ends with a killed supervisor`() async throws {
        let scratch = try ScratchDirectory("parked")
        defer { scratch.remove() }
        let list = scratch.path + "/processes"
        await #expect(processExitsWith: .signal(SIGKILL)) { [list = list as String] in
            let fixture = try SandboxFixture("parked")
            var settings = SandboxPoolSettings()
            (settings.perKind, settings.callsBefore) = (2, .max)
            let supervisor = try SandboxSupervisor(launcherPath: Products.launcher, pool: settings)
            #expect(try supervisor.prepare(for: try fixture.request(try TestPolicies.shipped("workspace"), ["/bin/true"])))
            let launcher = try #require(try ProcessTable.children(of: getpid()).first)
            let all = try ProcessTable.tree(of: launcher.pid)
            fixture.scratch.remove()
            try HostFile.write(list, all.map { "\($0.pid) \($0.startTime)" }.joined(separator: "\n"))
            kill(getpid(), SIGKILL)
        }
        let entries = try HostFile.text(list).split(separator: "\n").map { $0.split(separator: " ") }
        #expect(entries.count >= 5, "a launcher, and twice an init with its tool")
        for fields in entries {
            let pid = try #require(Int32(fields[0]))
            let start = try #require(UInt64(fields[1]))
            #expect(try ProcessTable.hasEnded(pid, startTime: start), "\(pid)")
        }
    }

    /// What a call may do less than the sandbox was built for is taken away at its start.
    @Test(.timeLimit(.minutes(1))) func `a call with lower limits has them, one with higher limits launches cold`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            let script = ["/bin/sh", "-c", "ulimit -n"]
            func request(_ files: UInt64) throws -> RunRequest {
                try fixture.request(try TestPolicies.shipped("workspace", limits: [.openFiles: files]), script)
            }
            #expect(try supervisor.prepare(for: try request(200)))
            let higher = supervisor.run(try request(201))
            #expect(higher.launch != .prepared)
            #expect(String(decoding: higher.stdout.head, as: UTF8.self) == "201\n")
            let lower = supervisor.run(try request(77))
            #expect(lower.launch == .prepared)
            #expect(String(decoding: lower.stdout.head, as: UTF8.self) == "77\n")
            #expect(lower.receipt.first { $0.layer == Protection.seccomp.rawValue }?.state == .enforced)
            let status = try #require(supervisor.poolStatus)
            #expect((status.built, status.taken, status.missed, status.failed) == (1, 1, 1, 0))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `used ones are made anew, idle ones given up`() async throws {
        try await SandboxFixture.with { fixture in
            let refilled = try supervisor { ($0.perKind, $0.callsBefore) = (2, 2) }
            defer { refilled.shutDown() }
            let request = try fixture.request(try TestPolicies.shipped("workspace"), ["/bin/true"])
            for _ in 0..<2 { #expect(refilled.run(request).launch != .prepared) } // asked for once may never be asked for again
            #expect(eventually { refilled.preparedCount == 2 })
            for _ in 0..<5 {
                #expect(refilled.run(request).launch == .prepared)
                #expect(eventually { refilled.preparedCount == 2 })
            }
            let idle = try supervisor { ($0.perKind, $0.callsBefore, $0.idleMilliseconds) = (2, 1, 0) }
            defer { idle.shutDown() }
            #expect(idle.run(request).outcome == .exited(code: 0))
            #expect(eventually { idle.preparedCount == 0 })
        }
    }

    /// In a process of its own, where every child is of this test.
    @Test(.timeLimit(.minutes(1))) func `those that wait end with their supervisor, and leave nothing`() async throws {
        await #expect(processExitsWith: .success) {
            try await SandboxFixture.with("wait") { fixture in
                let request = try fixture.request(try TestPolicies.shipped("workspace"), ["/bin/true"])
                let before = try LeakCount.now()
                for _ in 0..<5 {
                    var settings = SandboxPoolSettings()
                    settings.callsBefore = 1
                    let supervisor = try SandboxSupervisor(launcherPath: Products.launcher, pool: settings)
                    #expect(try supervisor.prepare(for: request))
                    #expect(supervisor.run(request).launch == .prepared)
                    supervisor.shutDown()
                    #expect(try ProcessTable.children(of: getpid()).isEmpty)
                }
                let after = try LeakCount.now()
                #expect(after == before, "\(before); \(after)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a launcher that dies takes them along, and the next call launches cold`() async throws {
        await #expect(processExitsWith: .success) {
            try await SandboxFixture.with("dies") { fixture in
                var settings = SandboxPoolSettings()
                settings.callsBefore = .max
                let supervisor = try SandboxSupervisor(launcherPath: Products.launcher, pool: settings)
                defer { supervisor.shutDown() }
                let request = try fixture.request(try TestPolicies.shipped("workspace"), ["/bin/true"])
                #expect(try supervisor.prepare(for: request))
                let launcher = try #require(try ProcessTable.children(of: getpid()).first)
                #expect(kill(launcher.pid, SIGKILL) == 0)
                let handle = try ProcessHandle(pid: launcher.pid)
                #expect(try Polling.wait(handle.rawValue, for: .readable, deadline: nil))
                // The waiting ones follow by their death signal, at once but not in the same moment.
                var report = supervisor.run(request)
                while report.outcome == .launcherDied { report = supervisor.run(request) }
                #expect(report.outcome == .exited(code: 0))
                #expect(report.launch != .prepared)
            }
        }
    }

    // MARK: - The network namespace that is shared

    /// What such a namespace shows of others in it: abstract sockets and /proc/net.
    @Test(.timeLimit(.minutes(1))) func `a shared network namespace shows nothing of another`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try SandboxSupervisor(launcherPath: Products.launcher)
            defer { supervisor.shutDown() }
            let policy = try TestPolicies.shipped("workspace")
            func run(_ arguments: [String]) throws -> RunReport { supervisor.run(try fixture.request(policy, arguments)) }
            _ = try run(["/bin/true"])
            let shared = try run(["/bin/true"])
            let network = try #require(shared.receipt.first { $0.layer == Protection.networkNamespace.rawValue })
            #expect(network.detail.contains("shared with other sandboxes") == KernelFacts.isRoot, "\(network.detail)")
            #expect(network.state == .enforced)

            let name = "glovebox-test-\(fixture.id)"
            let listener = try Listener(.abstract(name: name))
            #expect(try BareProcess.run([Products.probe, "unix-abstract", name]).answer.isOK)
            #expect(listener.hits() == 1)
            #expect(try run([Products.probe, "unix-abstract", name]).answer.error == "EPERM")
            // Nor can a name be taken, which the next one would find taken.
            let bind = """
                use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
                print bind($s, pack("S a*", AF_UNIX, "\\0glovebox-taken")) ? "bound" : "refused: $!", "\\n";
                print bind($s, pack("S", AF_UNIX)) ? "bound" : "refused: $!", "\\n";
                """
            #expect(try fixture.perlOutside(bind).output.hasPrefix("bound"))
            let inside = try run(["/usr/bin/perl", "-e", bind])
            #expect(!inside.output.contains("bound"), "\(inside.output)")
            #expect(inside.output.split(separator: "\n").count == 2)

            for path in ["/proc/net/unix", "/proc/net/dev", "/proc/self/net/unix", "/proc/thread-self/net/unix", "/proc/1/net/unix"] {
                #expect(try fixture.outside("read", path).isOK, "\(path)")
                #expect(try run([Products.probe, "read", path]).answer.error == "EACCES", "\(path)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `who may see or use a network has one alone`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try SandboxSupervisor(launcherPath: Products.launcher)
            defer { supervisor.shutDown() }
            // Reading /proc, a loopback, a brokered network, further system calls.
            let policies = [
                try TestPolicies.shipped("shell"), try TestPolicies.inline(["allow: \"network:loopback\", rights: [connect]"]),
                try TestPolicies.inline(["allow: \"network:tcp:127.0.0.1:9\", rights: [connect]"]),
                try TestPolicies.inline(["allow: \"syscall:@sync\", rights: [execute]"]),
            ]
            for policy in policies {
                for _ in 0..<3 {
                    let report = supervisor.run(try fixture.request(policy, ["/bin/true"]))
                    let detail = report.receipt.first { $0.layer == Protection.networkNamespace.rawValue }?.detail ?? ""
                    #expect(report.outcome == .exited(code: 0))
                    #expect(!detail.isEmpty && !detail.contains("shared"), "\(detail)")
                }
            }
        }
    }
}
