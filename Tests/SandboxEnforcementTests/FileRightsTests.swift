import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// Rights on paths exactly as granted, and ways around them.
@Suite(.serialized) struct FileRightsTests {
    /// A directory with a file to read, one to remove and a program; every act on it is possible outside.
    private static func prepare(_ fixture: SandboxFixture, _ name: String) throws -> String {
        let place = fixture.scratch.path + "/" + name
        try fill(place)
        return place
    }

    private static func fill(_ place: String) throws {
        try HostFile.makeDirectory(place)
        try HostFile.write(place + "/file", "content")
        try HostFile.write(place + "/victim", "content")
        try #require(try BareProcess.run(["/bin/cp", Products.probe, place + "/program"]).code == 0)
        for path in [place, place + "/file", place + "/victim", place + "/program"] {
            try HostFile.give(path, to: SandboxFixture.workspaceOwner)
        }
    }

    private static func acts(_ place: String) -> [(right: String, action: [String])] {
        [
            ("read", ["read", place + "/file"]), ("read", ["list", place]), ("write", ["write", place + "/file"]),
            ("write", ["truncate", place + "/file", "3"]), ("write", ["create", place + "/new"]),
            ("write", ["mkdir", place + "/directory"]),
            ("write", ["symlink", "x", place + "/link"]), ("write", ["mknod", place + "/fifo", "fifo"]),
            ("delete", ["unlink", place + "/victim"]), ("execute", ["exec", place + "/program", "exit", "0"]),
        ]
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["read", "write", "delete", "execute"])
    func `one right gives its acts and no other`(right: String) async throws {
        try await SandboxFixture.with { fixture in
            for (_, action) in Self.acts(try Self.prepare(fixture, "outside")) {
                #expect(try BareProcess.run([Products.probe] + action).answer.isOK, "\(action)")
            }
            // Below /tmp a narrower right cannot be kept apart from the private /tmp's own; root has other places.
            if KernelFacts.isRoot {
                let place = "/srv/glovebox-rights-\(fixture.id)"
                fixture.atEnd { HostFile.removeTree(place) }
                try Self.fill(place)
                try await Self.check(right, at: place, fixture)
            } else if right == "read" || right == "execute" {
                try await Self.check(right, at: try Self.prepare(fixture, "granted"), fixture)
            } else {
                let place = try Self.prepare(fixture, "granted")
                let policy = try TestPolicies.inline(["allow: \"filesystem:host:\(place)\", rights: [\(right)]"])
                let outcome = try await fixture.probe(policy, "exit", "0").outcome
                guard case .setupFailed("plan", _, let message) = outcome else {
                    Issue.record("\(right) below /tmp: \(outcome)")
                    return
                }
                #expect(message.contains("/tmp"))
            }
        }
    }

