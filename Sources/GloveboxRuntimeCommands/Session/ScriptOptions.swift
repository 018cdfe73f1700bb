internal import ArgumentParser
internal import CommandOutput
internal import LLMExecutor
internal import LibOSModel
internal import LinuxPrimitives
internal import StrictJSON
internal import Synchronization

/// Planned actions in the place of a model's.
struct ScriptOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Planned actions, YAML, JSON or JSONL: a list of {action: TOOL, …arguments}, or lists under a process's goal or image.",
            valueName: "file"),
        completion: .file())
    var script: String?

    private static let longestScript = 8 << 20

    static func client(_ script: String, _ store: any RuntimeStore) throws -> ScriptedClient {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try SmallFile.read(script, limit: longestScript + 1)
        } catch {
            throw CommandFailure.failed("the script \(script) cannot be read (\(error.symbol)); check --script")
        }
        do throws(ModelError) {
            let cues = ScriptCues(store: store)
            return ScriptedClient(try ScriptedClient.read(bytes, fileName: script)) { request throws(ModelError) in
                try await cues.cue(request.process)
            }
        } catch {
            throw CommandFailure.failed(error.message)
        }
    }
}

/// Where each process stands in the script: the store knows how often it has asked, so that a later run goes on where an earlier
/// one ended. A question that a crash cut off is asked again.
private final class ScriptCues: Sendable {
    private struct Standing {
        var parts: [String]
        var played: Int
    }

    private let store: any RuntimeStore
    private let known = Mutex<[String: Standing]>([:])

    init(store: any RuntimeStore) { self.store = store }

    func cue(_ process: String) async throws(ModelError) -> (parts: [String], played: Int) {
        let standing: Standing
        if let known = known.withLock({ $0[process] }) { standing = known } else { standing = try await look(process) }
        known.withLock { $0[process] = Standing(parts: standing.parts, played: standing.played + 1) }
        return (standing.parts, standing.played)
    }

    private func look(_ text: String) async throws(ModelError) -> Standing {
        guard let id = ProcessID(text) else { return Standing(parts: [], played: 0) }
        do throws(LibOSError) {
            return try await store.read { store throws(LibOSError) in
                let process = try store.existingProcess(id)
                let answered = try store.modelCalls(of: id, limit: .max).filter { $0.status == .ok || $0.status == .error }
                let goal = try store.goalText(of: process)
                return Standing(parts: [text] + [goal].compactMap { $0 } + [process.image], played: answered.count)
            }
        } catch {
            throw ModelError(.configuration, error.description)
        }
    }
}
