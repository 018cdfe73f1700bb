import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import Testing

/// A granted device has the rights of its grant. /dev/tty serves as the device: a process without a terminal gets ENXIO from
/// the device itself, and EACCES from whoever guards it.
@Suite(.serialized) struct DeviceRightsTests {
    private static let script = """
        use POSIX; fork() and do { wait; exit 0 }; POSIX::setsid(); my $path = "/dev/tty";
        for my $flags (0, 1, 2) { shut call "open($flags)", 2, $path, $flags }
        """

    @Test(.timeLimit(.minutes(1)), arguments: ["read", "write", "read, write"])
    func `only what is granted can be opened`(rights: String) async throws {
        try await SandboxFixture.with { fixture in
            let outside = try fixture.perlOutside(Self.script)
            #expect(outside.output == "open(0) ENXIO\nopen(1) ENXIO\nopen(2) ENXIO\n")
            let policy = try TestPolicies.inline(parent: "guarded", ["allow: \"device:/dev/tty\", rights: [\(rights)]"])
            let report = try await fixture.perl(policy, Self.script, workingDirectory: "/tmp")
            let expected = [("read", 0), ("write", 1), ("read, write", 2)].map { (needed, flags) in
                "open(\(flags)) \(rights.contains(needed) || rights == needed ? "ENXIO" : "EACCES")\n"
            }
            #expect(report.output == expected.joined(), "\(report.outcome) \(report.errorOutput)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the minimal devices work, and nothing else in their directory`() async throws {
        try await SandboxFixture.with { fixture in
            let script = """
                for my $name ("null", "zero", "full", "random", "urandom") {
                    my $path = "/dev/$name"; shut call "open $name", 2, $path, 2;
                }
                opendir(my $d, "/dev") or die; my $new = "/dev/new"; call "mkdir", 83, $new, 0700;
                """
            let answers = ["null", "zero", "full", "random", "urandom"].map { "open \($0) ok\n" }.joined()
            #expect(try fixture.perlOutside(script).output.hasPrefix(answers))
            let inside = try await fixture.perl(try TestPolicies.shipped("compute"), script, workingDirectory: "/tmp")
            #expect(inside.output.hasPrefix(answers + "mkdir E"), "\(inside.output) \(inside.errorOutput)")
        }
    }
}
