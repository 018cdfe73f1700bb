internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import SandboxPolicy
internal import StrictJSON

struct AgentWaitCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until a process has ended, while another command runs it.",
        discussion: "Exit codes: 0 it exited; 1 it failed or was ended; 124 the time was over.")

    @Argument(help: ArgumentHelp("A process.", valueName: "pid")) var pid: String
    @Option(help: ArgumentHelp("How long at most: 60s, 5m, 1h.", valueName: "duration")) var timeout: String?
    @OptionGroup var options: StoreOptions

    /// The store tells readers of other programs nothing: they have to look.
    private static let pause = Duration.milliseconds(200)

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let id = try ProcessID.typed(pid)
        var deadline: UInt64?
        if let timeout {
            do throws(Quantity.Problem) {
                deadline = MonotonicClock.now() + (try Quantity.milliseconds(timeout)) * 1_000_000
            } catch {
                throw CommandFailure.usage("--timeout \(printable(timeout)): \(error.message); \(error.mend)")
            }
        }
        let end = deadline
        let process = try await options.withReader { store in
            while true {
                let process = try await store.read { store throws(LibOSError) in try store.existingProcess(id) }
                if process.status.isTerminal { return process }
                if let end, MonotonicClock.now() >= end { return process }
                try await Task.sleep(for: Self.pause)
            }
        }
        if options.json {
            Document.print("process/1", process.members)
        } else {
            Console.print(SafeText.line("\(process.id)  \(process.status.rawValue)  \(process.standing)"))
        }
        switch process.status {
        case .exited: return ExitStatus.success
        case .failed, .killed: return ExitStatus.negative
        default: return ExitStatus.timedOut
        }
    }
}
