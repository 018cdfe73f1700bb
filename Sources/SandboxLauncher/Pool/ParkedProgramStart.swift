internal import CLaunchABI
internal import Glibc
internal import LinuxPrimitives

/// From the launch of a program that is to wait to its word that it does. Its refused system calls are answered meanwhile.
struct ParkedProgramStart: ~Copyable {
    struct Ready: Sendable {
        var started: LaunchMessage
        var pid: Int32?
        var usage: SandboxUsage
    }

    private let sandbox: LaunchedSandbox
    private let call: Int32
    private let mediation: ParkedProgram.Mediation
    /// The run's, later.
    private var listener: SeccompListener?
    private var mediator: CallMediator?
    private var started: LaunchMessage?
    private var hasParked = false
    private var usage: SandboxUsage?

    init(_ sandbox: LaunchedSandbox, call: Int32, _ mediation: ParkedProgram.Mediation) {
        self.sandbox = sandbox
        self.call = call
        self.mediation = mediation
    }

    /// Every message counts against the one deadline, so a program that keeps its supervisor busy does not keep it for long.
    mutating func wait(until deadline: UInt64) throws(LaunchError) -> Ready {
        guard let status = sandbox.numbers.status else { throw Self.failure("its sandbox is gone") }
        do throws(SystemError) {
            while MonotonicClock.now() < deadline {
                if let started, let usage {
                    return Ready(
                        started: started, pid: ToolChannel.child(of: sandbox.initPID, numbered: started.pid), usage: usage)
                }
                var entries = [pollfd(fd: status, events: Int16(POLLIN), revents: 0)]
                if !hasParked { entries.append(pollfd(fd: call, events: Int16(POLLIN), revents: 0)) }
                if let number = listenerNumber { entries.append(pollfd(fd: number, events: Int16(POLLIN), revents: 0)) }
                guard try Polling.wait(&entries, deadline: deadline) > 0 else { break }
                if entries[0].revents != 0 { try receiveMessage(status) }
                for entry in entries.dropFirst() where entry.revents != 0 {
                    if entry.fd == call { try receiveWord() } else { _ = mediator?.serve() }
                }
                if started != nil, hasParked, usage == nil, !isCounting { try askForUsage(status) }
            }
        } catch {
            throw Self.failure("\(error)")
        }
        throw Self.failure("it was not ready in time")
    }

    /// Nil where the kernel gives none.
    mutating func takeListener() -> SeccompListener? { listener.take() }

    private var isCounting = false
    private var listenerNumber: Int32? {
        switch listener {
        case .some(let listener): listener.rawValue
        case nil: nil
        }
    }

    /// The launcher's and the init's.
    private mutating func receiveMessage(_ status: Int32) throws(SystemError) {
        let ended = SystemError(errno: ECHILD, operation: "a parked program", object: "it ended before it was ready")
        guard var received = try DescriptorMessage.receive(on: status, maxBytes: LaunchMessage.size, maxDescriptors: 1),
            let message = LaunchMessage(received.bytes)
        else { throw ended }
        switch message.kind {
        case .launched:
            guard let pidfd = received.takeDescriptor(0) else { throw ended }
            sandbox.launched(ProcessHandle(adopting: pidfd, pid: message.pid))
        case .started:
            started = message
            guard let descriptor = received.takeDescriptor(0) else { return }
            // The mediator of the start-up goes with it; the call's own gets the listener itself.
            mediator = mediation.mediator(
                SeccompListener(adopting: try descriptor.duplicated()), countsMemory: sandbox.leases.hasCgroup)
            listener = SeccompListener(adopting: descriptor)
        case .usage: usage = message.usage
        case .failed: throw SystemError(errno: message.errno, operation: message.stage.name)
        case .exited, .parked: throw ended
        }
    }

    /// The program's: one message, and nothing but PARKED.
    private mutating func receiveWord() throws(SystemError) {
        let wrong = SystemError(errno: EPROTO, operation: "a parked program", object: "what it said first was not PARKED")
        let received = try DescriptorMessage.receive(on: call, maxBytes: LaunchMessage.size + 1, maxDescriptors: 0)
        guard let received, let message = LaunchMessage(received.bytes), message.kind == .parked else { throw wrong }
        hasParked = true
    }

    private mutating func askForUsage(_ status: Int32) throws(SystemError) {
        let order = gb_order(kind: GB_ORDER_USAGE.rawValue, signal: 0, pid: 0, reserved: 0)
        try DescriptorMessage.send(on: status, header: withUnsafeBytes(of: order) { Array($0) })
        isCounting = true
    }

    private static func failure(_ why: String) -> LaunchError {
        LaunchError(.launcher, "no program could be parked: \(why)", mend: "a cold launch says more")
    }
}
