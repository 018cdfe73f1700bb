internal import Glibc
internal import LinuxPrimitives

/// Processes of the host as /proc shows them. Only a process that has gone is left out; whatever else cannot be read is an
/// error, so that an unreadable table never looks like an empty one.
package enum ProcessTable {
    /// One process at one moment; its start time tells it from a later one of the same number.
    package struct Entry: Sendable, Equatable {
        package let pid: Int32
        package let parent: Int32
        package let name: String
        package let state: Character
        package let startTime: UInt64

        /// Ended, and not yet waited for.
        package var isZombie: Bool { state == "Z" || state == "X" }
    }

    /// A process by its number; nil when there is none.
    package static func entry(_ pid: Int32) throws -> Entry? {
        let path = "/proc/\(pid)/stat"
        guard let bytes = try file(path) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else {
            throw SystemError(errno: EBADMSG, operation: "read", object: path)
        }
        let rest = text[text.index(after: close)...].split(separator: " ")
        guard rest.count > 19, let parent = Int32(rest[1]), let state = rest[0].first, let start = UInt64(rest[19]) else {
            throw SystemError(errno: EBADMSG, operation: "read", object: path)
        }
        return Entry(pid: pid, parent: parent, name: String(text[text.index(after: open)..<close]), state: state, startTime: start)
    }

    package static func all() throws -> [Entry] {
        try HostFile.names("/proc").compactMap { Int32($0) }.compactMap { try entry($0) }
    }

    package static func children(of pid: Int32) throws -> [Entry] { try all().filter { $0.parent == pid } }

    /// Processes whose command line holds the word as one of its arguments, and that have executed it themselves.
    package static func running(_ word: String) throws -> [Entry] {
        try all().filter { entry in
            guard entry.pid != getpid(), let bytes = try file("/proc/\(entry.pid)/cmdline") else { return false }
            return bytes.split(separator: 0).contains { $0.elementsEqual(word.utf8) }
        }
    }

    /// A process and everything below it, now.
    package static func tree(of root: Int32) throws -> [Entry] {
        let all = try all()
        var result = all.filter { $0.pid == root }
        var next = 0
        while next < result.count {
            let parent = result[next].pid
            result += all.filter { $0.parent == parent }
            next += 1
        }
        return result
    }

    /// Waits until a process has ended, at most ten seconds. True when it has.
    package static func hasEnded(_ entry: Entry) throws -> Bool { try hasEnded(entry.pid, startTime: entry.startTime) }

    package static func hasEnded(_ pid: Int32, startTime: UInt64) throws -> Bool {
        let handle: ProcessHandle
        do {
            handle = try ProcessHandle(pid: pid)
        } catch {
            if error.errno == ESRCH { return true }
            throw error
        }
        // The number may belong to somebody else by now.
        guard try entry(pid)?.startTime == startTime else { return true }
        return try Polling.wait(handle.rawValue, for: .readable, deadline: MonotonicClock.now() + 10_000_000_000)
    }

    /// The bytes of a file of one process; nil when the process has gone meanwhile.
    private static func file(_ path: String) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            return try SmallFile.read(path)
        } catch {
            guard error.errno == ENOENT || error.errno == ESRCH else { throw error }
            return nil
        }
    }
}
