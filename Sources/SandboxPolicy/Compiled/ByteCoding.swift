/// Writes values one after the other: whole numbers in little-endian order, everything else behind its length.
package struct ByteWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func append(_ value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    package mutating func append(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

    package mutating func append(count: Int) {
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: UInt32(count) >> UInt32(shift))) }
    }

    package mutating func append(_ block: [UInt8]) {
        append(count: block.count)
        bytes += block
    }

    package mutating func append(_ text: String) { append(Array(text.utf8)) }
}

/// Reads what `ByteWriter` wrote, from bytes that may be anything: whatever does not fit throws.
package struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    private var at: Int

    package init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
    }

    package var isAtEnd: Bool { at == bytes.endIndex }

    package mutating func number() throws(MalformedBytes) -> UInt64 {
        let start = try advance(8)
        var value: UInt64 = 0
        for offset in 0..<8 { value |= UInt64(bytes[start + offset]) << UInt64(8 * offset) }
        return value
    }

    package mutating func flag() throws(MalformedBytes) -> Bool {
        switch bytes[try advance(1)] {
        case 0: return false
        case 1: return true
        default: throw MalformedBytes()
        }
    }

    /// A number of things to come, each of at least one byte: it cannot ask for more memory than the bytes have.
    package mutating func count() throws(MalformedBytes) -> Int {
        let value = try number32()
        guard value <= bytes.endIndex - at else { throw MalformedBytes() }
        return value
    }

    /// An index into something of that many elements.
    package mutating func index(below count: Int) throws(MalformedBytes) -> Int {
        let value = try number32()
        guard value < count else { throw MalformedBytes() }
        return value
    }

    package mutating func block() throws(MalformedBytes) -> ArraySlice<UInt8> {
        let length = try count()
        let start = try advance(length)
        return bytes[start..<(start + length)]
    }

    package mutating func text() throws(MalformedBytes) -> String {
        let block = try block()
        let text = String(decoding: block, as: UTF8.self)
        // What was repaired is another text. (The validating initializer is looked up at run time, which costs more than this.)
        guard text.utf8.elementsEqual(block) else { throw MalformedBytes() }
        return text
    }

    private mutating func number32() throws(MalformedBytes) -> Int {
        let start = try advance(4)
        return Int(bytes[start]) | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2]) << 16 | Int(bytes[start + 3]) << 24
    }

    private mutating func advance(_ length: Int) throws(MalformedBytes) -> Int {
        guard length <= bytes.endIndex - at else { throw MalformedBytes() }
        defer { at += length }
        return at
    }
}

/// Bytes that no writer wrote.
package struct MalformedBytes: Error, Equatable {
    package init() {}
}
