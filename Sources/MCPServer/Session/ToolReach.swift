internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxPolicy
internal import ToolBroker

/// What a tool can touch in one session: what it is written for, as far as the session and the tool's own policy let it.
struct ToolReach {
    private struct Touch: Hashable {
        var kind: ResourceKind
        var area: String?
        var right: CapabilityRight
        /// A call can do without it.
        var isOptional: Bool
        /// It makes something new and replaces nothing.
        var isCreation = false
    }

    private let tool: ToolManifest
    private let wanted: [Touch]
    private let possible: [Touch]

    /// - Parameter policy: the tool's own, as it holds in the session; nil when it has none.
    init(_ tool: ToolManifest, session: Reach, policy: ResolvedPolicy?) {
        self.tool = tool
        let own = policy.map { Reach($0) }
        wanted = Self.touches(of: tool)
        possible = wanted.filter { touch in
            guard session.includes(touch.right, touch.kind, area: touch.area) else { return false }
            guard let own, touch.kind.hasOperatingSystemRight else { return true }
            // Programs may be allowed by their place instead of by name.
            if touch.kind == .shell, !own.refuses(.execute, .shell, area: nil), own.includes(.execute, .filesystem, area: "host") {
                return true
            }
            return own.includes(touch.right, touch.kind, area: touch.area)
        }
    }

    /// Whether some call of it could be allowed.
    var isUsable: Bool { wanted.allSatisfy { $0.isOptional || possible.contains($0) } }

    var annotations: OfferedTool.Annotations {
        let changes = possible.filter { [.write, .delete, .connect, .listen, .admin].contains($0.right) }
        let isReadOnly = changes.isEmpty && !Self.changesMemory(tool)
        let reachesOut = possible.contains { $0.kind == .network }
        let isDestructive = changes.contains { !$0.isCreation }
        // The same content again in the same place; what a command does a second time nobody knows.
        var isCommand = false
        if case .command = tool.action { isCommand = true }
        let repeats = isCommand || Self.changesMemory(tool) || changes.contains { $0.right == .delete || $0.kind == .network }
        return OfferedTool.Annotations(
            isReadOnly: isReadOnly, isDestructive: isDestructive, isIdempotent: isReadOnly || !repeats, isOpenWorld: reachesOut)
    }

    var mayChangeUnwatched: Bool {
        if case .command = tool.action { return !annotations.isReadOnly }
        return false
    }

    // MARK: - What tools are written for

    private static func touches(of tool: ToolManifest) -> [Touch] {
        var result: [Touch] = []
        for need in tool.needs {
            guard case .text(let head)? = need.resource.pieces.first, let colon = head.utf8.firstIndex(of: UInt8(ascii: ":")),
                let kind = ResourceKind(rawValue: String(head[..<colon]))
            else { continue }
            let rest = head[head.utf8.index(after: colon)...]
            let hasArea = kind == .filesystem || kind == .network
            let area = hasArea ? rest.split(separator: ":", maxSplits: 1).first.map(String.init) : nil
            // Nothing of an empty list is needed.
            let isList = need.resource.places.contains { $0.selector == .each }
            for right in need.rights { result.append(Touch(kind: kind, area: area, right: right, isOptional: isList)) }
        }
        guard case .syscall(let name) = tool.action else { return result }
        func file(_ right: CapabilityRight, isCreation: Bool = false) -> [Touch] {
            [Touch(kind: .filesystem, area: "workspace", right: right, isOptional: false, isCreation: isCreation)]
        }
        switch name {
        case "filesystem.read_text", "filesystem.read_directory", "memory.create_object_from_file": result += file(.read)
        case "filesystem.write_text", "memory.write_object_to_file": result += file(.write)
        case "filesystem.write_directory": result += file(.write, isCreation: true)
        case "filesystem.delete_file", "filesystem.delete_directory": result += file(.delete)
        case "clock.now": result.append(Touch(kind: .clock, area: nil, right: .read, isOptional: false))
        case "clock.sleep": result.append(Touch(kind: .clock, area: nil, right: .execute, isOptional: false))
        default: break
        }
        return result
    }

    /// The session's own objects, which no rule on files speaks of.
    private static func changesMemory(_ tool: ToolManifest) -> Bool {
        guard case .syscall(let name) = tool.action else { return false }
        return name.hasPrefix("memory.") && !["memory.read_object", "memory.list_namespace"].contains(name) || name == "process.chdir"
    }
}
