internal import Glibc
internal import SandboxLauncher
internal import Synchronization

/// Turns the signals that ask Glovebox to stop into the cancellation of its run, so that the tool's tree is dead before we are.
///
/// The signals are blocked and one thread takes them with sigwait: nothing runs in a handler.
final class SignalWatch: Sendable {
    private let cancellation: RunCancellation
    private let first = Atomic<Int32>(0)

    private init(_ cancellation: RunCancellation) { self.cancellation = cancellation }

    /// The signal that stopped the run; nil when none did.
    var received: Int32? {
        let number = first.load(ordering: .acquiring)
        return number == 0 ? nil : number
    }

    /// Call before any other thread exists: they inherit the mask.
    static func start(_ cancellation: RunCancellation) -> SignalWatch {
        let watch = SignalWatch(cancellation)
        var set = sigset_t()
        sigemptyset(&set)
        var watched = 0
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] where !isIgnored(number) {
            sigaddset(&set, number)
            watched += 1
        }
        guard watched > 0 else { return watch }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 256 << 10)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(watch)
        let failed = pthread_create(
            &thread, &attributes,
            { context in
                guard let context else { return nil }
                Unmanaged<SignalWatch>.fromOpaque(context).takeRetainedValue().wait()
                return nil
            }, context.toOpaque())
        if failed != 0 {
            // Without the thread the signals must keep their old meaning: death, and with us the tool.
            context.release()
            pthread_sigmask(SIG_UNBLOCK, &set, nil)
        }
        return watch
    }

    /// `nohup` and background jobs of a shell ignore signals for us; a blocked one would arrive all the same.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1 // SIG_IGN
    }

    private func wait() {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] where !Self.isIgnored(number) { sigaddset(&set, number) }
        var number: Int32 = 0
        while sigwait(&set, &number) == 0 {
            _ = first.compareExchange(expected: 0, desired: number, ordering: .acquiringAndReleasing)
            cancellation.cancel()
        }
    }
}
