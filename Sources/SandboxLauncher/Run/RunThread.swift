internal import Glibc

/// A thread for one run. Runs block in poll; the cooperative pool is as wide as the machine has cores and must not.
package enum RunThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    package static func start(_ run: @escaping @Sendable () -> Void) {
        // No thread to be had: the caller's own is better than no answer.
        if !tryStart(run) { run() }
    }

    /// False when there is no thread to be had; then nothing runs.
    static func tryStart(_ run: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 1 << 20)
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let body = Unmanaged.passRetained(Body(run))
        let failed = pthread_create(
            &thread, &attributes,
            { context in
                if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, body.toOpaque())
        if failed != 0 { body.release() }
        return failed == 0
    }
}

/// SIGPIPE held back on this thread while a run lasts: a pipe without a reader is an error number here, not a death. A signal
/// that did come is taken off before the mask is restored.
struct SignalGuard {
    private var previous = sigset_t()

    init() {
        var pipe = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipe, &previous)
    }

    func restore() {
        var pipe = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        var old = previous
        if sigismember(&old, SIGPIPE) == 0 {
            var none = timespec()
            while sigtimedwait(&pipe, nil, &none) == SIGPIPE {}
        }
        pthread_sigmask(SIG_SETMASK, &old, nil)
    }
}
