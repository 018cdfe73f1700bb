internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher

/// What a session looks at during one call besides its channel: what the worker writes to its log, the call's clock, and whether somebody
/// ends the session. Used on the session's thread alone.
final class CallWatch: TalkCompanion {
    /// Why a call was stopped.
    enum Stop: Sendable {
        case wall(milliseconds: UInt64)
        case output(limit: UInt64, stream: String)
        case ended
    }

    private struct Log {
        let number: Int32
        let name: String
        var capture = OutputCapture(keep: CommandOutput.kept)
        var total: UInt64 = 0
        var isOpen = true
    }

    private var logs: [Log]
    private let limit: UInt64
    private let wall: UInt64
    private let end: UInt64
    private let mustStop: () -> Bool
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    private(set) var stop: Stop?

    /// - Parameters:
    ///   - stdout: borrowed: reading ends of pipes, which do not wait.
    ///   - began: when the call began: it has `wallMilliseconds` from then on.
    init(stdout: Int32, stderr: Int32, limit: UInt64, wallMilliseconds: UInt64, began: UInt64, mustStop: @escaping () -> Bool) {
        logs = [Log(number: stdout, name: "stdout"), Log(number: stderr, name: "stderr")]
        self.limit = limit
        wall = wallMilliseconds
        let (nanoseconds, overflows) = wallMilliseconds.multipliedReportingOverflow(by: 1_000_000)
        let (end, isLate) = began.addingReportingOverflow(overflows ? .max : nanoseconds)
        self.end = isLate ? .max : end
        self.mustStop = mustStop
    }

    var entries: [pollfd] { logs.filter(\.isOpen).map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) } }

    var deadline: UInt64? { end == .max ? nil : end }

    func look() -> Bool {
        if stop != nil { return true }
        // One piece of each: a flood must not keep the clock waiting.
        for index in logs.indices { _ = read(index) }
        if stop == nil, mustStop() { stop = .ended }
        if stop == nil, MonotonicClock.now() >= end { stop = .wall(milliseconds: wall) }
        return stop != nil
    }

    /// What the worker had written when its result came. What came before is the call's; a worker that goes on writing is cut short.
    func finish() {
        for index in logs.indices {
            var left = 64
            while left > 0, stop == nil, read(index) { left -= 1 }
        }
    }

    /// What nobody asked for: written between two calls. Returns how many bytes it was.
    static func discard(_ numbers: [Int32]) -> UInt64 {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var total: UInt64 = 0
        for number in numbers {
            for _ in 0..<64 {
                let piece = buffer.withUnsafeMutableBytes { try? Transfer.readAvailable(number, into: $0) }
                guard case .bytes(let count)? = piece else { break }
                total += UInt64(count)
            }
        }
        return total
    }

    var stdout: CapturedOutput { logs[0].capture.result(totalBytes: logs[0].total) }
    var stderr: CapturedOutput { logs[1].capture.result(totalBytes: logs[1].total) }

    /// True when there was something.
    private func read(_ index: Int) -> Bool {
        guard logs[index].isOpen else { return false }
        let number = logs[index].number
        switch buffer.withUnsafeMutableBytes({ try? Transfer.readAvailable(number, into: $0) }) {
        case .bytes(let count):
            buffer.withUnsafeBytes { logs[index].capture.add(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            logs[index].total += UInt64(count)
            if logs[index].total > limit { stop = .output(limit: limit, stream: logs[index].name) }
            return true
        case .nothing: return false
        case .end, nil:
            logs[index].isOpen = false
            return false
        }
    }
}
