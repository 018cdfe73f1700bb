/// The revisions of MCP that are spoken, oldest first.
package enum ProtocolRevision: String, Sendable, CaseIterable, Comparable {
    case november2024 = "2024-11-05"
    case march2025 = "2025-03-26"
    case june2025 = "2025-06-18"
    case november2025 = "2025-11-25"
    /// Without a handshake: each request says for itself which revision it is written in.
    case july2026 = "2026-07-28"

    package static let handshakes: [ProtocolRevision] = [.november2024, .march2025, .june2025, .november2025]
    /// Offered to a client that asks for a revision which is not known.
    package static let newestHandshake = ProtocolRevision.november2025
    package static let stateless: [ProtocolRevision] = [.july2026]

    package static func < (a: ProtocolRevision, b: ProtocolRevision) -> Bool { a.rawValue < b.rawValue }

    var isStateless: Bool { self == .july2026 }
    var hasBatches: Bool { self == .march2025 }
    var hasAnnotations: Bool { self >= .march2025 }
    var hasProgressMessages: Bool { self >= .march2025 }
    /// With titles and output schemas.
    var hasStructuredContent: Bool { self >= .june2025 }
}
