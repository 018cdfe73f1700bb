import Glibc
import TestSupport
import Testing

@testable import GloveboxRuntimeCommands

@Suite struct TokenFileTests {
    @Test func aTokenOfAProgramThatIsGoneIsRemoved() throws {
        let scratch = try ScratchDirectory("token")
        let store = scratch.path + "/store.sqlite"
        // No number of a process is so large.
        let (dead, living) = ("\(store).mcp-token-\(Int32.max)", "\(store).mcp-token-\(getppid())")
        let others = ["\(store).mcp-token-", "\(store).mcp-token-1x", "\(store)2.mcp-token-\(Int32.max)"]
        for path in [dead, living] + others { try HostFile.write(path, "x", mode: 0o600) }
        let file = try TokenFile.open(nil, beside: store)
        #expect(!HostFile.exists(dead))
        for path in [file.path, living] + others { #expect(HostFile.exists(path), "\(path)") }
        file.close()
        #expect(!HostFile.exists(file.path))
    }
}
