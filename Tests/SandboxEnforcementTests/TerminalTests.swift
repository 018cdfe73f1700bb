import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// A run on a terminal gets a pty of ours: the caller's terminal is neither given away nor left changed.
@Suite(.serialized) struct TerminalTests {
    /// A terminal that plays the caller's: what the relay writes to it is read from the other side.
    private struct CallersTerminal: ~Copyable {
        let pty: PseudoTerminal
        let slave: Int32
        var lines: LineReader

        init() throws {
            let opened = try PseudoTerminal()
            let end = opened.slave ?? -1
            let master = try OwnedDescriptor.duplicating(opened.master.rawValue)
            try TerminalWindow(rows: 41, columns: 97).apply(to: end)
            pty = opened
            slave = end
            lines = LineReader(master)
        }

        var name: String {
            var buffer = [CChar](repeating: 0, count: 128)
            ttyname_r(slave, &buffer, buffer.count)
            return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        var settings: [UInt32] {
            var state = termios()
            tcgetattr(slave, &state)
            return [state.c_iflag, state.c_oflag, state.c_cflag, state.c_lflag]
        }

        /// The probe's answer among the lines that came.
        mutating func answer() throws -> ProbeAnswer {
            while let line = try lines.next() {
                let text = line.last == "\r" ? String(line.dropLast()) : line
                if text.hasPrefix("ok") || text.hasPrefix("errno") { return ProbeAnswer(text) }
            }
            return .silent("nothing on the terminal")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the tool's terminal is another one, with the caller's size`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            var terminal = try CallersTerminal()
            let before = terminal.settings
            let name = try await fixture.seal(policy, [Products.probe, "tty-name"], output: .terminal(terminal.slave))
            #expect(name.outcome == .exited(code: 0), "\(name.outcome)")
            let answer = try terminal.answer()
            #expect(answer == .ok("/dev/console controlling=ok"))
            let size = try await fixture.seal(policy, [Products.probe, "winsize"], output: .terminal(terminal.slave))
            #expect(size.outcome == .exited(code: 0))
            #expect(try terminal.answer() == .ok("41x97"))
            #expect(terminal.settings == before, "the caller's terminal is as it was")
            #expect(size.entry("terminal")?.detail.contains("pty") == true)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["tiocsti", "tiocsti-hibits", "tioclinux"])
    func `terminal injection is refused`(action: String) async throws {
        try await SandboxFixture.with { fixture in
            var terminal = try CallersTerminal()
            // Outside a program injects into its controlling terminal, where the kernel has that still switched on.
            if action == "tiocsti", (try? HostFile.text("/proc/sys/dev/tty/legacy_tiocsti"))?.hasPrefix("1") == true {
                // On another terminal: the end of this session leader hangs it up.
                let other = try CallersTerminal()
                // In a child, because the first process of a group can begin no session.
                let script = """
                    use POSIX; if (my $child = fork()) { waitpid($child, 0); exit 0 }
                    POSIX::setsid() > 0 or die "setsid: $!"; open(my $t, '+<', '\(other.name)') or die $!;
                    my $key = ' '; ioctl($t, 0x5412, $key) or die "$!"; print 'injected';
                    """
                #expect(try fixture.perlOutside(script).output == "injected")
            }
            let report = try await fixture.seal(
                try TestPolicies.shipped("workspace"), [Products.probe, action], output: .terminal(terminal.slave))
            #expect(try terminal.answer().error == "EPERM")
            #expect(report.violation(of: "ioctl") != nil)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `keys go in, sizes follow`() async throws {
        try await SandboxFixture.with { fixture in
            var terminal = try CallersTerminal()
            let script = """
                use POSIX; my $buffer = "";
                sub size { ioctl(STDIN, 0x5413, $buffer = "\\0" x 8) or die; return join "x", unpack "SS", $buffer }
                my $window = POSIX::SigSet->new(28); # SIGWINCH
                 sigprocmask(SIG_BLOCK, $window); $SIG{WINCH} = sub {};
                print "size ", size(), "\\n"; my $line = <STDIN>; print "line $line";
                sigsuspend(POSIX::SigSet->new) while size() eq "41x97"; print "size ", size(), "\\n";
                """
            let request = try fixture.request(
                try TestPolicies.shipped("workspace"), PerlScript.arguments(script), output: .terminal(terminal.slave))
            let run = try BackgroundRun(fixture.supervisor, request)
            func expect(_ wanted: String) throws -> Bool {
                while let line = try terminal.lines.next() { if line.hasPrefix(wanted) { return true } }
                return false
            }
            #expect(try expect("size 41x97"))
            try Transfer.writeAll(terminal.pty.master.rawValue, Array("typed\n".utf8))
            #expect(try expect("line typed"))
            try TerminalWindow(rows: 20, columns: 60).apply(to: terminal.slave)
            #expect(try expect("size 20x60"))
            #expect(await run.report().outcome == .exited(code: 0))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `without the option there is no terminal, even when the caller has one`() async throws {
        try await SandboxFixture.with { fixture in
            let terminal = try CallersTerminal()
            let policy = try TestPolicies.shipped("workspace")
            let report = try await fixture.seal(policy, [Products.probe, "tty-name"], input: .descriptor(terminal.slave))
            #expect(report.answer.error == "ENOTTY")
            #expect(try await fixture.probe(policy, "tiocsti", terminal.name).answer.error == "ENOENT")
        }
    }
}
