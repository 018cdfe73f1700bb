internal import AgentRuntime
internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

/// What every command that decides a request has in common.
struct DecisionOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("A request.", valueName: "id")) var id: String
    @Option(name: .customLong("as"), help: ArgumentHelp("Who decides.", valueName: "name")) var responder = HumanQueue.standardHuman
    @OptionGroup var options: StoreOptions

    /// Looks at the request, lets `decide` make a decision of it, and takes that down. `decide` gives nil to leave it open.
    func settle(
        _ decide: @escaping (HumanRequest, Timestamp) async throws -> HumanDecision?
    ) async throws -> Int32 {
        let id = try HumanRequestID.typed(id)
        let (request, now) = try await options.reading { store throws(LibOSError) in
            guard let request = try store.humanRequest(id) else { throw .notFound("human request \(id)") }
            return (request, store.now)
        }
        guard request.status == .pending else {
            throw CommandFailure(
                exitCode: ExitStatus.negative, message: "request \(id) is \(request.status.rawValue) already; a request is decided once")
        }
        // Nobody else is kept from writing while a person thinks; the request is looked at again when it is decided.
        var settled: HumanRequest?
        if let decision = try await decide(request, now) {
            settled = try await RuntimeSession.with(options) { session in try await session.runtime.decide(id, decision) }
        }
        guard let settled else {
            Console.note("glovebox: nothing was decided; request \(id) is still open")
            return ExitStatus.negative
        }
        if options.json, case .object(let members) = settled.json {
            Document.print("human_request/1", members)
        } else {
            Console.print("\(settled.id)  \(settled.status.rawValue)")
        }
        if settled.status == .expired { throw CommandFailure(exitCode: ExitStatus.negative, message: "the time to decide was over") }
        return ExitStatus.success
    }
}
