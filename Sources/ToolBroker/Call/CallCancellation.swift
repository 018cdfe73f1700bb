internal import Synchronization

/// Why a call is cancelled, from whoever cancels its task to the record that says so: a task itself knows only that it is.
package final class CallCancellation: Sendable {
    /// Of the calls that the current task makes.
    @TaskLocal package static var current: CallCancellation?

    private let said = Mutex<String?>(nil)

    package init() {}

    /// Half a sentence. The first one counts.
    package func note(_ cause: String) {
        said.withLock { if $0 == nil { $0 = cause } }
    }

    var cause: String? { said.withLock { $0 } }
}
