import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// Two names that are canonically equivalent as text are two files to the kernel, so they are two names to a policy.
@Suite(.serialized) struct EquivalentNameTests {
    static let composed = "caf\u{E9}"
    static let decomposed = "cafe\u{301}"

    @Test(.timeLimit(.minutes(1))) func `each of two equivalent names is denied`() async throws {
        try await SandboxFixture.with { fixture in
            let names = [Self.composed, Self.decomposed]
            for name in names {
                try fixture.file(name, "canary")
                try fixture.directory(name + ".d")
                try fixture.file(name + ".d/secret", "canary")
            }
            #expect(try HostFile.names(fixture.workspace).count == 4)
            let denied = names + names.map { $0 + ".d/secret" }
            let policy = try TestPolicies.inline(
                parent: "shell",
                denied.map { "deny: \"filesystem:workspace:\($0)\", rights: [read, write, delete]" })
            for name in denied {
                #expect(try fixture.outside("read", fixture.path(name)) == .ok("canary"))
                let answer = try await fixture.probe(policy, "read", fixture.path(name)).answer
                #expect(answer.error != nil, "\(Array(name.utf8)): \(answer)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `each of two equivalent workspaces is itself`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            for name in [Self.composed, Self.decomposed] {
                try fixture.directory(name)
                try fixture.file(name + "/file", "\(name.utf8.count)")
            }
            for name in [Self.composed, Self.decomposed, Self.composed] {
                let report = try await fixture.seal(policy, [Products.probe, "read", "file"], workspace: fixture.path(name))
                #expect(report.answer == .ok("\(name.utf8.count)"), "\(report.outcome)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `each of two equivalent grants is there`() async throws {
        try await SandboxFixture.with { fixture in
            let outer = [Self.composed, Self.decomposed].map { fixture.scratch.path + "/" + $0 }
            for (index, place) in outer.enumerated() {
                try HostFile.makeDirectory(place)
                try HostFile.write(place + "/file", "\(index)")
            }
            let policy = try TestPolicies.inline(
                parent: "guarded", outer.map { "allow: \"filesystem:host:\($0)\", rights: [read]" })
            for (index, place) in outer.enumerated() {
                #expect(try fixture.outside("read", place + "/file") == .ok("\(index)"))
                #expect(try await fixture.probe(policy, "read", place + "/file").answer == .ok("\(index)"))
            }
        }
    }
}
