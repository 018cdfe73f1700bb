import CommandOutput
import LinuxPrimitives
import TestSupport
import Testing

@testable import GloveboxRuntimeCommands

@Suite struct StorePlaceTests {
    @Test func aWorkspaceHasOneNameForEver() {
        #expect(StorePlace.name(of: "/home/me/project") == "225df3094012a213")
        #expect(StorePlace.name(of: "/home/me/project") != StorePlace.name(of: "/home/me/project2"))
    }

    @Test func aStoreInTheWorkspaceIsRefused() throws {
        let scratch = try ScratchDirectory("place")
        let workspace = try scratch.directory("workspace/state")
        let root = scratch.path + "/workspace"
        let inside = StorePlace(workspace: root, file: workspace + "/store.sqlite")
        #expect(throws: CommandFailure.self) { try inside.requireOutside(root) }
        let marked = try scratch.directory("workspace/\u{301}d")
        #expect(throws: CommandFailure.self) { try StorePlace(workspace: root, file: marked + "/store.sqlite").requireOutside(root) }
        let beside = StorePlace(workspace: root, file: try scratch.directory("workspace2") + "/store.sqlite")
        try beside.requireOutside(root)
    }

    @Test func parentsAreForTheirOwnerAlone() throws {
        let scratch = try ScratchDirectory("place")
        let place = StorePlace(workspace: "/w", file: scratch.path + "/state/glovebox/abc/store.sqlite")
        try place.makeParents()
        #expect(try HostFile.identity(scratch.path + "/state").mode & 0o777 == 0o700)
        #expect(try HostFile.identity(scratch.path + "/state/glovebox").mode & 0o777 == 0o700)
        #expect(!HostFile.exists(scratch.path + "/state/glovebox/abc"))
        try place.makeParents()
    }

    @Test func aWorkspaceThatIsNotThere() {
        let failure = #expect(throws: CommandFailure.self) { try StorePlace.of(workspace: "/nowhere/at/all", store: nil) }
        #expect(failure?.message.contains("--workspace DIR") == true)
    }
}
