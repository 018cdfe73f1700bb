internal import CLaunchABI
internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy
internal import Synchronization

/// A program of ours that runs in a sandbox of its own and waits for the one call that it will serve (`ParkableProgram`).
///
/// It was launched like any cold run, with all layers; what makes it one that waits is its descriptor 3, on which it says PARKED and
/// then gets its START. `sandbox/core/include/parked_program.h` is its side of it.
final class ParkedProgram: StandingSandbox {
    /// What decides how the system calls of a program that is starting are answered. The call itself brings its own.
    struct Mediation: Sendable {
        var plan: SandboxPlan
        var denials: NameDenials
        var confinement: Confinement
        var watchesOpening: Bool

        /// Nothing that the program asks for before its call may leave a trace: what the supervisor would do on a tool's behalf is refused.
        func mediator(_ listener: consuming SeccompListener, countsMemory: Bool) -> CallMediator {
            var plan = plan
            plan.mediated = false
            return CallMediator(
                listener: listener, plan: plan, denials: denials, confinement: confinement, network: NetworkTargets(), identity: nil,
                countsMemory: countsMemory, watchesOpening: watchesOpening)
        }
    }

    /// What goes to the run with it.
    struct Ends: ~Copyable, Sendable {
        var call: OwnedDescriptor?
        var listener: SeccompListener?
    }

    let spec: LaunchSpec
    let memoryBytes: UInt64
    let sandbox: LaunchedSandbox
    let program: ParkableProgram
    /// What the launcher said of its launch.
    let started: LaunchMessage
    /// In our pid namespace; nil when /proc does not tell.
    let pid: Int32?
    /// What it had used when it began to wait.
    let startUp: SandboxUsage
    private let ends: Mutex<Ends>

    private init(
        _ spec: LaunchSpec, _ program: ParkableProgram, _ sandbox: LaunchedSandbox, _ ready: ParkedProgramStart.Ready,
        call: consuming OwnedDescriptor, listener: consuming SeccompListener?
    ) {
        self.spec = spec
        self.program = program
        self.sandbox = sandbox
        started = ready.started
        pid = ready.pid
        startUp = ready.usage
        memoryBytes = sandbox.leases.memoryBytes ?? max(assumedSandboxBytes, ready.usage.residentBytes)
        ends = Mutex(Ends(call: consume call, listener: consume listener))
    }

    /// Launches one and waits, within bounds, until it is ready. One that does not get ready has ended when this throws.
    ///
    /// - Parameters:
    ///   - kind: of its sandbox (`LaunchSpec.kind`).
    ///   - patience: nanoseconds.
    ///   - keep: given one that could not be ended either; its leases are free when it is let go.
    static func launch(
        _ program: ParkableProgram, in kind: LaunchSpec, _ mediation: Mediation, leases: SandboxLeases,
        through connection: LauncherConnection, patience: UInt64, keep: (LaunchedSandbox) -> Void
    ) throws(LaunchError) -> ParkedProgram {
        var spec = kind
        let hostID = leases.hostID
        try spec.personalize(user: hostID ?? getuid(), group: hostID ?? getgid())
        spec.arguments = program.arguments
        spec.environment = program.environment.map { "\($0.key)=\($0.value)" }.sorted()
        spec.searchPath = program.environment["PATH"] ?? EnvironmentRules.defaultPath
        let encoded = try LaunchSpecEncoder.encode(spec)
        var status = try LaunchedSandbox.statusPair()
        let (groups, groupFlags) = leases.groups
        let null = try nullDevice()
        var call = try callPair()
        let theirStatus = status.takeSecond()
        let theirCall = call.takeSecond()
        try connection.send(
            encoded, flags: groupFlags | GB_REQUEST_HAS_CHANNEL.rawValue, cgroups: UInt32(groups.count),
            descriptors: [theirStatus.rawValue, null.rawValue, null.rawValue, null.rawValue, theirCall.rawValue] + groups)
        // Ours must go, or its end would never show.
        theirStatus.close()
        theirCall.close()
        let sandbox = LaunchedSandbox(status: status.takeFirst(), leases: leases)
        let ours = call.takeFirst()
        var start = ParkedProgramStart(sandbox, call: ours.rawValue, mediation)
        do throws(LaunchError) {
            let ready = try start.wait(until: MonotonicClock.now().clampedPlus(patience))
            return ParkedProgram(spec, program, sandbox, ready, call: ours, listener: start.takeListener())
        } catch {
            if !sandbox.end() { keep(sandbox) }
            throw error
        }
    }

    private static func nullDevice() throws(LaunchError) -> OwnedDescriptor {
        do {
            return try PathResolution.open(path: "/dev/null", flags: O_RDWR)
        } catch {
            throw LaunchError(.exhausted, "/dev/null for a parked program: \(error)", mend: "raise the limit on open files (ulimit -n)")
        }
    }

    private static func callPair() throws(LaunchError) -> DescriptorPair {
        do {
            return try SocketPair.stream()
        } catch {
            throw LaunchError(.exhausted, "no socket for a parked program: \(error)", mend: "raise the limit on open files (ulimit -n)")
        }
    }

    /// Its init lives, and it has neither ended nor said anything more.
    var isAlive: Bool {
        guard sandbox.isAlive, let call = ends.withLock({ $0.call.number }) else { return false }
        return (try? Polling.wait(call, for: .readable, deadline: 0)) == false
    }

    /// Hands it the call. False when it did not take all of it: then nothing of it will run, and it is of no more use.
    func start(_ spec: [UInt8], hasChannel: Bool, descriptors: [Int32]) -> Bool {
        var request = LauncherConnection.request(bytes: spec.count)
        request.flags = GB_REQUEST_START.rawValue | (hasChannel ? GB_REQUEST_HAS_CHANNEL.rawValue : 0)
        let message = withUnsafeBytes(of: request) { Array($0) } + spec
        return ends.withLock { ends in
            guard let call = ends.call.number else { return false }
            // It has read everything before, so there is room; were there none, waiting for it would be waiting for who knows what.
            let taken = try? message.withUnsafeBytes { try AttributedStream.write(call, $0, descriptors: descriptors) }
            return taken == message.count
        }
    }

    /// Both, once.
    func takeEnds() -> Ends { ends.withLock { Ends(call: $0.call.take(), listener: $0.listener.take()) } }
}