    private static func check(_ right: String, at place: String, _ fixture: SandboxFixture) async throws {
        // The kernel opens a program for reading too before it runs it: execute alone runs nothing.
        let rights = right == "execute" ? ["read", "execute"] : [right]
        let policy = try TestPolicies.inline(["allow: \"filesystem:host:\(place)\", rights: [\(rights.joined(separator: ", "))]"])
        for (needed, action) in Self.acts(place) {
            let answer = try await fixture.seal(policy, [Products.probe] + action).answer
            if rights.contains(needed) {
                #expect(answer.isOK, "\(right): \(action): \(answer)")
            } else {
                #expect(["EACCES", "EROFS", "EPERM"].contains(answer.verdict), "\(right): \(action): \(answer)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `no path leads out of the grants`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let secret = fixture.scratch.path + "/secret"
            try HostFile.write(secret, "canary", mode: 0o666)
            try fixture.link("absolute", to: secret)
            try fixture.link("relative", to: "../secret")
            try fixture.link("root", to: "/")
            try fixture.link("through-proc", to: "/proc/self/root" + secret)
            let paths = [
                secret, fixture.path("absolute"), fixture.path("relative"), fixture.path("root") + secret, fixture.path("../secret"),
                fixture.path("through-proc"), "/proc/self/root" + secret, "/proc/self/cwd/../secret", "/proc/thread-self/root" + secret,
            ]
            for path in paths {
                for action in ["read", "write", "openat2", "stat", "truncate"] {
                    #expect(try fixture.outside(action, path).isOK, "\(action) \(path)")
                    try HostFile.write(secret, "canary", mode: 0o666)
                    let answer = try await fixture.probe(policy, action, path).answer
                    #expect(answer.error != nil, "\(action) \(path): \(answer)")
                }
                // Creating goes through the supervisor, which is not confined by the tool's rules. At most a file of the private
                // /tmp comes of it, since the workspace's parents are there.
                _ = try await fixture.probe(policy, "create", path, "overwritten")
                #expect(try HostFile.text(secret) == "canary", "\(path)")
            }
            for path in ["/proc/1/root" + secret, "/proc/1/cwd", "/proc/1/root"] {
                #expect(try await fixture.probe(policy, "list", path).answer.error != nil, "\(path)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `links cannot bring files in or carry them out`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            try fixture.file("own", "content")
            #expect(try fixture.outside("link", fixture.path("own"), fixture.path("second")).isOK)
            #expect(try await fixture.probe(policy, "link", fixture.path("own"), fixture.path("third")).answer.isOK)
            for (from, to) in [
                ("/usr/bin/perl", fixture.path("perl")), ("/etc/passwd", fixture.path("passwd")), (fixture.path("own"), "/tmp/own"),
            ] {
                let answer = try await fixture.probe(policy, "link", from, to).answer
                #expect(["EXDEV", "EACCES", "EPERM", "EROFS"].contains(answer.verdict), "\(from): \(answer)")
            }
            #expect(try HostFile.names(fixture.workspace) == ["own", "second", "third"])
            // A read-only grant beside a writable one, on one file system: a link would make its files writable.
            let readable = fixture.scratch.path + "/readable"
            try HostFile.makeDirectory(readable)
            try HostFile.write(readable + "/file", "content", mode: 0o666)
            let both = try TestPolicies.shipped("workspace", allow: ["filesystem:host:\(readable)=read"])
            #expect(try await fixture.probe(both, "link", readable + "/file", fixture.path("writable")).answer.error != nil)
            #expect(try await fixture.probe(both, "rename", readable + "/file", fixture.path("writable")).answer.error != nil)
            #expect(!HostFile.exists(fixture.path("writable")))
        }
    }

    /// Files that a tool makes in a workspace belong to whom a person would expect.
    @Test(.timeLimit(.minutes(1))) func `new files belong to the workspace's owner`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            var cases: [(owner: UInt32, mode: UInt32, expected: UInt32)] = [
                (SandboxFixture.workspaceOwner, 0o755, SandboxFixture.workspaceOwner)
            ]
            if KernelFacts.isRoot { cases = [(1000, 0o755, 1000), (0, 0o755, 0), (0, 0o777, 65534), (70_000, 0o700, 70_000)] }
            for (index, sample) in cases.enumerated() {
                let place = fixture.scratch.path + "/workspace-\(index)"
                try HostFile.makeDirectory(place, mode: sample.mode)
                try HostFile.give(place, to: sample.owner)
                for action in [["create", place + "/file"], ["mkdir", place + "/directory"], ["symlink", "x", place + "/link"]] {
                    let report = try await fixture.seal(policy, [Products.probe] + action, workspace: place)
                    #expect(report.answer.isOK, "\(sample) \(action): \(report.outcome) \(report.answer)")
                    let identity = try HostFile.identity(action[action.count - 1])
                    #expect(identity.uid == sample.expected, "\(sample) \(action)")
                }
                // Inside they look like the tool's own.
                let seen = try await fixture.seal(policy, [Products.probe, "stat", place + "/file"], workspace: place).answer
                #expect(seen.value("uid") == "1000", "\(sample): \(seen)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `set-id bits and device nodes are refused`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("shell")
            try fixture.file("program", "#!/bin/sh\n", mode: 0o755)
            for mode in ["4755", "2755", "6755"] {
                #expect(try fixture.outside("chmod", fixture.path("program"), mode).isOK)
                #expect(try fixture.outside("chmod", fixture.path("program"), "755").isOK)
                let report = try await fixture.probe(policy, "chmod", fixture.path("program"), mode)
                #expect(report.answer.error == "EPERM", "\(mode): \(report.answer)")
                #expect(report.violations.contains { ["chmod", "fchmodat", "fchmodat2"].contains($0.syscall) })
            }
            #expect(try await fixture.probe(policy, "chmod", fixture.path("program"), "700").answer.isOK)
            for kind in ["char", "block"] {
                #expect(try await fixture.probe(policy, "mknod", fixture.path(kind), kind).answer.error == "EPERM")
                #expect(try await fixture.probe(policy, "mknod", "/tmp/" + kind, kind).answer.error == "EPERM")
            }
            // Bits given at creation, by every creating call, also with rubbish above them; and without O_CREAT mode means nothing.
            let script = """
                my ($a, $b, $c, $d, $e) = ("a", "b", "c", "d", "e");
                shut call "open", 2, $a, 0x41, 06755; shut call "openat", 257, -100, $b, 0x41, 04755; shut call "creat", 85, $c, 02755;
                call "mkdir", 83, $d, 06777; call "mknod", 133, $e, 0104755, 0; shut call "plain", 2, "program", 0, 06755;
                shut call "tmpfile", 2, ".", 020200002, 04755;
                """
            let report = try await fixture.perl(policy, script)
            #expect(report.output.contains("plain ok"), "\(report.output)")
            #expect(report.output.contains("tmpfile E"), "\(report.output)")
            for name in try HostFile.names(fixture.workspace) {
                #expect(try HostFile.identity(fixture.path(name)).mode & 0o6000 == 0, "\(name)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the tool's mask counts`() async throws {
        try await SandboxFixture.with { fixture in
            let script = """
                for my $mask (0, 022, 027, 077) {
                    umask $mask; my ($file, $directory, $pipe) = ("f$mask", "d$mask", "p$mask");
                    shut call "open", 2, $file, 0x41, 0666; call "mkdir", 83, $directory, 0777; call "mknod", 133, $pipe, 010666, 0;
                    printf "%o %o %o\\n", map { (stat $_)[2] } ($file, $directory, $pipe);
                }
                """
            try fixture.directory("outside", mode: 0o777)
            try fixture.directory("inside", mode: 0o777)
            let outside = try fixture.perlOutside(script, workingDirectory: fixture.path("outside"))
            let inside = try await fixture.perl(try TestPolicies.shipped("workspace"), script, workingDirectory: fixture.path("inside"))
            #expect(outside.output.contains("100640"))
            #expect(inside.output == outside.output)
        }
    }
}
