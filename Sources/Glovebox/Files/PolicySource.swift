package import SandboxPolicy

/// Where policies come from.
package protocol PolicySource: Sendable {
    /// See `PolicyStore`.
    func loadCompiled(_ reference: String) -> CompiledPolicy?
    func load(_ reference: String) throws(PolicyError) -> ResolvedPolicy
}

extension PolicyStore: PolicySource {}
