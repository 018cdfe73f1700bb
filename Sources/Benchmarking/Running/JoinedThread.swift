internal import Glibc
package import LinuxPrimitives

/// A thread that somebody waits for.
package struct JoinedThread: ~Copyable {
    private let thread: pthread_t

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    package init(_ run: @escaping @Sendable () -> Void) throws(SystemError) {
        var made = pthread_t()
        let body = Unmanaged.passRetained(Body(run))
        let failed = pthread_create(
            &made, nil,
            { context in
                if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, body.toOpaque())
        guard failed == 0 else {
            body.release()
            throw SystemError(errno: failed, operation: "pthread_create")
        }
        thread = made
    }

    package consuming func join() { pthread_join(thread, nil) }

    /// Runs it so many times at once and waits for all.
    package static func together(_ count: Int, _ run: @escaping @Sendable (Int) -> Void) throws(SystemError) {
        var threads: [pthread_t] = []
        defer { for thread in threads { pthread_join(thread, nil) } }
        for index in 0..<count { threads.append(try JoinedThread { run(index) }.thread) }
    }
}
