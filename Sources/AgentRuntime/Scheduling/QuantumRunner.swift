package import LibOSModel
package import StrictJSON

/// Does one quantum of one process: at most one model-selected action. What it throws fails that process and no other.
package protocol QuantumRunner: Sendable {
    func runQuantum(_ process: ProcessID) async throws -> QuantumResult
}

/// What became of one quantum.
package struct QuantumResult: Sendable, Hashable {
    package var process: ProcessID
    /// False for a turn in which nothing was done, because the process could not run or still waits: it costs nothing.
    package var isCharged: Bool
    /// `ok`, `skipped`, `waiting_human`, … under the reference's keys.
    package var payload: JSONValue

    package init(process: ProcessID, isCharged: Bool = true, payload: JSONValue) {
        self.process = process
        self.isCharged = isCharged
        self.payload = payload
    }
}
