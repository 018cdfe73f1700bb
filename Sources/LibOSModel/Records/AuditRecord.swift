package import StrictJSON

/// What the audit is told. The store gives it a place in the chain.
package struct AuditEntry: Sendable, Hashable {
    /// A process, `human:<name>`, `runtime`, `scheduler`, …
    package var actor: String
    /// `tool.call`, `capability.authorize`, …
    package var action: String
    package var target: String?
    package var inputs: [ObjectID]
    package var outputs: [ObjectID]
    package var capabilities: [CapabilityID]
    package var decision: JSONValue
    /// The record that this one follows from, for example the intent of an outcome.
    package var parent: AuditID?
    /// Ties the records of one tool call, or of one quantum, together.
    package var correlation: String?

    package init(
        actor: String, action: String, target: String? = nil, inputs: [ObjectID] = [], outputs: [ObjectID] = [],
        capabilities: [CapabilityID] = [], decision: JSONValue = .object([]), parent: AuditID? = nil, correlation: String? = nil
    ) {
        self.actor = actor
        self.action = action
        self.target = target
        self.inputs = inputs
        self.outputs = outputs
        self.capabilities = capabilities
        self.decision = decision
        self.parent = parent
        self.correlation = correlation
    }
}

/// One link of the chain. Records are only ever added.
package struct AuditRecord: Sendable, Hashable {
    package var id: AuditID
    /// From 1, without a gap.
    package var sequence: Int64
    package var timestamp: Timestamp
    package var entry: AuditEntry
    /// SHA-256 of the record's canonical JSON behind the previous hash, lower-case hexadecimal.
    package var hash: String
    /// Hash of the record before; 64 zeros before the first.
    package var previousHash: String

    package init(id: AuditID, sequence: Int64, timestamp: Timestamp, entry: AuditEntry, hash: String, previousHash: String) {
        self.id = id
        self.sequence = sequence
        self.timestamp = timestamp
        self.entry = entry
        self.hash = hash
        self.previousHash = previousHash
    }

    package static let firstPreviousHash = String(repeating: "0", count: 64)
}

/// Which audit records are wanted; empty fields match everything.
package struct AuditQuery: Sendable, Hashable {
    package var actor: String?
    /// An action, or a prefix that ends in `.`.
    package var action: String?
    package var target: String?
    package var correlation: String?
    /// Records after this place in the chain.
    package var after: Int64
    package var limit: Int

    package init(
        actor: String? = nil, action: String? = nil, target: String? = nil, correlation: String? = nil, after: Int64 = 0, limit: Int = 100
    ) {
        self.actor = actor
        self.action = action
        self.target = target
        self.correlation = correlation
        self.after = after
        self.limit = limit
    }
}
