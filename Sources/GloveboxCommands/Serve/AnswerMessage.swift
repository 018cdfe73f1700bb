internal import LinuxPrimitives

/// What the server says: `declined`, and nothing more; or, for a run, `accepted`, then what Glovebox has to say on the client's standard
/// output and error, then `finished`.
enum AnswerMessage: Equatable, Sendable {
    /// The server did nothing and will do nothing: the client is free to run the tool itself.
    case declined(reason: String)
    /// From here on the tool may run, so nobody else may start it.
    case accepted
    /// 1 or 2, and bytes for it, at most `textLimit`.
    case text(stream: UInt8, [UInt8])
    case finished(code: Int32)

    /// Of a whole answer, bytes.
    static let limit = 4096
    static let textLimit = limit - headerSize
    private static let headerSize = 8

    var bytes: [UInt8] {
        func message(_ kind: UInt8, _ stream: UInt8 = 0, _ code: Int32 = 0, _ text: [UInt8] = []) -> [UInt8] {
            [kind, stream, 0, 0] + withUnsafeBytes(of: code) { Array($0) } + text
        }
        switch self {
        case .declined(let reason): return message(1, 0, 0, Array(reason.utf8.prefix(Self.textLimit)))
        case .accepted: return message(2)
        case .text(let stream, let text): return message(3, stream, 0, text)
        case .finished(let code): return message(4, 0, code)
        }
    }

    /// Nil for anything that a server does not say.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.headerSize, bytes.count <= Self.limit, bytes[2] == 0, bytes[3] == 0 else { return nil }
        let code = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4, as: Int32.self) }
        let text = bytes[Self.headerSize...]
        switch (bytes[0], bytes[1]) {
        case (1, 0) where code == 0: self = .declined(reason: String(decoding: text, as: UTF8.self))
        case (2, 0) where code == 0 && text.isEmpty: self = .accepted
        case (3, let stream) where code == 0 && (1...2).contains(stream): self = .text(stream: stream, Array(text))
        case (4, 0) where text.isEmpty && (0...255).contains(code): self = .finished(code: code)
        default: return nil
        }
    }
}
