internal import Crypto
internal import SandboxPolicy
internal import StrictJSON

/// Names one action: an approval is good for the action with this hash and for no other.
enum ActionHash {
    /// SHA-256 over tool, what its manifest does, canonical arguments, working directory and policy hash, lower-case hexadecimal.
    /// A tool's name outlives its manifest: another program under the same name is another action.
    static func of(
        tool: String, manifest: ToolManifest?, arguments: JSONValue, workingDirectory: String, policyHash: String?
    ) -> String {
        SHA256Text.of(
            JSONValue.object([
                "tool": .string(tool), "manifest": .optional(manifest?.deed), "arguments": arguments,
                "working_directory": .string(workingDirectory), "policy_hash": .optional(policyHash),
            ]).canonicalText)
    }
}

extension ToolManifest {
    /// What the tool does, without what is only said about it, as one text.
    fileprivate var deed: String {
        var words: [String]
        switch action {
        case .syscall(let name): words = [name]
        case .command(let templates), .channel(let templates): words = templates.map(\.template.source)
        }
        words.insert(action.word, at: 0)
        let handed = descriptors.map { JSONValue.strings([$0.name, $0.path.name, $0.mode.rawValue]) }
        let bounds = limits.map { "\($0.key.rawValue)=\($0.value)" }.sorted(by: utf8Precedes)
        return JSONValue.array([
            .strings(words), .strings(needs.map(\.source)), .array(handed), .strings(files), .strings(bounds),
        ]).canonicalText
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
