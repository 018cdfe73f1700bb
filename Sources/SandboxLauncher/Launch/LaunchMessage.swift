internal import CLaunchABI
internal import LinuxPrimitives

/// One answer on a run's status socket, as Swift values.
struct LaunchMessage: Sendable {
    enum Kind: Sendable { case launched, failed, started, exited, usage, parked }
    var kind: Kind
    var stage: LaunchStage
    var errno: Int32
    var detail: UInt32
    var pid: Int32
    var status: Int32
    var enforced: UInt32
    var usage: SandboxUsage
    /// Monotonic nanoseconds at which each stage ended; 0 for those not passed.
    var stageEnds: [UInt64]
    /// Hard limit in force per rlimit record; UInt64.max where it is as asked.
    var clamped: [UInt64]

    static let size = MemoryLayout<gb_message>.size

    /// Nil for a message that is none of the launcher's.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        let raw = bytes.withUnsafeBytes { $0.loadUnaligned(as: gb_message.self) }
        switch raw.kind {
        case GB_MESSAGE_LAUNCHED.rawValue: kind = .launched
        case GB_MESSAGE_FAILED.rawValue: kind = .failed
        case GB_MESSAGE_STARTED.rawValue: kind = .started
        case GB_MESSAGE_EXITED.rawValue: kind = .exited
        case GB_MESSAGE_USAGE.rawValue: kind = .usage
        case GB_MESSAGE_PARKED.rawValue: kind = .parked
        default: return nil
        }
        stage = LaunchStage(rawValue: raw.stage) ?? .request
        errno = raw.error
        detail = raw.detail
        pid = raw.pid
        status = raw.status
        enforced = raw.enforced
        usage = SandboxUsage(
            cpuMicroseconds: raw.usage.cpu_us, residentBytes: raw.usage.resident_bytes, peakBytes: raw.usage.peak_bytes,
            writtenBytes: raw.usage.written_bytes, processes: raw.usage.processes, largestPID: raw.usage.largest_pid,
            hiddenProcesses: raw.usage.hidden,
            hiddenPID: raw.usage.hidden_pid)
        stageEnds = withUnsafeBytes(of: raw.stage_ns) { Array($0.bindMemory(to: UInt64.self)) }
        clamped = withUnsafeBytes(of: raw.clamped_hard) { Array($0.bindMemory(to: UInt64.self)) }
    }
}

struct SandboxUsage: Sendable, Equatable {
    var cpuMicroseconds: UInt64 = 0
    var residentBytes: UInt64 = 0
    var peakBytes: UInt64 = 0
    var writtenBytes: UInt64 = 0
    var processes: UInt32 = 0
    var largestPID: Int32 = 0
    /// Living processes that hide what they write (not dumpable).
    var hiddenProcesses: UInt32 = 0
    var hiddenPID: Int32 = 0
}

/// The steps of a launch, in the order of `gb_stage`; their names are those of the run report.
enum LaunchStage: UInt32, Sendable, CaseIterable {
    case request, clone, idMap, cgroup, descriptors, network, mounts, pivot, credentials, capabilities, session, limits, noNewPrivileges
    case landlock, seccomp, exec, supervise

    var name: String {
        // Spelled out: a name by reflection looks through every conformance of the program, once per protocol it does not have.
        switch self {
        case .request: "request"
        case .clone: "clone"
        case .idMap: "id-map"
        case .cgroup: "cgroup"
        case .descriptors: "descriptors"
        case .network: "network"
        case .mounts: "mounts"
        case .pivot: "pivot"
        case .credentials: "credentials"
        case .capabilities: "capabilities"
        case .session: "session"
        case .limits: "limits"
        case .noNewPrivileges: "no-new-privileges"
        case .landlock: "landlock"
        case .seccomp: "seccomp"
        case .exec: "exec"
        case .supervise: "supervise"
        }
    }
}
