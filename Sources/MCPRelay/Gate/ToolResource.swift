internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON
internal import Synchronization

/// Tools of a server, and what their arguments name, in the capability language:
///
///     mcp:SERVER:*                      every tool
///     mcp:SERVER:TOOL                   one tool
///     mcp:SERVER:TOOL:ARGUMENT/VALUE/*  an argument's value, and everything below it when it is a path
package struct ToolResource: Sendable {
    package let server: String
    /// Real path of the workspace: a path in it is named as seen from it.
    package let workspace: String

    package init(server: String, workspace: String) {
        self.server = server
        self.workspace = workspace
    }

    package static func isServerName(_ text: String) -> Bool {
        // With a dash first it would be an option where a command line names it.
        Resource.isIdentifier(text) && text.utf8.count <= 64 && text != "." && text != ".." && !text.hasPrefix("-")
    }

    /// As the protocol has tools named: one that is not looks like another to a person, or like none.
    static func isToolName(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || "_.-".utf8.contains($0)
            }
    }

    /// Nil when no rule could name it.
    func tool(_ name: String) -> Resource? {
        guard !name.utf8.contains(UInt8(ascii: ":")) else { return nil }
        return try? Resource.parseAction("mcp:\(server):\(name)")
    }

    /// What an approval of one call is given for: nothing else is it good for.
    func approved(_ tool: Resource, _ actionHash: String) -> Resource {
        Resource(kind: .mcp, parts: tool.parts.map(\.text) + [":@call", "/" + actionHash], extent: .exact)
    }

    /// An argument's value, as rules name it.
    enum Value {
        case resource(Resource)
        /// An absolute path outside of the workspace: only a deny is written so that it is meant for sure.
        case outside(Resource)
        /// It cannot be written as a resource, so that no rule can be compared with it.
        case incomparable
    }

    func value(_ value: JSONValue, of argument: String, in tool: Resource) -> Value {
        var text: String
        switch value {
        case .string(let given): text = given
        case .int, .bool, .double: text = value.canonicalText
        case .null, .array, .object: return .incomparable
        }
        var isOutside = false
        if text.hasPrefix("/") {
            if text.utf8.elementsEqual(workspace.utf8) { text = "" }
            if text.utf8.starts(with: (workspace + "/").utf8) {
                text = String(decoding: text.utf8.dropFirst(workspace.utf8.count + 1), as: UTF8.self)
            } else if !text.isEmpty {
                isOutside = true
            }
        }
        let parts = text.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }.filter { $0 != "." }
        let body = "\(tool):\(argument)" + parts.map { "/\($0)" }.joined()
        guard !parts.contains(where: { $0.hasSuffix("*") }), let resource = try? Resource.parse(body), resource.extent == .exact else {
            return .incomparable
        }
        return isOutside ? .outside(resource) : .resource(resource)
    }
}

/// Which arguments of a server's tools rules speak of.
struct ArgumentRules: Sendable {
    private struct Named: Hashable {
        var tool: [ResourcePart]
        var argument: String
    }
    private var named: Set<Named> = []

    init(_ resources: some Sequence<Resource>) {
        for resource in resources where resource.kind == .mcp && resource.parts.count >= 3 {
            for at in 2..<resource.parts.count where resource.parts[at].text.hasPrefix(":") {
                named.insert(Named(tool: Array(resource.parts[..<at]), argument: String(resource.parts[at].text.dropFirst())))
                break
            }
        }
    }

    var isEmpty: Bool { named.isEmpty }

    enum Match { case named, nearly }

    /// Whether some rule names this argument, or one that a careless reader takes for it.
    func match(_ argument: String, of tool: Resource) -> Match? {
        if named.isEmpty { return nil }
        if named.contains(Named(tool: tool.parts, argument: argument)) { return .named }
        let folded = argument.lowercased()
        return named.contains { $0.tool == tool.parts && $0.argument.lowercased() == folded } ? .nearly : nil
    }
}

/// The rules on arguments, looked for anew when the records of the session have changed.
final class ArgumentRuleCache: Sendable {
    private let ofPolicy: [Resource]
    private let known = Mutex<(generation: Int64, rules: ArgumentRules)?>(nil)

    init(ofPolicy: [Resource]) { self.ofPolicy = ofPolicy }

    /// Ask in a transaction that has not changed any record.
    func rules(of process: ProcessID, in store: any StoreReading) throws(LibOSError) -> ArgumentRules {
        let generation = try store.capabilityGeneration(of: process)
        if let known = known.withLock({ $0 }), known.generation == generation { return known.rules }
        let rules = ArgumentRules(ofPolicy + (try store.capabilities(of: process).map(\.resource)))
        known.withLock { $0 = (generation, rules) }
        return rules
    }
}
