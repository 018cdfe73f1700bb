import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// The supervisor binds unix sockets for the tool and sets their modes: somebody else who works in the same directory must not
/// be able to put another file in its way.
@Suite(.serialized) struct SocketNameTests {
    @Test(.timeLimit(.minutes(1))) func `a name exchanged for a link while it is bound changes no file of the host`() async throws {
        try await SandboxFixture.with { fixture in
            let victim = fixture.scratch.path + "/victim"
            try HostFile.write(victim, "canary", mode: 0o600)
            try HostFile.give(victim, to: SandboxFixture.workspaceOwner)
            func mode() throws -> UInt32 { try HostFile.identity(victim).mode & 0o777 }
            // Outside, whoever sets a mode by the name of a link sets it where the link leads.
            try fixture.link("link", to: victim)
            #expect(try fixture.outside("chmod", fixture.path("link"), "777").isOK)
            #expect(try mode() == 0o777)
            chmod(victim, 0o600)

            var pipe = try Pipe.make()
            let reading = pipe.takeFirst()
            let writing = pipe.takeSecond()
            let request = try fixture.request(
                try TestPolicies.shipped("shell"),
                PerlScript.arguments(
                    """
                    umask 0; my ($name, $bound) = ("s", 0); my $address = pack("S a*x", 1, $name);
                    for my $i (1..1500) {
                        my $socket = syscall(41, 1, 1, 0); unlink $name;
                        $bound++ if syscall(49, $socket, $address, length $address) == 0; shut $socket;
                    }
                    print $bound > 0 ? "bound\\n" : "nothing was bound\\n";
                    """),
                output: .forward(stdout: writing.rawValue, stderr: writing.rawValue, sanitizeStdout: false, sanitizeStderr: false))
            let run = try BackgroundRun(fixture.supervisor, request)
            // Another run in the same workspace could do the same: a link in the place of each socket, as soon as it is there.
            var exchanged = 0
            let (fresh, name) = (fixture.path("l"), fixture.path("s"))
            while try !Polling.wait(reading.rawValue, for: .readable, deadline: 0) {
                symlink(victim, fresh)
                guard (try? HostFile.identity(name))?.isSocket == true else { continue }
                if rename(fresh, name) == 0 { exchanged += 1 }
            }
            var lines = LineReader(reading)
            #expect(try lines.next() == "bound")
            #expect(await run.report().outcome == .exited(code: 0))
            writing.close()
            #expect(exchanged > 0)
            #expect(try mode() == 0o600)
        }
    }

    /// The mode is the one that the kernel would have given: everything but what the tool's own mask takes away.
    @Test(.timeLimit(.minutes(1)), arguments: ["0", "022", "077", "0777"])
    func `a socket has the mode of the tool's own mask`(mask: String) async throws {
        try await SandboxFixture.with { fixture in
            let script = """
                umask \(mask); my $address = pack("S a*x", 1, "s"); my $socket = syscall(41, 1, 1, 0);
                call "bind", 49, $socket, $address, length $address; printf "%o\\n", (lstat "s")[2] & 07777; unlink "s";
                """
            let outside = try fixture.perlOutside(script)
            #expect(outside.output.hasPrefix("bind ok\n"))
            #expect(try await fixture.perl(try TestPolicies.shipped("shell"), script).output == outside.output)
        }
    }
}
