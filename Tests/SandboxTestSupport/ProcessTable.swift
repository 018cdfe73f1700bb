internal import Glibc
internal import LinuxPrimitives

/// Processes of the host as /proc shows them: finds the tree of a run by a word in the tool's command line.
package enum ProcessTable {
    /// One process at one moment; its start time tells it from a later one of the same number.
    package struct Entry: Sendable, Equatable {
        package let pid: Int32
        package let parent: Int32
        package let name: String
        package let state: Character
        package let startTime: UInt64
    }

    package static func entry(_ pid: Int32) -> Entry? {
        guard let text = try? SmallFile.text("/proc/\(pid)/stat"), let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")")
        else { return nil }
        let rest = text[text.index(after: close)...].split(separator: " ")
        guard rest.count > 19, let parent = Int32(rest[1]), let state = rest[0].first, let start = UInt64(rest[19]) else { return nil }
        return Entry(pid: pid, parent: parent, name: String(text[text.index(after: open)..<close]), state: state, startTime: start)
    }

    package static func all() -> [Entry] {
        ((try? HostFile.names("/proc")) ?? []).compactMap { Int32($0) }.compactMap { entry($0) }
    }

    package static func children(of pid: Int32) -> [Entry] { all().filter { $0.parent == pid } }

    /// Processes whose command line holds the word as one of its arguments, and that have executed it themselves.
    package static func running(_ word: String) -> [Entry] {
        all().filter { entry in
            guard entry.pid != getpid(), let bytes = try? SmallFile.read("/proc/\(entry.pid)/cmdline", limit: 1 << 20) else { return false }
            return bytes.split(separator: 0).contains { $0.elementsEqual(word.utf8) }
        }
    }

    /// A process and everything below it, now.
    package static func tree(of root: Int32) -> [Entry] {
        let all = all()
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
        guard entry(pid)?.startTime == startTime else { return true }
        return try Polling.wait(handle.rawValue, for: .readable, deadline: MonotonicClock.now() + 10_000_000_000)
    }
}
