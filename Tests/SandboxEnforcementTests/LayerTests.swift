import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// What the tool finds itself in: namespaces, ids, capabilities, descriptors, environment, root.
@Suite(.serialized) struct LayerTests {
    @Test(.timeLimit(.minutes(1))) func `every namespace is a fresh one`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let outside = try #require(try fixture.outside("namespaces").detail).split(separator: " ")
            let inside = try #require(try await fixture.probe(policy, "namespaces").answer.detail).split(separator: " ")
            #expect(outside.count == 8)
            #expect(inside.count == 8)
            for (a, b) in zip(outside, inside) { #expect(a != b) }

            let seen = try #require(try fixture.outside("pids").detail.flatMap { Int($0) })
            #expect(seen > 2)
            #expect(try await fixture.probe(policy, "pids").answer == .ok("2"))
            #expect(try await fixture.probe(policy, "hostname").answer == .ok("glovebox"))
            #expect(try fixture.outside("hostname") != .ok("glovebox"))
            let devices = try #require(try await fixture.probe(try TestPolicies.shipped("shell"), "read", "/proc/net/dev").answer.detail)
            #expect(devices.split(separator: ":").count == 2, "one interface: \(devices)")
            #expect(devices.contains(" lo:"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the tool has an id of its own and never root's`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let ids = try await fixture.probe(policy, "ids").answer
            #expect(ids.value("uid") == "1000,1000,1000")
            #expect(ids.value("gid") == "1000,1000,1000")
            // Two at once: their host ids are compared while both live.
            let script = "echo ready; sleep 60 & wait"
            let (outer, first) = try await fixture.whileRunning(policy, script: script) { one in
                let (ids, second) = try await fixture.whileRunning(policy, script: script) { two in
                    defer { two.cancellation.cancel() }
                    return (try Self.hostIdentities(one.tool.pid), try Self.hostIdentities(two.tool.pid))
                }
                #expect(second.outcome == .cancelled)
                one.cancellation.cancel()
                return ids
            }
            #expect(first.outcome == .cancelled)
            for group in [outer.0, outer.1] { #expect(Set(group).count == 1, "real, effective, saved and file ids, of user and group") }
            if KernelFacts.isRoot {
                #expect(try #require(outer.0.first) >= HostIdentityLease.base)
                #expect(try #require(outer.1.first) >= HostIdentityLease.base)
                #expect(outer.0 != outer.1)
            } else {
                #expect(outer.0.first == getuid())
                #expect(outer.1.first == getuid())
            }
        }
    }

    private static func hostIdentities(_ pid: Int32) throws -> [UInt32] {
        try SmallFile.text("/proc/\(pid)/status").split(separator: "\n").filter { $0.hasPrefix("Uid:") || $0.hasPrefix("Gid:") }
            .flatMap { $0.split(separator: "\t").dropFirst().compactMap { UInt32($0) } }
    }

