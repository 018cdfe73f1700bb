internal import AgentRuntime
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON
internal import Synchronization

/// Tells on standard error what each quantum did, and passes on what agents tell people. It changes nothing.
struct Narrator: QuantumRunner {
    let base: any QuantumRunner
    let store: any RuntimeStore
    let isQuiet: Bool

    func runQuantum(_ process: ProcessID) async throws -> QuantumResult {
        let before = try await store.read { store throws(LibOSError) in
            try store.humanRequests(status: .delivered, process: process).count
        }
        let result = try await base.runQuantum(process)
        if isQuiet { return result }
        Console.note(SafeText.line("\(process)  \(Self.line(of: result.payload))"))
        let said = try await store.read { store throws(LibOSError) in
            try store.humanRequests(status: .delivered, process: process).dropFirst(before).map(\.content)
        }
        for case .output(let message, _) in said { Console.print("\(process) says: \(SafeText.clean(message))") }
        return result
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
