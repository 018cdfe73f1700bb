internal import Glibc

/// SIGPIPE held back on this thread while a run lasts: a pipe without a reader is an error number here, not a death. A signal
/// that did come is taken off before the mask is restored.
package struct SignalGuard {
    private var previous = sigset_t()

    package init() {
        var pipe = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipe, &previous)
    }

    package func restore() {
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
