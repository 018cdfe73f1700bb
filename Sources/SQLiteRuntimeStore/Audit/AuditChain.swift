internal import Crypto
package import LibOSModel
internal import StrictJSON

/// The chain of the audit: each record's hash is SHA-256 over the hash before (64 hexadecimal digits) and the record's canonical
/// JSON. `printf %s%s "$previous" "$record" | sha256sum` gives the same, so anybody can check an export without this program.
package enum AuditChain {
    /// The canonical JSON that a record's hash covers: every field but the hashes themselves.
    package static func canonicalText(of record: AuditRecord) throws(LibOSError) -> String {
        String(decoding: try AuditRow(record).canonicalBytes, as: UTF8.self)
    }

    /// The hash that a record must have; it differs from the one it has when somebody changed it.
    package static func hash(of record: AuditRecord) throws(LibOSError) -> String {
        let row = try AuditRow(record)
        return hexadecimal(digest(row.canonicalBytes, after: record.previousHash.utf8))
    }

    static func digest(_ record: [UInt8], after previous: some Collection<UInt8>) -> [UInt8] {
        var function = SHA256()
        previous.withContiguousStorageIfAvailable { function.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        record.withUnsafeBytes { function.update(bufferPointer: $0) }
        return Array(function.finalize())
    }

    static func sha256(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var function = SHA256()
        function.update(bufferPointer: bytes)
        return Array(function.finalize())
    }

    static func hexadecimal(_ bytes: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { text in
            var at = 0
            for byte in bytes {
                text[at] = digit(byte >> 4)
                text[at + 1] = digit(byte & 15)
                at += 2
            }
            return at
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}

/// Where the chain ends. Kept in a row of its own too, so that a tail that was cut off is noticed.
struct AuditHead: Sendable, Equatable {
    var count: Int64
    /// Hash of the last record, 32 bytes; zeros before the first.
    var hash: [UInt8]
    /// Of the last record.
    var timestamp: Timestamp

    static let empty = AuditHead(count: 0, hash: Array(repeating: 0, count: 32), timestamp: Timestamp(microseconds: 0))
}
