package import StrictJSON

/// Names one action: an approval is good for the action with this hash and for no other.
package enum ActionHash {
    /// SHA-256 over tool, what its manifest does, canonical arguments, working directory and policy hash, lower-case hexadecimal.
    ///
    /// - Parameters:
    ///   - deed: what the tool's manifest does; nil for a syscall, which does what its name says.
    ///   - policyHash: nil for an action that runs under no policy.
    package static func of(
        tool: String, deed: String? = nil, arguments: JSONValue, workingDirectory: String, policyHash: String?
    ) -> String {
        SHA256Text.of(
            JSONValue.object([
                "tool": .string(tool), "manifest": .optional(deed), "arguments": arguments,
                "working_directory": .string(workingDirectory), "policy_hash": .optional(policyHash),
            ]).canonicalText)
    }
}
