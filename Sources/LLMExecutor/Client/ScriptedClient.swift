internal import SandboxPolicy
internal import StrictJSON
internal import Synchronization

/// Plays planned actions, in order, without any model: demos, tests, and replays of what an agent did.
///
/// A script is JSONL (one action in each line) or YAML or JSON: a list of actions, or a mapping from a part to its list. The
/// part `*` is played by processes that have none of their own. An action is `{action: NAME, …arguments}`; the further keys
/// `content` under `say:` are not needed to act. A step `{error: TEXT}` plays a provider that fails.
package final class ScriptedClient: ModelClient {
    package let name = "ScriptedClient"
    package let isRealModel = false

    package enum Step: Sendable, Hashable {
        case completion(ModelCompletion)
        case failure(ModelError)
    }

    /// By part.
    private let steps: [String: [Step]]
    private let played = Mutex<[String: Int]>([:])
    private let place: Place

    private enum Place {
        /// Processes of one part share its steps, and each step is played once. Good for one run.
        case shared(part: @Sendable (ModelRequest) -> String)
        /// Somebody who remembers beyond this run says where a process stands.
        case told(Cue)
    }

    /// The parts that may be a process's own, of which the first that the script has is its part, and how many of that part's steps
    /// it has played.
    package typealias Cue = @Sendable (ModelRequest) async throws(ModelError) -> (parts: [String], played: Int)

    package static let everybody = "*"

    package init(_ steps: [String: [Step]], part: @escaping @Sendable (ModelRequest) -> String = { _ in everybody }) {
        self.steps = steps
        place = .shared(part: part)
    }

    /// The same script, played by everybody from where they stand.
    package init(_ script: ScriptedClient, cue: @escaping Cue) {
        steps = script.steps
        place = .told(cue)
    }

    package convenience init(_ actions: [ModelAction]) {
        self.init([Self.everybody: actions.map { .completion(Self.completion(of: $0)) }])
    }

    package func complete(_ request: ModelRequest) async throws(ModelError) -> ModelCompletion {
        if Task.isCancelled { throw ModelError(.cancelled, "the request was cancelled") }
        let part: String
        let next: Int
        switch place {
        case .shared(let partOf):
            let own = partOf(request)
            part = steps[own] == nil ? Self.everybody : own
            let key = part
            next = played.withLock { played in
                defer { played[key, default: 0] += 1 }
                return played[key, default: 0]
            }
        case .told(let cue):
            let (parts, played) = try await cue(request)
            part = parts.first { steps[$0] != nil } ?? Self.everybody
            next = played
        }
        let list = steps[part] ?? []
        guard next < list.count else {
            throw ModelError(.configuration, "the script has no step \(next + 1) for `\(part)`; end it with process_exit")
        }
        switch list[next] {
        case .completion(let completion): return completion
        case .failure(let error): throw error
        }
    }

    static func completion(of action: ModelAction) -> ModelCompletion {
        ModelCompletion(
            toolCalls: [ModelToolCall(name: action.name, arguments: .value(action.arguments))], api: "script", model: "script")
    }
}

extension ScriptedClient {
    /// Reads a script. Throws with `file:line:column` when it is none.
    package static func read(
        _ bytes: [UInt8], fileName: String, part: @escaping @Sendable (ModelRequest) -> String = { _ in everybody }
    ) throws(ModelError) -> ScriptedClient {
        let value: JSONValue
        if fileName.hasSuffix(".jsonl") {
            value = .array(try lines(of: bytes, fileName: fileName))
        } else {
            do throws(PolicyError) {
                value = try DocumentReader.read(bytes, fileName: fileName, bounds: bounds).plainValue
            } catch {
                throw ModelError(.configuration, error.description)
            }
        }
        switch value {
        case .array(let items): return ScriptedClient([everybody: try steps(items, fileName)], part: part)
        case .object(let members):
            var parts: [String: [Step]] = [:]
            for member in members {
                guard case .array(let items) = member.value else {
                    throw ModelError(
                        .configuration, "\(fileName): the part `\(member.key)` is \(member.value.kindName), not a list of actions")
                }
                parts[member.key] = try steps(items, fileName)
            }
            return ScriptedClient(parts, part: part)
        default: throw ModelError(.configuration, "\(fileName): a script is a list of actions; this is \(value.kindName)")
        }
    }

    private static let bounds = DocumentBounds(bytes: 8 << 20, depth: 64, nodes: 200_000)

    private static func lines(of bytes: [UInt8], fileName: String) throws(ModelError) -> [JSONValue] {
        var result: [JSONValue] = []
        for (number, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            do throws(JSONReadError) {
                result.append(try JSONDocument.read(Array(line), bounds: bounds).value)
            } catch {
                throw ModelError(.configuration, "\(fileName):\(number + 1):\(error.position.column): \(error.message); \(error.mend)")
            }
        }
        return result
    }

    private static func steps(_ items: [JSONValue], _ fileName: String) throws(ModelError) -> [Step] {
        var steps: [Step] = []
        for (index, item) in items.enumerated() {
            if case .object(let members) = item, members.count == 1, case .string(let text)? = item["error"] {
                steps.append(.failure(ModelError(.refused, text)))
            } else if case .object(let members) = item, members.count == 1, case .string(let text)? = item["say"] {
                steps.append(.completion(ModelCompletion(content: text, api: "script", model: "script")))
            } else if let action = ModelAction(json: item), !action.name.trimmed.isEmpty {
                steps.append(.completion(completion(of: action)))
            } else {
                throw ModelError(
                    .configuration,
                    "\(fileName): step \(index + 1) has no `action`; write {action: TOOL, …arguments}, {say: TEXT} or {error: TEXT}")
            }
        }
        return steps
    }
}
