import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// A denied name may lead through links. Where it leads stays denied, and so does every name on the way, made again.
@Suite(.serialized) struct DeniedLinkTests {
    private static func policy() throws -> ResolvedPolicy {
        try TestPolicies.inline(parent: "shell", ["deny: \"filesystem:workspace:link/secret\", rights: [read, write, delete]"])
    }

    private static func forge(_ name: String) -> String {
        "my $name = \"\(name)\"; unlink $name; my $fd = call \"create\", 2, $name, 0x41, 0644; "
            + "if ($fd >= 0) { my $text = \"forged\"; syscall(1, $fd, $text, 6) }"
    }

    /// `link/secret` is `dir/secret`, which leads through `hop` to `far/secret`.
    private static func prepare(_ fixture: SandboxFixture) throws {
        try fixture.directory("dir", mode: 0o777)
        try fixture.directory("far", mode: 0o777)
        try fixture.link("link", to: "dir")
        try fixture.file("far/secret", "canary")
        try fixture.link("hop", to: "far")
        try fixture.link("dir/secret", to: "../hop/secret")
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["link", "dir/secret", "hop", "far/secret"])
    func `a link on the way cannot be made again`(name: String) async throws {
        try await SandboxFixture.with { fixture in
            try Self.prepare(fixture)
            #expect(try fixture.outside("read", fixture.path("link/secret")) == .ok("canary"))
            let report = try await fixture.perl(try Self.policy(), Self.forge(name))
            #expect(report.output == "create EACCES\n", "\(report.outcome)")
            #expect(report.violations.contains { $0.layer == "name-denial" })
            #expect(try HostFile.text(fixture.path("far/secret")) == "canary")
            // Outside the same program replaces it.
            #expect(try fixture.perlOutside(Self.forge(name)).output == "create ok\n")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what a denied link to nothing leads to cannot be made`() async throws {
        try await SandboxFixture.with { fixture in
            try fixture.directory("link", mode: 0o777)
            try fixture.directory("far", mode: 0o777)
            try fixture.link("link/secret", to: "../far/absent")
            let report = try await fixture.perl(try Self.policy(), Self.forge("far/absent"))
            #expect(report.output == "create EACCES\n", "\(report.outcome)")
            #expect(try HostFile.names(fixture.path("far")) == [])
            #expect(try await fixture.probe(try Self.policy(), "create", fixture.path("far/other")).answer.isOK)
            #expect(try fixture.perlOutside(Self.forge("far/absent")).output == "create ok\n")
            #expect(try fixture.outside("read", fixture.path("link/secret")) == .ok("forged"))
        }
    }

    /// The receipt counts names, not the links that lead to them.
    @Test(.timeLimit(.minutes(1))) func `the receipt counts each name once`() async throws {
        try await SandboxFixture.with { fixture in
            let bare = try await fixture.probe(try TestPolicies.shipped("shell"), "cwd")
            try Self.prepare(fixture)
            let report = try await fixture.probe(try Self.policy(), "cwd")
            func absent(_ report: RunReport) -> Substring? {
                report.entry("mount-namespace")?.detail.split(separator: "; ").first { $0.contains("absent names") }
            }
            #expect(report.entry("mount-namespace")?.detail.contains("1 denied names covered") == true)
            #expect(absent(report) != nil && absent(report) == absent(bare))
        }
    }
}
