internal import Glibc
internal import SandboxLauncher
internal import Synchronization

/// What was refused and used, by call: the run counts over the whole session.
final class SessionAccount: Sendable {
    /// Distinct violations that are kept of one call, and between two.
    private static let capacity = 256

    struct Violations: Sendable {
        private(set) var list: [Violation] = []
        private(set) var dropped: UInt64 = 0

        fileprivate mutating func add(_ violation: Violation) {
            let known = list.firstIndex { other in
                other.layer == violation.layer && other.syscall == violation.syscall && other.arguments == violation.arguments
                    && other.program == violation.program
            }
            if let known {
                list[known].count += violation.count
            } else if list.count < SessionAccount.capacity {
                list.append(violation)
            } else {
                dropped += violation.count
            }
        }
    }

    private struct State {
        var isCalled = false
        var duringCall = Violations()
        var betweenCalls = Violations()
        /// What earlier calls were charged for.
        var charged = RunUsage()
    }

    private let state = Mutex(State())

    /// A call refused by the walls, told of on the run's thread before the worker learns of it: so it is of the call that is open then.
    func refused(_ violation: Violation) {
        state.withLock { state in
            if state.isCalled { state.duringCall.add(violation) } else { state.betweenCalls.add(violation) }
        }
    }

    func callBegan() { state.withLock { $0.isCalled = true } }

    func callEnded() -> Violations {
        state.withLock { state in
            defer { state.duringCall = Violations() }
            state.isCalled = false
            return state.duringCall
        }
    }

    var betweenCalls: Violations { state.withLock { $0.betweenCalls } }

    /// What was used since this was last asked. The peak of memory is the session's: what an earlier call made resident is there in the next.
    /// - Parameter total: of the session so far.
    func charge(_ total: RunUsage) -> RunUsage {
        state.withLock { state in
            var part = total
            part.cpuMicroseconds -= min(part.cpuMicroseconds, state.charged.cpuMicroseconds)
            part.diskBytes -= min(part.diskBytes, state.charged.diskBytes)
            part.createdFiles -= min(part.createdFiles, state.charged.createdFiles)
            state.charged.cpuMicroseconds = max(state.charged.cpuMicroseconds, total.cpuMicroseconds)
            state.charged.diskBytes = max(state.charged.diskBytes, total.diskBytes)
            state.charged.createdFiles = max(state.charged.createdFiles, total.createdFiles)
            return part
        }
    }

    /// Processor time of one process, its threads and no children; 0 when it has gone. The samples of the whole tree come four times in
    /// a second: too seldom for a short call.
    static func processorMicroseconds(of pid: Int32) -> UInt64 {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else { return 0 }
        return UInt64(clamping: time.tv_sec) * 1_000_000 + UInt64(clamping: time.tv_nsec) / 1000
    }
}
