internal import Glibc
internal import LinuxPrimitives
internal import TestSupport
internal import Testing

@Suite struct HeldNamesTests {
    @Test func `a name is lacking when no other case of it is there`() throws {
        let scratch = try ScratchDirectory()
        let place = try scratch.directory("place")
        let empty = try #require(HeldNames(directory: place))
        #expect(empty.lacks(".env"))
        try scratch.file("place/.ENV", "x")
        _ = try scratch.directory("place/.git")
        _ = try scratch.link("place/dangling", to: "nowhere")
        let names = try #require(HeldNames(directory: place))
        #expect(!names.lacks(".env") && !names.lacks(".Env") && !names.lacks(".git") && !names.lacks("dangling"))
        #expect(names.lacks(".gi") && names.lacks(".gitx") && names.lacks(".aws"))
        // What is not ASCII could be folded by a table of the file system's own.
        #expect(!names.lacks("caf\u{E9}"))
    }

    @Test func `nothing is said of large directories, of names that are not ASCII, and where listings are not the whole truth`() throws {
        let scratch = try ScratchDirectory()
        let place = try scratch.directory("place")
        try scratch.file("place/\u{212A}elvin", "x")
        #expect(HeldNames(directory: place) == nil)
        let large = try scratch.directory("large")
        for number in 0..<400 { try scratch.file("large/file-number-\(number)", "") }
        #expect(HeldNames(directory: large) == nil)
        #expect(HeldNames(directory: "/proc/self") == nil)
        #expect(HeldNames(directory: scratch.path + "/absent") == nil)
    }

    @Test func `every directory size on the way to too many is told truly`() throws {
        let scratch = try ScratchDirectory()
        let place = try scratch.directory("place")
        for number in 0..<200 {
            try scratch.file("place/n\(number)", "")
            guard let names = HeldNames(directory: place) else { continue }
            #expect(!names.lacks("N\(number)") && !names.lacks("n0") && names.lacks("n\(number + 1)"))
        }
    }
}
