package import StrictJSON

/// `sessions:` of one document. What it leaves out is the parent's.
package struct StatedSessions: Sendable, Equatable {
    /// Of the key itself, for messages.
    package var position: SourcePosition
    package var tools: Located<[String]>?
    package var calls: Located<UInt64>?
    package var idle: Located<UInt64>?
    package var lifetime: Located<UInt64>?
}

extension FieldReader {
    /// `sessions: {tools: [NAME, …], calls: 100, idle: 60s, lifetime: 10m}`
    mutating func sessions(_ entry: DocumentEntry) -> StatedSessions {
        var result = StatedSessions(position: entry.keyPosition)
        for part in mapping(entry.value, of: "sessions", keys: PolicyKeys.sessions) {
            switch part.key {
            case "tools": result.tools = Located(sessionTools(part.value), at: part.keyPosition)
            case "calls":
                result.calls = sessionBound(part, most: SessionTerms.mostCalls, Quantity.count) { String($0) }
            case "idle":
                result.idle = sessionBound(part, most: SessionTerms.longestIdle, Quantity.milliseconds, Quantity.durationText)
            case "lifetime":
                result.lifetime = sessionBound(part, most: SessionTerms.longestLifetime, Quantity.milliseconds, Quantity.durationText)
            default: break
            }
        }
        return result
    }

    private mutating func sessionTools(_ node: DocumentNode) -> [String] {
        let names = texts(node, of: "tools")
        if names.count > SessionTerms.mostTools {
            report(node.position, "`tools` has \(names.count) names, \(SessionTerms.mostTools) are allowed", "name fewer tools")
        }
        for name in names where !Self.isToolName(name.value) {
            report(
                name.position, "`\(name.value)` is no tool name",
                "name each tool by itself: A-Z, a-z, 0-9, `_`, `.` and `-`, at most 128; patterns are not accepted")
        }
        return names.map(\.value).sorted(by: utf8Precedes)
    }

    private mutating func sessionBound(
        _ entry: DocumentEntry, most: UInt64, _ parse: (String) throws(Quantity.Problem) -> UInt64, _ show: (UInt64) -> String
    ) -> Located<UInt64>? {
        guard let text = text(entry.value, of: entry.key) else { return nil }
        do {
            let value = try parse(text)
            if value <= most { return Located(value, at: entry.keyPosition) }
            report(entry.value.position, "`\(entry.key)` of sessions is \(show(value))", "\(show(most)) is the most")
        } catch {
            report(entry.value.position, "`\(entry.key)`: \(error.message)", error.mend)
        }
        return nil
    }

    /// As a tool's manifest may call it.
    private static func isToolName(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || "_.-".utf8.contains($0)
            }
    }
}

extension StatedSessions {
    /// These over the parent's. Nil: an empty list of tools takes every session away.
    func terms(over parent: SessionTerms?, in fileName: String) throws(PolicyError) -> SessionTerms? {
        guard let tools = tools?.value ?? parent?.tools else {
            throw PolicyError(
                file: fileName, at: position, message: "`sessions` names no tool, and no parent does", mend: "add `tools: [NAME]`")
        }
        if tools.isEmpty { return nil }
        return SessionTerms(
            tools: tools, calls: calls?.value ?? parent?.calls ?? SessionTerms.standardCalls,
            idleMilliseconds: idle?.value ?? parent?.idleMilliseconds ?? SessionTerms.standardIdle,
            lifetimeMilliseconds: lifetime?.value ?? parent?.lifetimeMilliseconds ?? SessionTerms.standardLifetime)
    }

    /// Where each setting was stated.
    var positions: [(key: String, position: SourcePosition)] {
        [("tools", tools?.position), ("calls", calls?.position), ("idle", idle?.position), ("lifetime", lifetime?.position)]
            .compactMap { key, position in position.map { (key, $0) } }
    }
}
