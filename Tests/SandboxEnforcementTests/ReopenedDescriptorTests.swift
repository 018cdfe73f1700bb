import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// A descriptor opened anew by its name with O_CREAT is opened by the supervisor. Kernel files and devices would take it, not
/// the tool, for their opener.
@Suite(.serialized) struct ReopenedDescriptorTests {
    private static func script(_ path: String) -> String {
        """
        my ($path, $plain) = ("\(path)", 0); my $fd = syscall(2, $path, 0); $plain = $fd; print "open ", $fd >= 0 ? "ok" : name(), "\\n";
        for my $prefix ("/proc/self/fd/", "/dev/fd/", "/proc/thread-self/fd/") {
            my $name = "$prefix$fd"; shut call "reopen", 2, $name, 0x40, 0600;
        }
        """
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["/proc/self/pagemap", "/proc/self/status", "/proc/self/mountinfo", "/proc/meminfo"])
    func `a file of the kernel's is not opened anew by the supervisor`(path: String) async throws {
        try await SandboxFixture.with { fixture in
            let outside = try fixture.perlOutside(Self.script(path))
            #expect(outside.output == "open ok\nreopen ok\nreopen ok\nreopen ok\n")
            let report = try await fixture.perl(try TestPolicies.shipped("shell"), Self.script(path))
            #expect(report.output == "open ok\nreopen EACCES\nreopen EACCES\nreopen EACCES\n", "\(report.errorOutput)")
            #expect(report.violations.filter { $0.layer == "name-denial" }.reduce(0) { $0 + $1.count } == 3)
        }
    }

    /// What a tool has on its standard streams and in its workspace stays possible.
    @Test(.timeLimit(.minutes(1)), arguments: ["/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "file", "fifo"])
    func `harmless files are opened anew`(path: String) async throws {
        try await SandboxFixture.with { fixture in
            try fixture.file("file", "content")
            #expect(mkfifo(fixture.path("fifo"), 0o644) == 0)
            try HostFile.give(fixture.path("fifo"), to: SandboxFixture.workspaceOwner)
            // A FIFO that is open both ways waits for nobody.
            let script = "my $both = syscall(2, my $n = \"fifo\", 2);" + Self.script(path)
            let outside = try fixture.perlOutside(script)
            #expect(outside.output == "open ok\nreopen ok\nreopen ok\nreopen ok\n")
            #expect(try await fixture.perl(try TestPolicies.shipped("shell"), script).output == outside.output)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a number is written as the kernel writes it, and no directory is opened to write`() async throws {
        try await SandboxFixture.with { fixture in
            let script = """
                my $file = "file"; my $fd = syscall(2, $file, 0x42, 0644); my $dot = "."; my $dir = syscall(2, $dot, 0x10000);
                for my $number ("+$fd", "0$fd", " $fd", "-1", "", $dir, $fd) {
                    my $name = "/proc/self/fd/$number"; my $result = syscall(2, $name, 0x40, 0644);
                    print $result < 0 ? "refused\n" : "opened\n"; shut $result;
                }
                unlink "file";
                """
            let outside = try fixture.perlOutside(script)
            #expect(outside.output == String(repeating: "refused\n", count: 6) + "opened\n")
            #expect(try await fixture.perl(try TestPolicies.shipped("shell"), script).output == outside.output)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the supervisor's own terminal is not given to the tool`() async throws {
        try await SandboxFixture.with { fixture in
            let pty = try PseudoTerminal()
            let slave = pty.slave ?? -1
            var lines = LineReader(try pty.master.duplicated())
            let report = try await fixture.seal(
                try TestPolicies.shipped("shell"), PerlScript.arguments(Self.script("/dev/tty")), output: .terminal(slave))
            #expect(report.outcome == .exited(code: 0))
            var seen: [String] = []
            while seen.count < 4, let line = try lines.next() { seen.append(line.last == "\r" ? String(line.dropLast()) : line) }
            #expect(seen == ["open ok", "reopen EACCES", "reopen EACCES", "reopen EACCES"])
            #expect(report.violations.filter { $0.layer == "name-denial" }.reduce(0) { $0 + $1.count } == 3)
        }
    }
}
