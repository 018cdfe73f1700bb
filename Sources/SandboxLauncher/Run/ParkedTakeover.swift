internal import Glibc
internal import LinuxPrimitives

/// A call on its way to a program that waited for it.
///
/// What is counted: the wall clock from the call on. CPU time and written bytes of the report, and the CPU limit as the supervisor keeps
/// it, from the moment on at which the program began to wait; but the kernel's own CPU limit of the process, and its most memory, count
/// its start-up as well. So a call may come to its CPU limit sooner by that, and never later.
struct ParkedTakeover: ~Copyable {
    /// Nil once the program runs the call, or when it does not say when.
    private var call: OwnedDescriptor?
    /// It ended without a word.
    private var hasEnded = false
    private let startUp: SandboxUsage
    private let firstLook: UInt64
    /// Its launch, with no stage of it: that was no time of the call's.
    let started: LaunchMessage?

    /// Nobody waits for the program's word as long as nothing depends on it, because each wake-up takes time from the program; and most
    /// calls end before. Nanoseconds.
    private static let patience: UInt64 = 5_000_000

    /// No program waited.
    init() {
        call = nil
        (startUp, firstLook, started) = (SandboxUsage(), 0, nil)
    }

    init(of program: ParkedProgram, call: consuming OwnedDescriptor?, at now: UInt64) {
        if program.program.saysStarted { self.call = consume call } else { self.call = nil }
        startUp = program.startUp
        firstLook = now + Self.patience
        var started = program.started
        started.stageEnds = started.stageEnds.map { _ in 0 }
        self.started = started
    }

    var isSettled: Bool { call.number == nil }
    func nextLook(after now: UInt64) -> UInt64? { isSettled || now >= firstLook ? nil : firstLook }

    func entry(now: UInt64, isHurried: Bool) -> pollfd? {
        guard let number = call.number, !hasEnded, isHurried || now >= firstLook else { return nil }
        return pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    }

    /// Takes the program's word if it is there.
    mutating func hear() {
        guard let number = call.number, (try? Polling.wait(number, for: .readable, deadline: 0)) == true else { return }
        do throws(SystemError) {
            let received = try DescriptorMessage.receive(on: number, maxBytes: LaunchMessage.size, maxDescriptors: 0)
            // Whatever it says: who speaks after the START has begun with it, as far as anybody can tell.
            if received == nil { hasEnded = true } else { call = nil }
        } catch {
            // It died with bytes unread: the START, or a part of it.
            if error.errno == ECONNRESET { hasEnded = true } else { call = nil }
        }
    }

    /// What the call has used of what the program has.
    func without(_ usage: SandboxUsage) -> SandboxUsage {
        var usage = usage
        usage.cpuMicroseconds -= min(usage.cpuMicroseconds, startUp.cpuMicroseconds)
        usage.writtenBytes -= min(usage.writtenBytes, startUp.writtenBytes)
        return usage
    }
}
