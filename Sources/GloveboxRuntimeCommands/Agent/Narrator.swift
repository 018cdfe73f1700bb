internal import AgentRuntime
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON
internal import Synchronization

/// Tells on standard error what each quantum did, and passes on what agents tell people. It changes nothing.
struct Narrator: QuantumRunner {
    let base: any QuantumRunner
    let store: any RuntimeStore
    /// No account of the steps. What agents tell people is no such account.
    let isQuiet: Bool
    /// Standard output is for one document; what agents say goes to standard error.
    var isForPrograms = false

    func runQuantum(_ process: ProcessID) async throws -> QuantumResult {
        let before = try await store.read { store throws(LibOSError) in
            try store.humanRequests(status: .delivered, process: process).count
        }
        let result = try await base.runQuantum(process)
        if !isQuiet { Console.note(SafeText.line("\(process)  \(Self.line(of: result.payload))")) }
        let said = try await store.read { store throws(LibOSError) in
            try store.humanRequests(status: .delivered, process: process).dropFirst(before).map(\.content)
        }
        for case .output(let message, _) in said { try show(Self.words(message, of: process)) }
        return result
    }

    private func show(_ text: String) throws(RunFailure) {
        if isForPrograms { return Console.note(text) }
        do throws(CommandFailure) {
            try Console.show(text)
        } catch {
            // Other agents' tools are under way: they are ended and recorded before the program ends.
            throw RunFailure(LibOSError(.unsupported, error.message))
        }
    }

    /// What an agent says, each further line marked: none of them can pass for a line of Glovebox's own.
    static func words(_ message: String, of process: ProcessID) -> String {
        let lines = message.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            SafeText.line(String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self))
        }
        return "\(process) says: " + lines.joined(separator: "\n    | ")
    }

    /// One quantum in one line.
    static func line(of payload: JSONValue) -> String {
        if case .string(let id)? = payload["request_id"], payload["waiting_human"] == .bool(true) { return "waits for a person: \(id)" }
        if case .string(let child)? = payload["child_pid"] { return "waits for \(child)" }
        if payload["waiting_message"] == .bool(true) { return "waits for a message" }
        guard case .string(let name)? = payload["action"]?["action"], let result = payload["result"] else {
            if case .string(let error)? = payload["error"] { return "failed: \(error)" }
            return payload.canonicalText.shortened(to: 160)
        }
        var words = name
        if case .object(let members)? = payload["action"] {
            let arguments = members.filter { $0.key != "action" }
            if !arguments.isEmpty { words += " " + JSONValue.object(arguments).canonicalText.shortened(to: 80) }
        }
        if result["ok"] == .bool(true) {
            // The call was carried out; that its program failed is the program's own word.
            if case .int(let code)? = result["payload"]?["returncode"], code != 0 { return "\(words): done, exit code \(code)" }
            return "\(words): done"
        }
        if case .string(let error)? = result["error"] { return "\(words): not done: \(error)" }
        return "\(words): not done"
    }
}
