internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct AgentListCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List agent processes.", aliases: ["list"])

    @Flag(help: "Only those that have not ended.") var alive = false
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let isAliveOnly = alive
        await Self.mend(options)
        let rows = try await options.reading { store throws(LibOSError) in
            var rows: [(process: AgentProcess, goal: String?)] = []
            for process in try store.processes(status: nil) where !isAliveOnly || !process.status.isTerminal {
                rows.append((process, try store.goalText(of: process)))
            }
            return rows
        }
        if options.json {
            Document.print(
                "processes/1", "processes", rows.map { .object($0.process.members + [JSONMember("goal", .optional($0.goal))]) })
        } else if rows.isEmpty {
            Console.note("no processes")
        } else {
            var table = TextTable(["PID", "STATUS", "CALLS", "GOAL", ""])
            for (process, goal) in rows {
                table.add([
                    process.id.text, process.status.rawValue, String(process.usage[.toolCalls]), (goal ?? "").shortened(to: 40),
                    process.standing.shortened(to: 100),
                ])
            }
            table.print()
        }
        return ExitStatus.success
    }

    /// A session whose supervisor was killed looks alive until somebody opens the store for writing. Where that cannot be now, whoever
    /// writes to it does it.
    private static func mend(_ options: StoreOptions) async {
        guard let place = try? options.place(), place.exists, SessionLock.hasAbandoned(store: place.file) else { return }
        try? await RuntimeSession.with(options) { _ in }
    }
}