    @Test(.timeLimit(.minutes(1))) func `no capability in any set, no new privileges, a filter`() async throws {
        try await SandboxFixture.with { fixture in
            let outside = try fixture.outside("caps")
            #expect(outside.value("CapBnd") != "0000000000000000")
            let inside = try await fixture.probe(try TestPolicies.shipped("shell"), "caps").answer
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] { #expect(inside.value(set) == "0000000000000000", "\(set)") }
            #expect(inside.value("NoNewPrivs") == "1")
            #expect(inside.value("Seccomp") == "2")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `descriptors are 0, 1 and 2 although the supervisor leaks others`() async throws {
        try await SandboxFixture.with { fixture in
            let secret = fixture.scratch.path + "/secret"
            try HostFile.write(secret, "canary")
            let leaked = [open(secret, O_RDONLY), open("/", O_RDONLY | O_DIRECTORY), socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)]
            defer { for number in leaked { close(number) } }
            try #require(leaked.allSatisfy { $0 >= 0 })
            let outside = try #require(try fixture.outside("fds").detail).split(separator: " ").compactMap { Int32($0) }
            #expect(Set(outside).isSuperset(of: leaked), "the leak is one that a program would inherit")
            let report = try await fixture.probe(try TestPolicies.shipped("workspace"), "fds")
            #expect(report.answer == .ok("0 1 2"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the environment is built from nothing`() async throws {
        try await SandboxFixture.with { fixture in
            setenv("GLOVEBOX_TEST_TOKEN", "canary", 1)
            setenv("LD_PRELOAD_CANARY", "canary", 1)
            defer { unsetenv("GLOVEBOX_TEST_TOKEN") }
            let policy = try TestPolicies.inline([], more: "environment: {pass: [GLOVEBOX_PASSED], set: {FROM_POLICY: \"yes\"}}\n")
            setenv("GLOVEBOX_PASSED", "passed", 1)
            let report = try await fixture.seal(policy, [Products.probe, "environ"], environment: ["FROM_CALLER": "1"])
            let variables = try #require(report.answer.detail).components(separatedBy: "\\x0a")
            #expect(variables.contains("GLOVEBOX_PASSED=passed"))
            #expect(variables.contains("FROM_POLICY=yes"))
            #expect(variables.contains("FROM_CALLER=1"))
            let allowed = Set(
                [
                    "GLOVEBOX_PASSED", "FROM_POLICY", "FROM_CALLER", "PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ",
                    "TERM", "COLORTERM", "NO_COLOR",
                ] as [String]
            ).union(Products.environment.keys)
            let names = variables.compactMap { $0.split(separator: "=").first.map(String.init) }
            for name in names where !name.hasPrefix("LC_") { #expect(allowed.contains(name), "\(name)") }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a session of its own, no terminal, default signals`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let session = try await fixture.probe(policy, "ppid").answer
            #expect(session.value("ppid") == "1")
            #expect(session.value("sid") == session.value("pid"))
            #expect(session.value("pgid") == session.value("pid"))
            let terminal = try await fixture.probe(policy, "tty-name").answer
            #expect(terminal == .errno("ENOTTY", detail: "controlling=ENOENT"))
            // The probe itself ignores SIGPIPE and SIGXFSZ; 32 and 33 are the C library's own, which posix_spawn may leave ignored.
            let signals = try await fixture.probe(try TestPolicies.shipped("shell"), "signals").answer
            #expect(signals.value("SigBlk") == "0000000000000000")
            let ignored = try #require(signals.value("SigIgn").flatMap { UInt64($0, radix: 16) })
            #expect(ignored & ~(3 << 31) == 1 << 12 | 1 << 24)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `tmp is private and the root is read-only`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.tmp: 8 << 20])
            let name = "/tmp/glovebox-private-\(fixture.id)"
            try HostFile.write(name, "canary", mode: 0o666)
            fixture.atEnd { unlink(name) }
            #expect(try fixture.outside("read", name) == .ok("canary"))
            #expect(try await fixture.probe(policy, "read", name).answer.error == "ENOENT")
            #expect(try await fixture.probe(policy, "create", name, "inside").answer.isOK)
            #expect(try HostFile.text(name) == "canary")
            #expect(try await fixture.probe(policy, "statfs", "/tmp").answer.value("bytes") == "8388608")
            for place in ["/x", "/usr/x", "/etc/x", "/dev/x", "/proc/x", "/usr/bin/x", "/run/x"] {
                let report = try await fixture.probe(policy, "create", place)
                #expect(["EACCES", "EROFS", "EPERM", "ENOENT"].contains(report.answer.verdict), "\(place): \(report.answer)")
                #expect(!HostFile.exists(place))
            }
            for path in ["/usr/bin/perl", "/etc/passwd"] {
                let report = try await fixture.probe(policy, "write", path)
                #expect(["EACCES", "EROFS", "EPERM"].contains(report.answer.verdict), "\(path): \(report.answer)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `dev is minimal and the kernel's files are masked`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let names = try #require(try await fixture.probe(policy, "list", "/dev").answer.detail).split(separator: " ").map(String.init)
            #expect(Set(names) == ["null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr", "shm"])
            #expect(try await fixture.probe(policy, "list", "/sys").answer.error == "ENOENT")
            let outside = try #require(try fixture.outside("proc-visible").detail)
            #expect(outside.contains("=ok"))
            let inside = try #require(try await fixture.probe(policy, "proc-visible").answer.detail)
            #expect(!inside.contains("=ok"), "\(inside)")
            for path in ["/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory", "/proc/sysrq-trigger"] {
                if KernelFacts.isRoot, HostFile.exists(path) { #expect(try fixture.outside("write", path).isOK, "\(path)") }
                #expect(try await fixture.probe(policy, "write", path).answer.error != nil, "\(path)")
            }
            #expect(try await fixture.probe(policy, "read", "/proc/sys/kernel/ostype").answer == .ok("Linux"))
            #expect(try fixture.outside("read", "/proc/1/comm").isOK)
            #expect(try await fixture.probe(policy, "read", "/proc/1/environ").answer.error != nil)
            // /proc/<pid>/mountinfo names the host's paths: reading there is a right of its own.
            #expect(try await fixture.probe(policy, "read", "/proc/self/mountinfo").answer.error == "EACCES")
            #expect(try await fixture.probe(try TestPolicies.shipped("shell"), "read", "/proc/self/status").answer.isOK)
        }
    }

    /// The names of the groups that a run is put into say who runs it, and how many others there are.
    @Test(.timeLimit(.minutes(1))) func `the tool stands at the root of its own cgroups`() async throws {
        try await SandboxFixture.with { fixture in
            let script = "open(my $f, '<', '/proc/self/cgroup') or die name(); print <$f>"
            let report = try await fixture.perl(try TestPolicies.shipped("shell"), script)
            let lines = report.output.split(separator: "\n")
            #expect(!lines.isEmpty, "\(report.outcome)")
            for line in lines { #expect(line.hasSuffix(":/"), "\(line)") }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the receipt names every layer as enforced`() async throws {
        try await SandboxFixture.with { fixture in
            let report = try await fixture.probe(try TestPolicies.shipped("workspace"), "exit", "0")
            #expect(report.outcome == .exited(code: 0))
            #expect(report.receipt.count >= 18)
            for entry in report.receipt where entry.layer != "cgroup" && entry.layer != "limits" && entry.layer != "landlock" {
                #expect(entry.state == .enforced, "\(entry)")
            }
            let waived = report.receipt.filter { $0.state == .waived }
            #expect(waived == [])
            #expect(!report.stages.isEmpty)
            #expect(report.policyHash.hasPrefix("sha256:"))
        }
    }
}

extension String {
    /// Parts between occurrences of a longer separator.
    func components(separatedBy separator: String) -> [String] {
        var parts: [String] = []
        var rest = Substring(self)
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
