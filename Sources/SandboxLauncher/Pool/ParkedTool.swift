internal import CLaunchABI
internal import CLinuxShims
internal import SandboxPolicy

/// Whether the tool's process itself can wait for its call, with its limits and its filter in force already. What it still has to do
/// then (sandbox/launcher/tool.c, `wait_and_run`) goes through that filter like everything else of the tool's.
enum ParkedTool {
    private struct Step {
        let name: String
        var arguments: [UInt64] = []
    }

    /// The calls of a parked tool from the moment of its filter on, each with the arguments that a filter may look at. Pointers are 0.
    private static let steps: [Step] = {
        // Higher than anything that is placed; what a descriptor's number is no filter asks.
        let descriptor: UInt64 = 8
        var steps = [
            Step(name: "clock_gettime", arguments: [1]), // CLOCK_MONOTONIC, where the vDSO cannot say
            Step(name: "write", arguments: [4, 0, UInt64(MemoryLayout<gb_message>.size)]),
            Step(name: "recvmsg", arguments: [4, 0, 0x4000_0000]), // MSG_CMSG_CLOEXEC
            Step(name: "close", arguments: [3]),
            Step(name: "chdir"),
            Step(name: "exit"),
        ]
        // Of the channel: SOL_SOCKET with SO_DOMAIN and SO_TYPE.
        for option: UInt64 in [39, 3] { steps.append(Step(name: "getsockopt", arguments: [descriptor, 1, option])) }
        steps.append(Step(name: "getpeername", arguments: [descriptor]))
        for number: UInt64 in 0...3 { steps.append(Step(name: "dup3", arguments: [descriptor, number, 0])) }
        return steps
    }()

    /// - Parameter kind: before it is made one sandbox's own, so that its filter knows the `execve` of ours by the placeholder.
    static func isPossible(in kind: LaunchSpec) -> Bool {
        let files = kind.resourceLimits.first { $0.resource == UInt32(GBX_RLIMIT_NOFILE) }
        if let files, files.soft < UInt64(GB_PARKED_TOOL_FILES) { return false }
        if kind.flags.contains(.terminal) { return false }
        if kind.filter.isEmpty { return true }
        guard let filter = try? BPFEvaluator(bytes: kind.filter) else { return false }
        let pointer = kind.execPointer == nil ? 0 : ExecPointer.placeholder
        return (steps + [Step(name: "execve", arguments: [pointer])]).allSatisfy { step in
            guard let number = SyscallTable.number(of: step.name) else { return false }
            let call = SystemCall(number: UInt32(number), arguments: step.arguments)
            return (try? filter.evaluate(call)) == .allow
        }
    }
}
