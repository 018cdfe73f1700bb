import Glibc
import SandboxPolicy
import TestSupport
import Testing

@testable import Glovebox

/// What a server keeps of policies: never anything that a run without a server would read differently.
@Suite struct PolicyCacheTests {
    private let scratch: ScratchDirectory
    private let cache: PolicyCache

    init() throws {
        scratch = try ScratchDirectory()
        let shipped = try scratch.directory("shipped")
        for home in ["one", "two"] { try scratch.directory(home + "/.config/glovebox/policies") }
        cache = PolicyCache(PolicyStore(userDirectories: ["/nonexistent"], shippedDirectory: shipped))
        try scratch.file("shipped/base.yaml", "version: 1\nname: base\nroot_preset: true\n")
        try scratch.file("shipped/work.yaml", "version: 1\nname: work\nextends: base\n")
    }

    private func source(_ home: String) -> CachedPolicies { cache.source(configuration: nil, home: scratch.path + "/" + home) }

    private func message(_ reference: String, _ home: String) -> String {
        do throws(PolicyError) {
            return "loaded \(try source(home).load(reference).description ?? "")"
        } catch {
            return error.description
        }
    }

    @Test(arguments: ["shipped/work.yaml", "shipped/base.yaml"])
    func whatWasEditedIsReadAgain(_ file: String) throws {
        let first = try source("one").load("work")
        let again = try source("one").load("work")
        #expect(first == again)
        try scratch.file(file, try HostFile.text(scratch.path + "/" + file) + "limits: {pids: 5}\n")
        let edited = try source("one").load("work")
        #expect(edited != first)
        #expect(unlink(scratch.path + "/" + file) == 0)
        #expect(!message("work", "one").hasPrefix("loaded"))
    }

    /// A file that takes a shipped name is an error, also when it comes later.
    @Test func aNameThatIsTakenLaterIsSeen() throws {
        #expect(message("work", "one").hasPrefix("loaded"))
        try scratch.file("one/.config/glovebox/policies/work.json", #"{"version": 1, "name": "work", "extends": "base"}"#)
        #expect(message("work", "one").contains("takes the name of the shipped policy"))
        #expect(message("work", "two").hasPrefix("loaded"))
    }

    @Test func eachHomeHasItsOwn() throws {
        for home in ["one", "two"] {
            try scratch.file(
                home + "/.config/glovebox/policies/mine.yaml", "version: 1\nname: mine\nextends: work\ndescription: of \(home)\n")
        }
        for _ in 0..<2 {
            #expect(message("mine", "one") == "loaded of one")
            #expect(message("mine", "two") == "loaded of two")
        }
        #expect(!message("mine", "three").hasPrefix("loaded"))
        // What is no absolute path counts for nothing, as in the environment.
        let relative = cache.source(configuration: "one/.config", home: "one")
        #expect((try? relative.load("mine")) == nil)
    }

    @Test func aPathIsReadEachTime() throws {
        let file = try scratch.file("p.yaml", "version: 1\nname: p\nextends: work\ndescription: first\n")
        #expect(message(file, "one") == "loaded first")
        try scratch.file("p.yaml", "version: 1\nname: p\nextends: work\ndescription: other\n")
        #expect(message(file, "one") == "loaded other")
    }
}
