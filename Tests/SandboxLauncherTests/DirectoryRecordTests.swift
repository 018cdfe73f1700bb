import Glibc
import LinuxPrimitives
import TestSupport
import Testing

@testable import SandboxLauncher

/// A look at directories stands for a look at the names in them, or it is not taken.
@Suite struct DirectoryRecordTests {
    /// A record of a directory whose last change lies in an earlier tick. The clock of file times stands still within one.
    private func record(of paths: [String]) throws -> DirectoryRecord {
        let deadline = MonotonicClock.now() + 10_000_000_000
        while true {
            if let record = DirectoryRecord(of: paths, lookedAtSince: DirectoryRecord.clock()) { return record }
            try #require(MonotonicClock.now() < deadline, "no file system of which this is known?")
            sched_yield()
        }
    }

    @Test func `any change of names shows`() throws {
        let scratch = try ScratchDirectory("record")
        defer { scratch.remove() }
        let path = try PathResolution.canonicalPath(scratch.path)
        try HostFile.write(path + "/there", "x")
        let changes: [(String, () throws -> Void)] = [
            ("made", { try HostFile.write(path + "/new", "x") }), ("removed", { #expect(unlink(path + "/new") == 0) }),
            ("renamed", { #expect(rename(path + "/there", path + "/here") == 0) }),
            ("linked", { #expect(link(path + "/here", path + "/there") == 0) }),
            ("a link", { #expect(symlink("here", path + "/link") == 0) }), ("a directory", { #expect(mkdir(path + "/inner", 0o755) == 0) }),
        ]
        for (name, change) in changes {
            let before = try record(of: [path])
            #expect(before.isUnchanged, "\(name)")
            try change()
            #expect(!before.isUnchanged, "\(name)")
        }
    }

    @Test func `a directory that was exchanged, or is reached through a link now, is another`() throws {
        let scratch = try ScratchDirectory("record")
        defer { scratch.remove() }
        let path = try PathResolution.canonicalPath(scratch.path) + "/place"
        #expect(mkdir(path, 0o755) == 0)
        let first = try record(of: [path])
        #expect(rename(path, path + "-moved") == 0)
        #expect(!first.isUnchanged)
        #expect(symlink(path + "-moved", path) == 0)
        #expect(!first.isUnchanged, "the same directory, by another way")
        #expect(DirectoryRecord(of: [path], lookedAtSince: .max) == nil)
        #expect(unlink(path) == 0)
        #expect(mkdir(path, 0o755) == 0)
        #expect(!first.isUnchanged)
    }

    /// What happens in the same tick need not change the time.
    @Test func `what has just changed is not recorded`() throws {
        let scratch = try ScratchDirectory("record")
        defer { scratch.remove() }
        let path = try PathResolution.canonicalPath(scratch.path)
        let start = DirectoryRecord.clock()
        try HostFile.write(path + "/new", "x")
        #expect(DirectoryRecord(of: [path], lookedAtSince: start) == nil)
        #expect(!DirectoryRecord.tells(path, lookedAtSince: start))
    }

    @Test func `nothing is said of file systems that are not known`() {
        #expect(DirectoryRecord(of: ["/proc"], lookedAtSince: .max) == nil)
        #expect(DirectoryRecord(of: ["/proc/self/fd"], lookedAtSince: .max) == nil)
        #expect(DirectoryRecord(of: ["/nonexistent"], lookedAtSince: .max) == nil)
        #expect(!DirectoryRecord.tells("/proc", lookedAtSince: .max))
    }

    @Test func `nothing to look at is unchanged`() throws {
        let record = try #require(DirectoryRecord(of: [], lookedAtSince: DirectoryRecord.clock()))
        #expect(record.isUnchanged)
    }
}
