package import StrictJSON

/// Reads the bytes of a policy file into nodes: JSON when the first non-blank byte is `{` or `[`, YAML otherwise.
package enum DocumentReader {
    package static func read(
        _ bytes: [UInt8], fileName: String, bounds: DocumentBounds = .policy
    ) throws(PolicyError) -> DocumentNode {
        if bytes.count > bounds.bytes {
            throw PolicyError(
                file: fileName, line: 1, column: 1, message: "the document has \(bytes.count) bytes, \(bounds.bytes) are allowed",
                mend: "split it with `extends`")
        }
        if let bad = TextCheck.firstProblem(in: bytes) {
            throw PolicyError(file: fileName, at: TextCheck.position(of: bad.offset, in: bytes), message: bad.message, mend: bad.mend)
        }
        let first = bytes.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
            do {
                return try JSONDocument.read(bytes, bounds: bounds).root
            } catch {
                throw PolicyError(file: fileName, at: error.position, message: error.message, mend: error.mend)
            }
        }
        return try YAMLReader.read(bytes, fileName: fileName, bounds: bounds)
    }
}
