import Glibc
import LinuxPrimitives
import SandboxTestSupport
import TestSupport
import Testing

/// The positive controls run without a sandbox: none of them may outlive its test or hold it up.
@Suite struct BareProcessTests {
    /// Writes the /proc lines of a child and of the shell itself, for the test to look for after their end.
    private static let introduction = "sleep 1000 & cat /proc/$!/stat /proc/$$/stat >started && mv started processes"

    private static func expectEnded(_ scratch: ScratchDirectory) throws {
        let lines = try HostFile.text(scratch.path + "/processes").split(separator: "\n")
        #expect(lines.count == 2)
        for line in lines {
            let fields = line.split(separator: " ")
            let pid = try #require(Int32(fields[0]))
            let start = try #require(UInt64(fields[21]))
            #expect(try ProcessTable.hasEnded(pid, startTime: start), "\(line)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a program that floods is ended with all its children`() throws {
        let scratch = try ScratchDirectory("flood")
        let error = #expect(throws: SystemError.self) {
            try BareProcess.run(["/bin/sh", "-c", Self.introduction + "; yes"], workingDirectory: scratch.path)
        }
        #expect(error?.errno == EFBIG)
        try Self.expectEnded(scratch)
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["; wait", "; exec >/dev/null 2>&1; kill -9 $!; while :; do :; done"])
    func `a program that does not end is ended with all its children`(rest: String) throws {
        let scratch = try ScratchDirectory("endless")
        let error = #expect(throws: SystemError.self) {
            try BareProcess.run(["/bin/sh", "-c", Self.introduction + rest], workingDirectory: scratch.path, seconds: 3)
        }
        #expect(error?.errno == ETIMEDOUT)
        try Self.expectEnded(scratch)
    }

    @Test(.timeLimit(.minutes(1))) func `a program that ends leaves no children, and its status is its own`() throws {
        let scratch = try ScratchDirectory("ends")
        // The child does not hold the output: its end is the program's own.
        let script = "exec >/dev/null 2>&1; \(Self.introduction); exit 5"
        let ended = try BareProcess.run(["/bin/sh", "-c", script], workingDirectory: scratch.path)
        #expect(ended.code == 5)
        try Self.expectEnded(scratch)
    }
}
