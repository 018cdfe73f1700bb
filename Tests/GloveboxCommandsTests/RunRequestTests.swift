import CommandOutput
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import TestSupport
import Testing

@testable import Glovebox
@testable import GloveboxCommands

/// What `glovebox run` makes of its words before anything is launched.
@Suite struct RunRequestTests {
    private let scratch: ScratchDirectory
    private let here: String

    init() throws {
        scratch = try ScratchDirectory()
        here = try PathResolution.canonicalPath(".")
    }

    private func confinement(_ rules: String, _ words: [String]) throws -> Confinement {
        let file = try scratch.file("p.yaml", "version: 1\nname: p\ncapabilities:\n\(rules)\n")
        guard case .run(let arguments) = try RunArguments.read(["--policy", file] + words + ["--", "true"]) else {
            throw CommandFailure.usage("help")
        }
        return try RunCommand.request(arguments).confinement
    }

    /// The policy grants no workspace, the command line grants its directory by another name.
    @Test func denialsOfTheWorkspaceHoldInTheCurrentDirectory() throws {
        let rules = "  - {deny: 'filesystem:workspace:.env', because: x}"
        let confinement = try confinement(rules, ["--allow", "filesystem:host:\(here)=read"])
        #expect(confinement.workspace == nil)
        #expect(confinement.grants.map(\.path) == [here])
        #expect(confinement.denials.map(\.path) == [(here == "/" ? "" : here) + "/.env"])
    }

    @Test func aNamedWorkspaceIsWhereTheyHold() throws {
        let workspace = try scratch.directory("w")
        let rules = "  - {deny: 'filesystem:workspace:.env', because: x}"
        let confinement = try confinement(rules, ["--workspace", workspace, "--allow", "filesystem:host:\(scratch.path)=read"])
        #expect(confinement.denials.map(\.path) == [workspace + "/.env"])
    }

    @Test func withoutSuchDenialsTheDirectoryIsNotAskedFor() throws {
        let confinement = try confinement("  - {allow: 'filesystem:host:\(here)', rights: [read]}", [])
        #expect(confinement.denials == [] && confinement.standingDenials == [])
    }
}
