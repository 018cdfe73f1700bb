internal import AgentRuntime
internal import ArgumentParser
internal import CapabilityLanguage
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct AgentSignalCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal", abstract: "Pause, resume or end a process.",
        discussion: """
            pause       it gets no more quanta until it is resumed
            resume      a paused one goes on, or back to what it waited for
            interrupt   it is told, and nothing else
            cancel, terminate   it ends for good, and its children with it
            """)

    @Argument(help: ArgumentHelp("A process.", valueName: "pid")) var pid: String
    @Argument(help: "pause, resume, interrupt, cancel or terminate.") var signal: String
    @Option(help: "Why; it is recorded.") var reason: String?
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let id = try ProcessID.typed(pid)
        guard let signal = ProcessSignal(rawValue: signal) else {
            let known = ProcessSignal.allCases.map(\.rawValue)
            throw CommandFailure.usage("there is no signal `\(printable(signal))`; \(NearestWord.mend(for: signal, among: known))")
        }
        let reason = reason
        let process = try await RuntimeSession.with(options) { session in
            try await session.runtime.interrupt(id, signal, reason: reason)
            return try await session.store.read { store throws(LibOSError) in try store.existingProcess(id) }
        }
        if options.json {
            Document.print("process/1", process.members)
        } else {
            Console.print(SafeText.line("\(process.id)  \(process.status.rawValue)  \(process.standing)"))
        }
        return ExitStatus.success
    }
}
