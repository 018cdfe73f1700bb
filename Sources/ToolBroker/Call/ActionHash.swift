internal import Crypto
internal import StrictJSON

/// Names one action: an approval is good for the action with this hash and for no other.
enum ActionHash {
    /// SHA-256 over tool, canonical arguments, working directory and policy hash, lower-case hexadecimal.
    static func of(tool: String, arguments: JSONValue, workingDirectory: String, policyHash: String?) -> String {
        SHA256Text.of(
            JSONValue.object([
                "tool": .string(tool), "arguments": arguments, "working_directory": .string(workingDirectory),
                "policy_hash": .optional(policyHash),
            ]).canonicalText)
    }
}

enum SHA256Text {
    static func of(_ text: String) -> String { of(Array(text.utf8)) }

    static func of(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var result: [UInt8] = []
        for byte in SHA256.hash(data: bytes) {
            result.append(digits[Int(byte >> 4)])
            result.append(digits[Int(byte & 15)])
        }
        return String(decoding: result, as: UTF8.self)
    }
}
