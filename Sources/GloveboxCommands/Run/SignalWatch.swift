internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher

/// Turns the signals that ask Glovebox to stop into the cancellation of its run, so that the tool's tree is dead before we are.
///
/// The signals are blocked and read from a descriptor that the run polls: nothing runs in a handler, and no thread waits.
struct SignalWatch {
    let cancellation: RunCancellation
    private let watches: Bool

    /// Call before any thread exists: they inherit the mask.
    static func start() throws(SystemError) -> SignalWatch {
        // `nohup` and background jobs of a shell ignore signals for us; a blocked one would arrive all the same.
        let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT].filter { !isIgnored($0) }
        guard !numbers.isEmpty else { return SignalWatch(cancellation: try RunCancellation(), watches: false) }
        return SignalWatch(cancellation: RunCancellation(readable: try SignalDescriptor.open(numbers)), watches: true)
    }

    /// The first signal that asked us to stop; nil when none did.
    func received() -> Int32? { watches ? SignalDescriptor.take(cancellation.descriptor) : nil }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1 // SIG_IGN
    }
}
