import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// Names that a policy denies stay out of reach whether they exist or not, and no attempt leaves a trace on the host.
@Suite(.serialized) struct DeniedNameTests {
    @Test(.timeLimit(.minutes(1)), arguments: [".env", ".netrc", ".bashrc", ".vscode", ".mcp.json"])
    func `an absent name cannot be made, by any call`(name: String) async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("shell")
            try fixture.file("file", "content")
            try fixture.directory("full")
            try fixture.file("full/x", "content")
            let target = fixture.path(name)
            let ways: [[String]] = [
                ["create", target], ["create-excl", target], ["mkdir", target], ["symlink", "file", target], ["mknod", target, "fifo"],
                ["link", fixture.path("file"), target], ["rename", fixture.path("file"), target], ["rename", fixture.path("full"), target],
                ["create", fixture.path("full/../" + name)], ["create", fixture.path("./" + name)], ["create", "/proc/self/cwd/" + name],
            ]
            for way in ways {
                let report = try await fixture.seal(policy, [Products.probe] + way)
                #expect(report.answer.error != nil, "\(way): \(report.answer)")
                if !way.contains(where: { $0.hasPrefix("/proc") }) {
                    #expect(report.answer.error == "EACCES", "\(way): \(report.answer)")
                    let violation = try #require(report.violations.first, "\(way)")
                    #expect(violation.layer == "name-denial")
                    #expect(violation.rule?.hasPrefix("guarded.yaml:") == true)
                }
                #expect(!HostFile.exists(target), "\(way)")
            }
            #expect(try HostFile.names(fixture.workspace) == ["file", "full"])
            #expect(try fixture.outside("create", target).isOK)
        }
    }

    /// A policy is for any workspace: advice that named the host's path would hold for this one alone.
    @Test(.timeLimit(.minutes(1))) func `a refused name of the workspace is advised as one of the workspace`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.inline([
                #"allow: "filesystem:workspace:*", rights: [read]"#, #"allow: "filesystem:workspace:out/*", rights: [read, write]"#,
                #"deny: "filesystem:workspace:out/.env", rights: [read, write]"#,
            ])
            for directory in ["out", "src"] { try fixture.directory(directory) }
            try fixture.file("src/old")
            let advised = [
                (["create", fixture.path("src/new")], "filesystem:workspace:src/*"),
                (["mkdir", fixture.path("new")], "filesystem:workspace:*"),
                (["create", fixture.path("src/old")], "filesystem:workspace:src/old"), (["mkdir", "/usr/new"], "filesystem:host:/usr"),
            ]
            for (way, resource) in advised {
                let report = try await fixture.seal(policy, [Products.probe] + way)
                #expect(report.answer.error != nil, "\(way): \(report.answer)")
                let advice = report.violations.first { $0.layer == "landlock" }?.allowedBy
                #expect(advice?.contains("{allow: \"\(resource)\", rights: [") == true, "\(way): \(report.violations)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `an existing secret is neither read nor replaced`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("shell")
            let secret = try fixture.file(".env", "canary")
            try fixture.file("file", "content")
            try fixture.link("link", to: ".env")
            #expect(try fixture.outside("read", secret) == .ok("canary"))
            let ways: [[String]] = [
                ["read", secret], ["read", fixture.path("link")], ["openat2", secret], ["write", secret], ["truncate", secret],
                ["create", secret],
                ["create", fixture.path("link")], ["unlink", secret], ["rename", secret, fixture.path("moved")],
                ["rename", fixture.path("file"), secret], ["rename-exchange", fixture.path("file"), secret],
                ["link", secret, fixture.path("second")], ["chmod", secret, "777"], ["read", "/proc/self/cwd/.env"],
            ]
            for way in ways {
                let answer = try await fixture.seal(policy, [Products.probe] + way).answer
                #expect(answer.error != nil, "\(way): \(answer)")
                #expect(!answer.description.contains("canary"), "\(way)")
            }
            #expect(try HostFile.text(secret) == "canary")
            #expect(try HostFile.identity(secret).mode & 0o777 == 0o644)
            #expect(try HostFile.names(fixture.workspace) == [".env", "file", "link"])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a denied directory stays as it is`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("shell")
            for name in [".git", ".git/hooks", ".git/refs"] { try fixture.directory(name) }
            try fixture.file(".git/config", "[core]\n")
            try fixture.file("evil", "#!/bin/sh\n", mode: 0o755)
            let hook = fixture.path(".git/hooks/pre-commit")
            let ways: [[String]] = [
                ["create", hook], ["mkdir", hook], ["symlink", "x", hook], ["rename", fixture.path("evil"), hook],
                ["link", fixture.path("evil"), hook], ["mknod", hook, "fifo"], ["write", fixture.path(".git/config")],
                ["create", fixture.path(".git/config")], ["rename", fixture.path("evil"), fixture.path(".git/config")],
                ["unlink", fixture.path(".git/config")], ["rename", fixture.path(".git/hooks"), fixture.path("hooks")],
                ["rename", fixture.path(".git"), fixture.path("git")], ["rmdir", fixture.path(".git/hooks")],
                ["create", fixture.path(".git/commondir")], ["open-tmpfile", fixture.path(".git/hooks")],
            ]
            for way in ways {
                let answer = try await fixture.seal(policy, [Products.probe] + way).answer
                #expect(answer.error != nil, "\(way): \(answer)")
            }
            #expect(try HostFile.names(fixture.path(".git")) == ["config", "hooks", "refs"])
            #expect(try HostFile.names(fixture.path(".git/hooks")) == [])
            #expect(try HostFile.text(fixture.path(".git/config")) == "[core]\n")
            #expect(try await fixture.probe(policy, "read", fixture.path(".git/config")).answer == .ok("[core]"))
            #expect(try await fixture.probe(policy, "create", fixture.path(".git/refs/new")).answer.isOK)
        }
    }

    /// A directory filled elsewhere and moved onto an ancestor of a denied name brings that name into being.
    @Test(.timeLimit(.minutes(1))) func `a filled directory does not become a parent of denied names`() async throws {
        try await SandboxFixture.with { fixture in
            let script = """
                my ($a, $b, $git, $gone, $hook) = ("a", "a/hooks", ".git", "gone", "a/hooks/x");
                call "mkdir", 83, $a, 0755; call "mkdir", 83, $b, 0755; shut call "open", 2, $hook, 0x41, 0755;
                call "rename", 82, $a, $git; call "renameat2", 316, -100, $a, -100, $git, 2;
                call "mkdir-git", 83, $git, 0755; call "exchange", 316, -100, $a, -100, $git, 2;
                my $denied = ".git/hooks"; call "mkdir-hooks", 83, $denied, 0755;
                call "away", 82, $git, $gone;
                """
            try fixture.directory("control", mode: 0o777)
            let outside = try fixture.perlOutside(script, workingDirectory: fixture.path("control"))
            #expect(outside.output.contains("rename ok"))
            let report = try await fixture.perl(try TestPolicies.shipped("shell"), script)
            #expect(report.output.contains("rename EACCES"), "\(report.output)")
            #expect(report.output.contains("exchange EACCES"), "\(report.output)")
            #expect(report.output.contains("mkdir-hooks EACCES"), "\(report.output)")
            #expect(!HostFile.exists(fixture.path(".git/hooks")))
            #expect(HostFile.exists(fixture.path("a/hooks/x")))
        }
    }

    /// One process exchanges a directory for a link to the denied place, the other creates through it: whichever way a round
    /// goes, nothing appears where it must not.
    @Test(.timeLimit(.minutes(1))) func `a link swapped under a creating call wins nothing`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped(
                "shell", deny: ["filesystem:workspace:sealed=write,delete"], limits: [.created: 100_000])
            try fixture.directory("sealed", mode: 0o777)
            try fixture.directory("safe", mode: 0o777)
            let script = """
                my $rounds = 400;
                my $child = fork();
                if (!$child) {
                    for (1..$rounds) {
                        symlink("safe", "new") and rename("new", "way"); symlink("sealed", "new") and rename("new", "way");
                        symlink(".", "new") and rename("new", "way");
                    }
                    exit 0;
                }
                my $made = 0;
                for my $i (1..$rounds) {
                    for my $name ("way/evil$i", "way/.env") { if (sysopen(my $f, $name, O_WRONLY | O_CREAT | O_EXCL, 0644)) { $made++;
                    close $f } }
                }
                waitpid($child, 0);
                print "made $made\\n";
                """
            let report = try await fixture.perl(policy, script)
            #expect(report.outcome == .exited(code: 0), "\(report.outcome) \(report.errorOutput)")
            #expect(report.output.hasPrefix("made "))
            #expect(report.output != "made 0\n", "the race had a side that may win")
            #expect(try HostFile.names(fixture.path("sealed")) == [])
            #expect(!HostFile.exists(fixture.path(".env")))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a denied name is found under each of its spellings`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            try fixture.directory("a")
            try fixture.link("here", to: ".")
            for path in ["here/.env", "a/../.env", "here/here/./a/..//.env", "/proc/self/cwd/.env", ".env/", "a/../here/.env"] {
                let full = path.hasPrefix("/") ? path : fixture.path(path)
                for action in ["create", "mkdir"] {
                    #expect(try await fixture.probe(policy, action, full).answer.error != nil, "\(action) \(path)")
                }
            }
            // By descriptor of a directory, and by a relative path after chdir.
            let script = """
                my ($dot, $name, $up) = (".", ".env", "../.env"); my $here = syscall(2, $dot, 0x10000, 0);
                shut call "openat", 257, $here, $name, 0x41, 0644; call "mkdirat", 258, $here, $name, 0755;
                chdir "a"; shut call "up", 2, $up, 0x41, 0644; chdir "/"; shut call "still", 257, $here, $name, 0x41, 0644;
                """
            #expect(try await fixture.perl(policy, script).output == "openat EACCES\nmkdirat EACCES\nup EACCES\nstill EACCES\n")
            #expect(try HostFile.names(fixture.workspace) == ["a", "here"])
            // Beside it, everything may be made.
            #expect(try await fixture.probe(policy, "create", fixture.path("a/.env")).answer.isOK)
            #expect(try await fixture.probe(policy, "create", fixture.path(".environment")).answer.isOK)
        }
    }
}
