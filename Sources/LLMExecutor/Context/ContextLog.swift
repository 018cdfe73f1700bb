internal import AgentRuntime
internal import LibOSModel
internal import StrictJSON

/// The account itself: a prefix that never changes, entries, and what has been told already.
struct ContextLog: Sendable {
    static let kind = "llm_context"
    static let schemaVersion: Int64 = 1

    let prefix: JSONValue
    private let prefixText: String
    private(set) var entries: [Entry]
    /// What fell out at the beginning.
    private(set) var dropped: Dropped
    /// By subject: what the account said last about it.
    var captured: [String: JSONValue]

    /// Never changed once it is there, and so made into text once.
    struct Entry: Sendable, Hashable {
        let kind: String
        let content: JSONValue
        /// Objects that it tells of, for naming them when it falls out.
        let objects: [String]
        /// What the model reads.
        let text: String
        /// What is stored.
        let json: JSONValue
        /// Bytes of its canonical text.
        let jsonBytes: Int

        init(kind: String, content: JSONValue, objects: [String]) {
            self.kind = kind
            self.content = content
            self.objects = objects
            text = "## \(kind)\n\(content.prettySorted)"
            json = .object(["kind": .string(kind), "content": content, "objects": .strings(objects)])
            jsonBytes = json.canonicalByteCount
        }
    }

    struct Dropped: Sendable, Hashable {
        var entries: Int64 = 0
        var objects: [String] = []
        /// Names that are listed; beyond them only the number counts.
        static let longest = 64
    }

    init(prefix: JSONValue) {
        self.prefix = prefix
        prefixText = prefix.prettySorted
        entries = [Entry(kind: "process_started", content: .object(["note": .string("the process began")]), objects: [])]
        dropped = Dropped()
        captured = [:]
    }

    static func prefix(of process: AgentProcess, image: AgentImage, tools: [ToolSpec]) -> JSONValue {
        .object([
            "pid": .string(process.id.text), "image_id": .string(image.id), "image_name": .string(image.name),
            "image_version": .string(image.version), "safety_profile": .string(image.safetyProfile),
            "context_policy": .string(image.contextPolicy.rawValue), "parent_pid": .optional(process.parent?.text),
            "initial_working_directory": .string(process.workingDirectory), "goal_oid": .optional(process.goal?.text),
            "tool_names": .strings(tools.map(\.name).sorted(by: utf8Precedes)),
        ])
    }

    mutating func append(_ kind: String, _ content: JSONValue, objects: [String] = []) {
        entries.append(Entry(kind: kind, content: content, objects: objects))
    }

    // MARK: - Bound

    /// When the account is longer than the budget, its oldest entries fall out until a quarter of it is free again: seldom and
    /// much, because everything behind the cut must be read anew. The newest entry always stays.
    /// - Returns: what the model reads.
    mutating func trim(toTokens budget: Int64) -> String {
        var total = TokenEstimate.of(head) + entries.reduce(0) { $0 + TokenEstimate.of($1.text) }
        var cut = 0
        if total > budget {
            while total > budget / 4 * 3, entries.count - cut > 1 {
                let entry = entries[cut]
                total -= TokenEstimate.of(entry.text)
                cut += 1
                dropped.entries += 1
                for object in entry.objects where !dropped.objects.contains(object) && dropped.objects.count < Dropped.longest {
                    dropped.objects.append(object)
                }
                // Told again if it is still in sight: it is not in the account any more.
                for object in entry.objects { captured["object:" + object] = nil }
            }
            entries.removeFirst(cut)
        }
        return ([head] + entries.map(\.text)).joined(separator: "\n\n---\n\n")
    }

    // MARK: - Text

    private var head: String {
        var text = "# Process\n" + prefixText
        if dropped.entries > 0 {
            text += "\n\n# Left out\n\(dropped.entries) older entries no longer fit here."
            if !dropped.objects.isEmpty {
                text += " They told of these objects, which can be read by id: \(dropped.objects.joined(separator: ", "))."
            }
        }
        return text
    }

    // MARK: - Payload

    var json: JSONValue { json(entries.map(\.json)) }

    /// Bytes of its canonical text. The entries' own were counted when they were made.
    var jsonBytes: Int { json([]).canonicalByteCount + entries.reduce(0) { $0 + $1.jsonBytes } + max(0, entries.count - 1) }

    private func json(_ entries: [JSONValue]) -> JSONValue {
        .object([
            "kind": .string(Self.kind), "schema_version": .int(Self.schemaVersion), "cache_strategy": .string("append_only"),
            "static_prefix": prefix,
            "entries": .array(entries),
            "dropped": .object(["entries": .int(dropped.entries), "objects": .strings(dropped.objects)]),
            "captured": .object(captured.sorted { utf8Precedes($0.key, $1.key) }.map { JSONMember($0.key, $0.value) }),
        ])
    }

    /// nil when the payload is something else. The process may write its own context, so nothing in it is trusted.
    init?(json: JSONValue) {
        guard json["kind"] == .string(Self.kind), json["schema_version"] == .int(Self.schemaVersion), let prefix = json["static_prefix"],
            case .array(let list)? = json["entries"], case .object(let members)? = json["captured"]
        else { return nil }
        self.prefix = prefix
        prefixText = prefix.prettySorted
        entries = list.compactMap { item in
            guard case .string(let kind)? = item["kind"], let content = item["content"] else { return nil }
            return Entry(kind: kind, content: content, objects: Self.texts(item["objects"]))
        }
        dropped = Dropped()
        if case .int(let count)? = json["dropped"]?["entries"] { dropped.entries = max(0, count) }
        dropped.objects = Array(Self.texts(json["dropped"]?["objects"]).prefix(Dropped.longest))
        captured = Dictionary(members.map { ($0.key, $0.value) }) { first, _ in first }
    }

    private static func texts(_ value: JSONValue?) -> [String] {
        guard case .array(let items)? = value else { return [] }
        return items.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }
}

extension JSONValue {
    /// For models: sorted keys, so that equal values are equal text.
    var prettySorted: String { sorted.prettyText }

    /// With the keys of every object in one order. What comes from a store has it already.
    var sorted: JSONValue { isSorted ? self : reordered }

    private var isSorted: Bool {
        switch self {
        case .object(let members):
            members.allSatisfy { $0.value.isSorted } && zip(members, members.dropFirst()).allSatisfy { !utf8Precedes($1.key, $0.key) }
        case .array(let items): items.allSatisfy(\.isSorted)
        default: true
        }
    }

    private var reordered: JSONValue {
        switch self {
        case .object(let members):
            .object(members.sorted { utf8Precedes($0.key, $1.key) }.map { JSONMember($0.key, $0.value.sorted) })
        case .array(let items): .array(items.map(\.sorted))
        default: self
        }
    }
}
