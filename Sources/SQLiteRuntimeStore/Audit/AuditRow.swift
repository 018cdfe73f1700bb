internal import LibOSModel
internal import StrictJSON

/// One audit record as its table has it: JSON parts as canonical text, hashes as bytes.
struct AuditRow {
    var sequence: Int64
    var id: String
    var timestamp: Int64
    var actor: String
    var action: String
    var target: String?
    var inputs: String
    var outputs: String
    var capabilities: String
    var decision: Decision
    var correlation: String?
    var parent: String?

    enum Decision {
        /// Canonical JSON.
        case inline(String)
        /// SHA-256 of the canonical JSON, which is kept apart and may have been dropped.
        case content([UInt8])
    }

    /// A larger decision is kept apart. A page of the file.
    static let longestInlineDecision = 4096

    /// What the hash covers: an object of all fields, keys in order, no spaces (RFC 8785).
    var canonicalBytes: [UInt8] {
        var text = CanonicalObject()
        text.add("action", text: action)
        text.add("actor", text: actor)
        text.add("capabilities", json: capabilities)
        text.add("correlation", text: correlation)
        switch decision {
        case .inline(let json): text.add("decision", json: json)
        case .content(let hash): text.add("decision_sha256", text: AuditChain.hexadecimal(hash))
        }
        text.add("id", text: id)
        text.add("inputs", json: inputs)
        text.add("outputs", json: outputs)
        text.add("parent", text: parent)
        text.add("sequence", number: sequence)
        text.add("target", text: target)
        text.add("timestamp", number: timestamp)
        return text.closed()
    }
}

extension AuditRow {
    init(_ entry: AuditEntry, id: AuditID, sequence: Int64, timestamp: Timestamp, decision: Decision) {
        self.sequence = sequence
        self.id = id.text
        self.timestamp = timestamp.microseconds
        actor = entry.actor
        action = entry.action
        target = entry.target
        inputs = Self.list(entry.inputs)
        outputs = Self.list(entry.outputs)
        capabilities = Self.list(entry.capabilities)
        self.decision = decision
        correlation = entry.correlation
        parent = entry.parent?.text
    }

    /// A record that was read, for checking its hash.
    init(_ record: AuditRecord) throws(LibOSError) {
        let decision: Decision
        if let dropped = AuditContent.droppedHash(in: record.entry.decision) {
            decision = .content(dropped)
        } else {
            let text = try StoredJSON.text(of: record.entry.decision)
            decision = AuditContent.isLarge(text) ? .content(AuditContent.hash(of: text)) : .inline(text)
        }
        self.init(record.entry, id: record.id, sequence: record.sequence, timestamp: record.timestamp, decision: decision)
    }

    /// Ids need no escapes.
    private static func list<Kind>(_ ids: [Identifier<Kind>]) -> String {
        if ids.isEmpty { return "[]" }
        return "[\"" + ids.map(\.text).joined(separator: "\",\"") + "\"]"
    }
}

/// Writes one canonical object. The caller adds the keys in the order of their bytes.
private struct CanonicalObject {
    private var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(512) }

    mutating func add(_ key: StaticString, text: String?) {
        begin(key)
        guard var text else { return bytes.append(contentsOf: "null".utf8) }
        let isPlain = text.withUTF8 { $0.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C } }
        if isPlain {
            bytes.append(0x22)
            bytes.append(contentsOf: text.utf8)
            bytes.append(0x22)
        } else {
            bytes.append(contentsOf: JSONValue.string(text).canonicalText.utf8)
        }
    }

    mutating func add(_ key: StaticString, number: Int64) {
        begin(key)
        bytes.append(contentsOf: String(number).utf8)
    }

    mutating func add(_ key: StaticString, json: String) {
        begin(key)
        bytes.append(contentsOf: json.utf8)
    }

    mutating func closed() -> [UInt8] {
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    private mutating func begin(_ key: StaticString) {
        bytes.append(UInt8(ascii: bytes.isEmpty ? "{" : ","))
        bytes.append(0x22)
        key.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(0x22)
        bytes.append(UInt8(ascii: ":"))
    }
}
