package import StrictJSON

/// A value of a configuration, with the bytes that it is written in: an edit replaces those and leaves all others alone.
package struct PlacedValue: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
        case text(String)
        case flag(Bool)
        /// Null, numbers and dates: nothing that is edited here has such a value.
        case other
        case list([PlacedValue])
        case table([PlacedMember])
    }

    package var content: Content
    /// Empty for a TOML table that is made of headers.
    package var span: Range<Int>

    package init(_ content: Content, _ span: Range<Int>) {
        self.content = content
        self.span = span
    }

    package var text: String? { if case .text(let text) = content { text } else { nil } }
    package var flag: Bool? { if case .flag(let flag) = content { flag } else { nil } }
    package var list: [PlacedValue]? { if case .list(let items) = content { items } else { nil } }
    package var table: [PlacedMember]? { if case .table(let members) = content { members } else { nil } }

    /// The member of a table with exactly these bytes as its key.
    package subscript(key: String) -> PlacedMember? { table?.first { $0.key.utf8.elementsEqual(key.utf8) } }
}

package struct PlacedMember: Sendable, Equatable {
    package var key: String
    /// Of a dotted key in TOML: all of it.
    package var keySpan: Range<Int>
    /// What stands before the last part of a dotted key: `a.b.` of `a.b.c`.
    package var prefixSpan: Range<Int>
    package var value: PlacedValue
    /// Members are parted by commas, not by ends of lines.
    package var isInline: Bool
}

/// Why a configuration cannot be read.
package struct ConfigurationReadError: Error, Sendable, Equatable, CustomStringConvertible {
    package var message: String
    package var position: SourcePosition

    package var description: String { printable("\(position.line):\(position.column): \(message)") }
}

/// What every reader of a configuration begins with.
struct ConfigurationText {
    let bytes: [UInt8]
    var index = 0
    private var nodes = 0

    /// A client keeps much else in its file; this is far beyond what any has.
    static let mostBytes = 32 << 20
    static let mostNodes = 1_000_000
    static let mostDepth = 64

    init(_ bytes: [UInt8]) throws(ConfigurationReadError) {
        self.bytes = bytes
        if bytes.count > Self.mostBytes { throw error("the file is larger than \(Self.mostBytes >> 20) MiB", at: 0) }
        if let bad = TextCheck.firstProblem(in: bytes) { throw error("\(bad.message); \(bad.mend)", at: bad.offset) }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
    }

    var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    func follows(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { text in
            text.count <= bytes.count - index && text.indices.allSatisfy { text[$0] == bytes[index + $0] }
        }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        index += 1
        return true
    }

    mutating func countNode() throws(ConfigurationReadError) {
        nodes += 1
        if nodes > Self.mostNodes { throw error("the file holds more than \(Self.mostNodes) values") }
    }

    func checkDepth(_ depth: Int) throws(ConfigurationReadError) {
        if depth > Self.mostDepth { throw error("values are nested more than \(Self.mostDepth) deep") }
    }

    func error(_ message: String, at offset: Int? = nil) -> ConfigurationReadError {
        ConfigurationReadError(message: message, position: TextCheck.position(of: offset ?? index, in: bytes))
    }

    /// Four or eight hexadecimal digits, as a code unit.
    mutating func hexadecimal(_ digits: Int) throws(ConfigurationReadError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<digits {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error("an escape needs \(digits) hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            index += 1
        }
        return code
    }
}

/// The keys of one table so far, told apart by their bytes.
struct KnownKeys {
    private var seen: Set<[UInt8]> = []

    /// False when the key was there.
    mutating func insert(_ key: String) -> Bool { seen.insert(Array(key.utf8)).inserted }
}
