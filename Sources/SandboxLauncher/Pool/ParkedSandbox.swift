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
    /// - Parameter kind: what it is to be (`LaunchSpec.kind`).
    init(_ kind: LaunchSpec, leases: SandboxLeases, through connection: LauncherConnection) throws(LaunchError) {
        var spec = kind
        let hostID = leases.hostID
        try spec.personalize(user: hostID ?? getuid(), group: hostID ?? getgid())
        spec.arguments = ["parked"] // of the spec's form: nothing is run
        var pair = try LaunchedSandbox.statusPair()
        let theirs = pair.takeSecond()
        sandbox = LaunchedSandbox(status: pair.takeFirst(), leases: leases)
        let (groups, groupFlags) = leases.groups
        try connection.send(
            try LaunchSpecEncoder.encode(spec), flags: GB_REQUEST_PARK.rawValue | groupFlags, cgroups: UInt32(groups.count),
            descriptors: [theirs.rawValue] + groups)
        theirs.close()
        try Self.await(sandbox)
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
