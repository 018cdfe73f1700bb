package import CapabilityBroker
package import LibOSModel
internal import StrictJSON

/// The runtime: processes, memory, messages, people and the scheduler's book of what runs, over one store. It answers the
/// syscalls of tools and carries out what commands ask for. All of its state is in the store.
package struct AgentRuntime: Sendable {
    /// Everything that writes while this runtime runs writes through this store.
    package let store: ObservedStore
    package let authority: Authority
    package let memory: ObjectMemory
    package let processes: ProcessTable
    package let messages: MessageQueue
    package let humans: HumanQueue
    package let quanta = ActiveQuanta()
    let directories: any DirectoryLookup
    let sleeper: Sleeper

    /// How a process sleeps: seconds, until cancelled.
    package typealias Sleeper = @Sendable (Double) async throws -> Void

    /// - Parameters:
    ///   - store: The only store of this program; it must have one writer.
    ///   - broker: The one broker of that store.
    ///   - tools: What the tool names of images mean.
    ///   - directories: Tells whether a working directory is there.
    ///   - sleeper: Replaced where time is held by hand.
    package init(
        store: any RuntimeStore, broker: CapabilityBroker = CapabilityBroker(), tools: any ToolDirectory,
        directories: any DirectoryLookup = AnyDirectory(),
        sleeper: @escaping Sleeper = { try await Task.sleep(for: .seconds($0)) }
    ) {
        self.store = ObservedStore(store)
        authority = Authority(broker: broker)
        memory = ObjectMemory(authority: authority)
        humans = HumanQueue(authority: authority)
        processes = ProcessTable(authority: authority, memory: memory, humans: humans, tools: tools)
        messages = MessageQueue()
        self.directories = directories
        self.sleeper = sleeper
    }

    /// Makes a fresh or reopened store ready: the built-in images are there, no end is half done, and nothing is asked
    /// for a tool that is gone.
    package func start() async throws(LibOSError) {
        let processes = processes
        try await store.write { transaction throws(LibOSError) in
            try transaction.installBuiltInImages()
            try processes.finishEnds(in: transaction)
            try processes.withdrawCutOffQuestions(in: transaction)
        }
    }
}

/// Whether a path of the workspace is a directory.
package protocol DirectoryLookup: Sendable {
    func isDirectory(_ path: String) async -> Bool
}

/// Takes every path for a directory: for runtimes without a workspace.
package struct AnyDirectory: DirectoryLookup {
    package init() {}
    package func isDirectory(_ path: String) async -> Bool { true }
}
