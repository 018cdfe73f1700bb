package import CapabilityLanguage
package import StrictJSON

/// One policy file, read and checked by itself; what it inherits is not in it.
package struct PolicyDocument: Sendable, Equatable {
    package var fileName: String
    package var name: String
    package var description: String?
    package var extends: Located<String>?
    /// Only a child of a root preset may allow more than its parent.
    package var isRootPreset: Bool
    package var rootPresetPosition: SourcePosition
    package var rules: [PolicyRule]
    package var limits: [LimitName: Located<UInt64>]
    package var pass: [Located<String>]
    package var set: [Located<EnvironmentValue>]
    package var syscallBase: Located<String>?
    package var syscallDeny: [Located<String>]
    package var syscallAllow: [Located<String>]
    /// nil when the document has no `waive`: the parent's list then holds.
    package var waive: [Located<Protection>]?
    /// nil when the document has no `ask: {channel: …}`: the parent's then holds.
    package var askChannel: Located<AskChannel>?
    /// nil when the document has no `sessions`: the parent's then hold.
    package var sessions: StatedSessions?
    package var examples: [PolicyExample]

    package struct EnvironmentValue: Sendable, Equatable {
        package var name: String
        package var value: String
    }
}

/// A value and where it stands.
package struct Located<Value: Sendable & Equatable>: Sendable, Equatable {
    package var value: Value
    package var position: SourcePosition

    package init(_ value: Value, at position: SourcePosition) {
        self.value = value
        self.position = position
    }
}

/// An action that must decide so, as the policy's author promises.
package struct PolicyExample: Sendable, Equatable {
    package var effect: Effect
    package var action: PolicyAction
    package var position: SourcePosition
}
