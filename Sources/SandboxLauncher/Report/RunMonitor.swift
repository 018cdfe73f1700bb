internal import Synchronization

/// What is known of a run while it lasts, for a caller who does one thing after the other with the same run and accounts for each. Written
/// on the run's thread.
package final class RunMonitor: Sendable {
    package struct State: Sendable {
        /// What the launcher's child said that it did; empty until the tool runs.
        package var receipt: [ReceiptEntry] = []
        package var launch: LaunchKind = .cold
        package var stages: [(name: String, microseconds: UInt64)] = []
        /// The last sample: processor time of the tree's processes so far, its peak of resident memory, what it wrote to disk.
        package var usage = RunUsage()
    }

    private let state = Mutex(State())

    package init() {}

    package var current: State { state.withLock { $0 } }

    func started(_ receipt: [ReceiptEntry], _ launch: LaunchKind, _ stages: [(name: String, microseconds: UInt64)]) {
        state.withLock { state in
            state.receipt = receipt
            state.launch = launch
            state.stages = stages
        }
    }

    func sampled(_ usage: SandboxUsage) {
        state.withLock { state in
            state.usage.cpuMicroseconds = max(state.usage.cpuMicroseconds, usage.cpuMicroseconds)
            state.usage.peakMemoryBytes = max(state.usage.peakMemoryBytes, usage.peakBytes)
            state.usage.diskBytes = max(state.usage.diskBytes, usage.writtenBytes)
        }
    }
}
