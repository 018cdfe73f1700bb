internal import Glibc
internal import LinuxPrimitives

/// Work that blocks, away from the threads that tasks share.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
        let isStarted = DetachedThread.start { continuation.resume(returning: Result { try body() }) }
        if !isStarted { continuation.resume(returning: .failure(SystemError(errno: EAGAIN, operation: "pthread_create"))) }
    }
    return try result.get()
}
