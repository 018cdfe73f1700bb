#if arch(x86_64)
internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives
internal import Testing

/// One thread of this process under a filter that notifies `mkdirat`, with the listener on the other side.
private final class FilteredThread: @unchecked Sendable {
    typealias SystemCall = @convention(c) (Int, UInt, UInt, UInt, UInt) -> Int
    static let mkdirat = 258

    private(set) var listener: Int32 = -1
    /// What the notified call returned, or -errno.
    private(set) var result = 0
    private let ready: EventDescriptor
    private var thread = pthread_t()
    private let name: UnsafeMutablePointer<CChar>

    init(callingWith name: String) throws {
        ready = try EventDescriptor()
        self.name = strdup(name)
        let unmanaged = Unmanaged.passRetained(self)
        let started = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<FilteredThread>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, unmanaged.toOpaque())
        precondition(started == 0)
        _ = try Polling.wait(ready.rawValue, for: .readable, deadline: nil)
    }

    private func run() {
        guard let symbol = dlsym(nil, "syscall") else { return }
        let call = unsafeBitCast(symbol, to: SystemCall.self)
        let noNewPrivileges: Int32 = 38
        _ = gbx_prctl(noNewPrivileges, 1)
        // load nr; if it is mkdirat notify; else allow. Each is code, jt, jf, k of a sock_filter.
        let program: [UInt64] = [
            0x20, // ld [0]
            0x15 | 1 << 24 | UInt64(FilteredThread.mkdirat) << 32, // jeq: 0 further, else 1
            0x06 | UInt64(GBX_SECCOMP_USER_NOTIF) << 32,
            0x06 | UInt64(GBX_SECCOMP_ALLOW) << 32,
        ]
        let (seccomp, setModeFilter, newListener) = (317, 1, 8) as (Int, UInt, UInt)
        program.withUnsafeBufferPointer { filter in
            var header: (UInt, UnsafePointer<UInt64>?) = (UInt(filter.count), filter.baseAddress)
            listener = withUnsafePointer(to: &header) { Int32(call(seccomp, setModeFilter, newListener, UInt(bitPattern: $0), 0)) }
        }
        try? ready.signal()
        guard listener >= 0 else { return }
        result = call(FilteredThread.mkdirat, UInt(bitPattern: Int(AT_FDCWD)), UInt(bitPattern: name), 0o700, 0)
        if result < 0 { result = -Int(errno) }
    }

    func finish() -> Int {
        pthread_join(thread, nil)
        return result
    }

    deinit { free(name) }
}

@Suite struct SeccompListenerTests {
    private func waitingCall(_ listener: borrowing SeccompListener) throws -> SeccompNotification {
        #expect(try Polling.wait(listener.rawValue, for: .readable, deadline: nil))
        return try #require(try listener.receive())
    }

    @Test func `a refused call tells its arguments and gets the errno`() throws {
        let thread = try FilteredThread(callingWith: "/tmp/glovebox-never-made")
        try #require(thread.listener >= 0)
        let listener = SeccompListener(adopting: OwnedDescriptor(adopting: thread.listener))
        let call = try waitingCall(listener)
        #expect(call.number == Int32(FilteredThread.mkdirat))
        #expect(call.architecture == 0xc000_003e)
        #expect(call.arguments[2] == 0o700)
        #expect(call.arguments.count == 6)
        #expect(try ProcessMemory.readCString(pid: call.pid, address: call.arguments[1]) == Array("/tmp/glovebox-never-made".utf8))
        #expect(try listener.isValid(call.id))
        #expect(try !listener.isValid(call.id &+ 1))
        // Neither success nor a value can be given as an error.
        for wrong: Int32 in [0, -1, 4096] {
            let error = #expect(throws: SystemError.self) { try listener.answer(call.id, errno: wrong) }
            #expect(error?.errno == EINVAL)
        }
        #expect(try listener.answer(call.id, errno: EDQUOT))
        #expect(thread.finish() == -Int(EDQUOT))
        #expect(access("/tmp/glovebox-never-made", F_OK) != 0)
        #expect(try listener.answer(call.id, errno: EDQUOT) == false)
    }

    @Test func `a value is returned without the call having happened`() throws {
        let thread = try FilteredThread(callingWith: "/tmp/glovebox-never-made-either")
        try #require(thread.listener >= 0)
        let listener = SeccompListener(adopting: OwnedDescriptor(adopting: thread.listener))
        let call = try waitingCall(listener)
        #expect(try listener.answer(call.id, value: 4711))
        #expect(thread.finish() == 4711)
        #expect(access("/tmp/glovebox-never-made-either", F_OK) != 0)
    }

    @Test func `a descriptor is installed and its number is the answer`() throws {
        let thread = try FilteredThread(callingWith: "x")
        try #require(thread.listener >= 0)
        let listener = SeccompListener(adopting: OwnedDescriptor(adopting: thread.listener))
        let call = try waitingCall(listener)
        let file = try MemoryFile.make(name: "given", bytes: [42], sealed: true)
        let number = try #require(try listener.install(call.id, descriptor: file.rawValue, closeOnExec: true))
        #expect(thread.finish() == Int(number))
        // The thread shares our descriptors, so what it got is here.
        let given = OwnedDescriptor(adopting: number)
        #expect(given.rawValue != file.rawValue)
        #expect(try given.isCloseOnExec())
        #expect(try FileIdentity.of(given.rawValue) == FileIdentity.of(file.rawValue))
    }

    @Test func `a descriptor replaces a number, and the answer comes apart`() throws {
        let thread = try FilteredThread(callingWith: "x")
        try #require(thread.listener >= 0)
        let listener = SeccompListener(adopting: OwnedDescriptor(adopting: thread.listener))
        let call = try waitingCall(listener)
        let file = try MemoryFile.make(name: "given", bytes: [42], sealed: true)
        let place = try MemoryFile.make(name: "place", bytes: [], sealed: true)
        #expect(try listener.insert(call.id, descriptor: file.rawValue, closeOnExec: false, replacing: place.rawValue) == place.rawValue)
        #expect(try FileIdentity.of(place.rawValue) == FileIdentity.of(file.rawValue))
        #expect(try !place.isCloseOnExec())
        #expect(try listener.isValid(call.id))
        #expect(try listener.answer(call.id, value: 0))
        #expect(thread.finish() == 0)
    }
}
#endif
