internal import CLaunchABI
internal import Glibc
internal import LinuxPrimitives

/// A sandbox that stands and waits for the one call that it will serve.
final class ParkedSandbox: StandingSandbox {
    /// With its own ids and exec page.
    let spec: LaunchSpec
    /// Bytes that it holds.
    let memoryBytes: UInt64
    let sandbox: LaunchedSandbox

    /// For the launcher to build one, nanoseconds.
    private static let patience: UInt64 = 10_000_000_000

    /// Has the launcher build one, and waits until it stands.
    ///
    /// - Parameters:
    ///   - kind: what it is to be (`LaunchSpec.kind`).
    ///   - parksTool: the tool's process itself waits (`ParkedTool.isPossible`).
    ///   - keep: given one that came to nothing and that could not be ended either; its leases are free when it is let go.
    init(
        _ kind: LaunchSpec, parksTool: Bool = false, leases: SandboxLeases, through connection: LauncherConnection,
        keep: (LaunchedSandbox) -> Void
    ) throws(LaunchError) {
        var spec = kind
        let hostID = leases.hostID
        try spec.personalize(user: hostID ?? getuid(), group: hostID ?? getgid())
        if parksTool { spec.flags.insert(.parkTool) }
        spec.arguments = ["parked"] // of the spec's form: nothing is run
        var pair = try LaunchedSandbox.statusPair()
        let theirs = pair.takeSecond()
        sandbox = LaunchedSandbox(status: pair.takeFirst(), leases: leases)
        let (groups, groupFlags) = leases.groups
        try connection.send(
            try LaunchSpecEncoder.encode(spec), flags: GB_REQUEST_PARK.rawValue | groupFlags, cgroups: UInt32(groups.count),
            descriptors: [theirs.rawValue] + groups)
        theirs.close()
        do throws(LaunchError) {
            try Self.await(sandbox)
        } catch {
            // What it has leased may be lent again when its last process has gone, not before.
            if !sandbox.end() { keep(sandbox) }
            throw error
        }
        memoryBytes = leases.memoryBytes ?? assumedSandboxBytes
        self.spec = spec
    }

    private static func await(_ sandbox: LaunchedSandbox) throws(LaunchError) {
        let deadline = MonotonicClock.now() + patience
        let ended = LaunchError(.launcher, "a sandbox that was being prepared has ended", mend: "run `glovebox doctor`")
        guard let number = sandbox.numbers.status else { throw ended }
        // The launcher's word that it made the process, and the process's own that it waits, come in either order.
        var (isLaunched, isParked) = (false, false)
        do {
            while try Polling.wait(number, for: .readable, deadline: deadline) {
                guard var received = try DescriptorMessage.receive(on: number, maxBytes: LaunchMessage.size, maxDescriptors: 1),
                    let message = LaunchMessage(received.bytes)
                else { break }
                switch message.kind {
                case .launched:
                    guard let pidfd = received.takeDescriptor(0) else { break }
                    sandbox.launched(ProcessHandle(adopting: pidfd, pid: message.pid))
                    isLaunched = true
                case .parked: isParked = true
                default:
                    let why = SystemError(errno: message.errno, operation: message.stage.name)
                    throw LaunchError(.launcher, "no sandbox could be prepared: \(why)", mend: "a cold launch says more")
                }
                if isLaunched, isParked { return }
            }
        } catch let error as LaunchError {
            throw error
        } catch {
            throw LaunchError(.launcher, "no sandbox could be prepared: \(error)", mend: "run `glovebox doctor`")
        }
        throw ended
    }

    /// Whether its init still waits.
    var isAlive: Bool { sandbox.isAlive }
}
