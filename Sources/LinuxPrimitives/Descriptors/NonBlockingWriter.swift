internal import CLinuxShims
package import Glibc
internal import Synchronization

/// Writes to a descriptor of somebody else's without ever waiting: whoever stops a terminal or fills a shared pipe must not
/// stop the one who writes.
///
/// The descriptor's own flags are shared with others and stay as they are. A pipe or a terminal is opened anew, non-blocking;
/// where that is not allowed (a terminal of another user's), a thread does the waiting.
package struct NonBlockingWriter: ~Copyable {
    private enum Way: Sendable {
        /// A file on disk waits for nobody.
        case direct
        case socket, reopened, thread
    }

    private let number: Int32
    private let way: Way
    private let own: OwnedDescriptor?
    /// Started with the first byte.
    private var thread: WritingThread?

    package enum Taken: Equatable, Sendable {
        /// At least 1.
        case bytes(Int)
        case nothing
        /// Nobody reads any more.
        case gone
    }

    /// - Parameter number: borrowed, open as long as this lives.
    package init(_ number: Int32) {
        self.number = number
        let identity = try? FileIdentity.of(number)
        if identity == nil || identity?.isRegularFile == true || identity?.isSocket == true {
            way = identity?.isSocket == true ? .socket : .direct // one that is not open tells so at the first write
            own = nil
            return
        }
        let append = max(gbx_status_flags(number), 0) & O_APPEND
        let opened = open("/proc/self/fd/\(number)", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | append)
        way = opened >= 0 ? .reopened : .thread
        own = opened >= 0 ? OwnedDescriptor(adopting: opened) : nil
    }

    /// Ready when more can be written.
    package var pollEntry: pollfd { pollfd(fd: thread?.input ?? number, events: Int16(POLLOUT), revents: 0) }

    package mutating func write(_ bytes: UnsafeRawBufferPointer) -> Taken {
        if case .thread = way, thread == nil {
            guard let started = try? WritingThread(to: number) else { return .gone }
            thread = started
        }
        do throws(SystemError) {
            if case .socket = way {
                let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
                return .bytes(try retrying("send", "descriptor \(number)") { libc(send(number, bytes.baseAddress, bytes.count, flags)) })
            }
            return .bytes(try Transfer.write(thread?.input ?? own.number ?? number, from: bytes))
        } catch {
            return error.isWouldBlock ? .nothing : .gone
        }
    }

    /// No more is written. Gives what becomes readable once everything has arrived; nil when it has.
    package mutating func finish() -> pollfd? { thread?.finish() }
}

/// Waits for a descriptor in place of the one who writes, who hands over the bytes through a pipe. Given up, it writes no more,
/// and ends as soon as the write that it waits in does.
private final class WritingThread: Sendable {
    private let ends: Mutex<OwnedDescriptor?>
    private let finished: OwnedDescriptor
    private let isGivenUp: Flag
    /// The pipe's number, borrowed.
    let input: Int32

    private final class Flag: Sendable {
        let value = Atomic<Bool>(false)
    }

    private struct Work: ~Copyable, Sendable {
        let source: OwnedDescriptor
        let target: OwnedDescriptor
        /// Closed at the end, which the other side sees.
        let token: OwnedDescriptor
        let isGivenUp: Flag

        func run() {
            var all = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_BLOCK, &all, nil) // SIGPIPE above all
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
            defer { room.deallocate() }
            while !isGivenUp.value.load(ordering: .acquiring) {
                guard let count = try? Transfer.read(source.rawValue, into: room), count > 0 else { return }
                guard (try? Transfer.writeAll(target.rawValue, from: UnsafeRawBufferPointer(rebasing: room[..<count]))) != nil else {
                    return
                }
            }
        }
    }

    private final class Box: Sendable {
        private let work: Mutex<Work?>
        init(_ work: consuming Work) { self.work = Mutex(consume work) }
        func run() {
            let work = work.withLock { $0.take() }
            if let work { work.run() }
        }
    }

    init(to number: Int32) throws(SystemError) {
        var pipe = try Pipe.make()
        var ending = try Pipe.make()
        let source = pipe.takeFirst()
        let end = pipe.takeSecond()
        try end.setNonBlocking(true)
        let flag = Flag()
        input = end.rawValue
        ends = Mutex(consume end)
        finished = ending.takeFirst()
        isGivenUp = flag
        let work = Work(
            source: source, target: try OwnedDescriptor.duplicating(number), token: ending.takeSecond(), isGivenUp: flag)
        let box = Box(work)
        guard DetachedThread.start({ box.run() }) else { throw SystemError(errno: EAGAIN, operation: "pthread_create") }
    }

    deinit { isGivenUp.value.store(true, ordering: .releasing) }

    func finish() -> pollfd {
        ends.withLock { $0 = nil }
        return pollfd(fd: finished.rawValue, events: Int16(POLLIN), revents: 0)
    }
}
