package import StrictJSON

/// One request to the runtime in its own words: `memory.read_object`, `process.spawn_child`, `human.ask`, …
package struct Syscall: Sendable, Hashable {
    package var name: String
    /// An object.
    package var arguments: JSONValue

    package init(name: String, arguments: JSONValue) {
        self.name = name
        self.arguments = arguments
    }
}

/// On whose behalf a syscall is made. Authority is the process's, looked up anew for each one.
package struct SyscallCaller: Sendable, Hashable {
    package var process: ProcessID
    package var tool: String
    package var call: ToolCallID?
    /// The decided request that a repeated action was waiting for; the primitive checks that it is the same question.
    package var resumed: HumanRequestID?

    package init(process: ProcessID, tool: String, call: ToolCallID? = nil, resumed: HumanRequestID? = nil) {
        self.process = process
        self.tool = tool
        self.call = call
        self.resumed = resumed
    }
}

package enum SyscallOutcome: Sendable, Hashable {
    case value(JSONValue)
    /// The wait is recorded; the same syscall is made again when it is over.
    case waiting(WaitState)
    case failed(LibOSError)
}

/// The runtime as the tool broker sees it, which stands below it: what a tool may ask for, and what a call leaves behind.
package protocol LibOSKernel: Sendable {
    /// Decides and performs. Never blocks on people, children or mailboxes: it answers `waiting`.
    func perform(_ syscall: Syscall, for caller: SyscallCaller) async -> SyscallOutcome

    /// Returns when the wait is over, for tools that stay alive meanwhile. Throws when the process ends first.
    func settled(_ wait: WaitState, of process: ProcessID) async throws(LibOSError)

    /// Puts a question before a person and the process into its wait, in the caller's transaction.
    func ask(_ request: ApprovalRequest, for process: ProcessID, in transaction: any StoreTransaction) throws(LibOSError) -> HumanRequestID

    /// Takes back what a call asked people and does not wait for any more, in the caller's transaction. What was answered and done is
    /// left as it is.
    func withdraw(_ requests: Set<HumanRequestID>, because reason: String, in transaction: any StoreTransaction) throws(LibOSError)

    /// Keeps a tool's result as an immutable object of the process. nil when the process has ended: the dead own nothing.
    func keepResult(
        _ payload: JSONValue, title: String, tool: ToolID, of process: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> ObjectHandle?
}
