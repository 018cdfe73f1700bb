import Glibc
import LinuxPrimitives
import Testing

@Suite("A brief watch")
struct BriefWatchTests {
    /// One look each: no clock decides here.
    private func look(_ watch: inout BriefWatch, _ descriptor: Int32) throws -> Int {
        var entries = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        return try watch.look(&entries)
    }

    @Test("sees what is ready, and nothing where nothing is")
    func sees() throws {
        var pipe = try Pipe.make()
        let reading = pipe.takeFirst()
        let writing = pipe.takeSecond()
        var watch = BriefWatch(longest: 0)
        #expect(try look(&watch, reading.rawValue) == 0)
        try Transfer.writeAll(writing.rawValue, [1])
        #expect(try look(&watch, reading.rawValue) == 1)
    }

    @Test("who was slow four times is watched once in 64 waits, and again when it is quick")
    func losesPatience() throws {
        var silent = try Pipe.make()
        var ready = try Pipe.make()
        let nothing = silent.takeFirst()
        let silentEnd = silent.takeSecond() // at its end a pipe would be ready
        let something = ready.takeFirst()
        let end = ready.takeSecond()
        try Transfer.writeAll(end.rawValue, [1])
        var watch = BriefWatch(longest: 0)
        for _ in 0..<4 { #expect(try look(&watch, nothing.rawValue) == 0) }
        for wait in 1..<64 { #expect(try look(&watch, something.rawValue) == 0, "wait \(wait)") }
        #expect(try look(&watch, something.rawValue) == 1)
        #expect(try look(&watch, something.rawValue) == 1, "it was quick, so it is watched")
        #expect(silentEnd.rawValue >= 0)
    }
}
