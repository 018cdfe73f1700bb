internal import Dispatch
internal import LinuxPrimitives
internal import Synchronization

/// Writes lines in their order, without making whoever has one wait for a reader that is slow.
final class LineWriter: Sendable {
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "glovebox.mcp.output")
    private let pending = Atomic<Int>(0)
    private let broken = Atomic<Bool>(false)

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Bytes that are not written yet.
    var backlog: Int { pending.load(ordering: .relaxed) }
    /// The reader is gone: nothing that is said now is heard.
    var isBroken: Bool { broken.load(ordering: .relaxed) }

    func write(_ line: [UInt8]) {
        pending.add(line.count, ordering: .relaxed)
        queue.async { [self] in
            defer { pending.subtract(line.count, ordering: .relaxed) }
            if isBroken { return }
            do throws(SystemError) {
                try Transfer.writeAll(descriptor, line)
            } catch {
                broken.store(true, ordering: .relaxed)
            }
        }
    }

    /// Returns when everything is written, or when the reader has not taken it in that time.
    func drain(milliseconds: Int) async {
        let once = Once()
        await withCheckedContinuation { continuation in
            let finish: @Sendable () -> Void = {
                if !once.isDone.exchange(true, ordering: .relaxed) { continuation.resume() }
            }
            queue.async(execute: finish)
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(milliseconds), execute: finish)
        }
    }

    private final class Once: Sendable {
        let isDone = Atomic<Bool>(false)
    }
}
