internal import Crypto
package import StrictJSON

/// Names one action: an approval is good for the action with this hash and for no other.
package enum ActionHash {
    /// SHA-256 over tool, canonical arguments, working directory and policy hash, lower-case hexadecimal. An action that runs
    /// under no policy has none.
    package static func of(tool: String, arguments: JSONValue, workingDirectory: String, policyHash: String?) -> String {
        let text = JSONValue.object([
            "tool": .string(tool), "arguments": arguments, "working_directory": .string(workingDirectory),
            "policy_hash": .optional(policyHash),
        ]).canonicalText
        let digits = Array("0123456789abcdef".utf8)
        var result: [UInt8] = []
        for byte in SHA256.hash(data: Array(text.utf8)) {
            result.append(digits[Int(byte >> 4)])
            result.append(digits[Int(byte & 15)])
        }
        return String(decoding: result, as: UTF8.self)
    }
}
