internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

/// One syscall: the arguments that it takes, the authority that it needs, and what it does, in one transaction.
struct SyscallEntry: Sendable {
    typealias Needs = @Sendable (SyscallScope, SyscallArguments) throws(LibOSError) -> [NeededRight]
    typealias Body = @Sendable (SyscallScope, SyscallArguments) throws(LibOSError) -> Completion<JSONValue>

    let keys: Set<String>
    /// What must be allowed, and is asked for when that is what the records say. The body's own operations check again.
    let needs: Needs
    let body: Body

    init(_ keys: Set<String>, needs: @escaping Needs = { _, _ throws(LibOSError) in [] }, body: @escaping Body) {
        self.keys = keys
        self.needs = needs
        self.body = body
    }
}

/// What a syscall works with.
struct SyscallScope {
    let runtime: AgentRuntime
    let origin: ActionOrigin
    let caller: SyscallCaller
    let syscall: Syscall
    let transaction: any StoreTransaction
}

/// Every syscall of the runtime, by its name.
enum SyscallTable {
    static let entries: [String: SyscallEntry] = memory.merging(human) { _, new in new }.merging(clock) { _, new in new }
        .merging(process) { _, new in new }.merging(messages) { _, new in new }

    /// Syscalls that can end or pause other processes.
    static let stopping: Set<String> = ["process.exit", "process.signal"]

    /// Syscalls of the reference that other parts answer, or nobody yet.
    static func refusal(of name: String) -> LibOSError {
        let area = name.prefix { $0 != "." }
        switch area {
        case "filesystem", "shell":
            return LibOSError(
                .unsupported, "\(printable(name)) is unsupported here: files and programs are the tool broker's",
                mend: "make it through a tool call")
        case "image", "skill", "checkpoint", "capability", "jsonrpc":
            return LibOSError(.unsupported, "\(printable(name)) is unsupported by this version")
        default:
            return LibOSError(
                .unsupported, "there is no syscall \(printable(name))",
                mend: NearestWord.mend(for: name, among: entries.keys.sorted(by: utf8Precedes)))
        }
    }
}
