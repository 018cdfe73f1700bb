internal import Glibc
internal import LinuxPrimitives

/// The one message that a client sends: what it is asked to do, and everything of the client's that a run of its own would have read.
///
/// Fields have fixed places and the machine's byte order, for both ends are the same build of the same program on one machine; the
/// build's own mark is part of the message. Behind them stand the words and the variables, each with a NUL at its end. A `run` carries
/// four descriptors: standard input, output and error, and the working directory.
struct CallMessage: Equatable, Sendable {
    enum Kind: UInt8, Sendable {
        case run = 1
        /// What waits in the pool (`glovebox pool`). Words: `json`, or none.
        case status = 2
    }

    var kind: Kind
    var words: [String]
    /// The first of two of the same name, as getenv has it.
    var variables: [String: String]

    static let descriptorCount = 4
    /// Of a whole message, bytes. What is longer is run by the client itself.
    static let limit = 128 << 10

    private static let magic: UInt32 = 0x5358_4247
    private static let version: UInt16 = 1
    private static let headerSize = 80
    private static let markRoom = 64

    struct Refusal: Error, Equatable {
        var reason: String
        static let malformed = Refusal(reason: "the message is not understood")
        static let otherBuild = Refusal(reason: "client and server are different builds of Glovebox; start the server again")
    }

    // MARK: - Reading

    /// - Parameter build: this program's own mark.
    init(_ bytes: [UInt8], build: [UInt8]) throws(Refusal) {
        guard bytes.count >= Self.headerSize, bytes.count <= Self.limit else { throw .malformed }
        let header = bytes.withUnsafeBytes { raw in
            (
                magic: raw.loadUnaligned(fromByteOffset: 0, as: UInt32.self),
                version: raw.loadUnaligned(fromByteOffset: 4, as: UInt16.self),
                words: raw.loadUnaligned(fromByteOffset: 72, as: UInt32.self),
                variables: raw.loadUnaligned(fromByteOffset: 76, as: UInt32.self)
            )
        }
        guard header.magic == Self.magic else { throw .malformed }
        guard header.version == Self.version else { throw .otherBuild }
        let markLength = Int(bytes[7])
        guard markLength <= Self.markRoom else { throw .malformed }
        guard bytes[8..<8 + markLength].elementsEqual(build), !build.isEmpty else { throw .otherBuild }
        guard let kind = Kind(rawValue: bytes[6]) else { throw .malformed }
        self.kind = kind
        var rest = bytes[Self.headerSize...]
        func next() throws(Refusal) -> String {
            guard let end = rest.firstIndex(of: 0) else { throw .malformed }
            let text = rest[..<end]
            rest = rest[(end + 1)...]
            // A repaired word would be another word.
            guard let valid = String(validating: text, as: UTF8.self) else { throw Refusal(reason: "a word or variable is not UTF-8") }
            return valid
        }
        words = []
        variables = [:]
        // Each takes a byte at least, so the counts are bounded by the bytes that came.
        guard UInt64(header.words) + UInt64(header.variables) <= UInt64(rest.count) else { throw .malformed }
        for _ in 0..<header.words { words.append(try next()) }
        for _ in 0..<header.variables {
            let entry = try next()
            guard let equals = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = String(entry[..<equals])
            if variables[name] == nil { variables[name] = String(entry[entry.utf8.index(after: equals)...]) }
        }
        guard rest.isEmpty else { throw .malformed }
    }

    // MARK: - Writing

    /// Calls `body` with the message; nil when it would be too long. The pointers are those of a program's start: nothing is copied
    /// but into the message.
    static func withBytes<Result>(
        _ kind: Kind, words: UnsafeBufferPointer<UnsafeMutablePointer<CChar>?>,
        variables: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, build: [UInt8], _ body: (UnsafeRawBufferPointer) -> Result?
    ) -> Result? {
        var size = headerSize
        for case let word? in words { size += strlen(word) + 1 }
        var variableCount = 0
        while let variable = variables?[variableCount] {
            size += strlen(variable) + 1
            variableCount += 1
        }
        guard size <= limit, !build.isEmpty, build.count <= markRoom else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { room in
            guard let start = room.baseAddress else { return nil }
            memset(start, 0, headerSize)
            room.storeBytes(of: magic, toByteOffset: 0, as: UInt32.self)
            room.storeBytes(of: version, toByteOffset: 4, as: UInt16.self)
            room.storeBytes(of: kind.rawValue, toByteOffset: 6, as: UInt8.self)
            room.storeBytes(of: UInt8(build.count), toByteOffset: 7, as: UInt8.self)
            _ = build.withUnsafeBytes { mark in mark.baseAddress.map { memcpy(start + 8, $0, mark.count) } }
            room.storeBytes(of: UInt32(words.count), toByteOffset: 72, as: UInt32.self)
            room.storeBytes(of: UInt32(variableCount), toByteOffset: 76, as: UInt32.self)
            var at = headerSize
            func append(_ text: UnsafeMutablePointer<CChar>) {
                let length = strlen(text) + 1
                memcpy(start + at, text, length)
                at += length
            }
            for case let word? in words { append(word) }
            for index in 0..<variableCount { if let variable = variables?[index] { append(variable) } }
            return body(UnsafeRawBufferPointer(room))
        }
    }
}

/// Tells one build of this program from another.
enum BuildMark {
    /// The linker's build id; where it wrote none (debug builds) the program's file itself. Empty when neither can be told.
    static let ofThisProgram: [UInt8] = {
        if let build = BuildIdentity.ofThisProgram { return build }
        guard let file = try? FileIdentity.of(path: "/proc/self/exe") else { return [] }
        var mark: [UInt8] = []
        for number in [file.device, file.inode, file.size, UInt64(bitPattern: file.modifiedNanoseconds)] {
            withUnsafeBytes(of: number) { mark += $0 }
        }
        return mark
    }()
}
