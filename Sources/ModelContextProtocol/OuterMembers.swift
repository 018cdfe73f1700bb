internal import StrictJSON

/// The members of a message itself.
struct OuterMembers {
    private var scanner: JSONScanner
    private var bytes: UnsafeBufferPointer<UInt8> { scanner.bytes }

    private var isVersioned = false
    private var id: Range<Int>?
    private var method: (range: Range<Int>, hasEscapes: Bool)?
    private var params: Range<Int>?
    private var result: Range<Int>?
    private var error: Range<Int>?

    init(_ bytes: UnsafeBufferPointer<UInt8>) { scanner = JSONScanner(bytes) }

    mutating func message() throws(MessageProblem) -> Message {
        scanner.skipBlanks()
        if scanner.index < bytes.count, bytes[scanner.index] == UInt8(ascii: "[") {
            throw MessageProblem(.batch, "several messages in one line are not relayed; send each in a line of its own")
        }
        var scanner = scanner
        var found = self
        var problem: MessageProblem?
        do throws(JSONScanner.Malformed) {
            try scanner.members { (key, hasEscapes, value) throws(JSONScanner.Malformed) in
                if let wrong = found.take(key, hasEscapes, value) {
                    problem = wrong
                    throw JSONScanner.Malformed()
                }
            }
            scanner.skipBlanks()
            guard scanner.index == bytes.count else { throw JSONScanner.Malformed() }
        } catch {
            throw problem ?? MessageProblem(.notJSON, "the line is no JSON object, or more than one")
        }
        return try found.classified()
    }

    private mutating func take(_ key: Range<Int>, _ hasEscapes: Bool, _ value: Range<Int>) -> MessageProblem? {
        let twice = MessageProblem(.notJSONRPC, "a member of the message is there twice")
        // A name with escapes is another spelling of a name; no sender writes these so.
        if hasEscapes { return MessageProblem(.notJSONRPC, "the name of a member is written with escapes") }
        func isName(_ name: StaticString) -> Bool { JSONScanner.isName(bytes, key, name) }
        if isName("jsonrpc") {
            if isVersioned { return twice }
            isVersioned = JSONScanner.isName(bytes, value, "2.0") && bytes[value.lowerBound] == UInt8(ascii: "\"")
            return isVersioned ? nil : MessageProblem(.notJSONRPC, "the message is not of JSON-RPC 2.0")
        }
        if isName("id") {
            if id != nil { return twice }
            id = value
        } else if isName("method") {
            if method != nil { return twice }
            guard bytes[value.lowerBound] == UInt8(ascii: "\"") else { return MessageProblem(.notJSONRPC, "the method is no string") }
            method = (value, bytes[value].contains(UInt8(ascii: "\\")))
        } else if isName("params") {
            if params != nil { return twice }
            guard bytes[value.lowerBound] == UInt8(ascii: "{") else { return MessageProblem(.notJSONRPC, "the parameters are no object") }
            params = value
        } else if isName("result") {
            if result != nil { return twice }
            guard bytes[value.lowerBound] == UInt8(ascii: "{") else { return MessageProblem(.notJSONRPC, "the result is no object") }
            result = value
        } else if isName("error") {
            if error != nil { return twice }
            guard bytes[value.lowerBound] == UInt8(ascii: "{") else { return MessageProblem(.notJSONRPC, "the error is no object") }
            error = value
        } else {
            return MessageProblem(.notJSONRPC, "the message has a member that messages have not")
        }
        return nil
    }

    private func classified() throws(MessageProblem) -> Message {
        guard isVersioned else { throw MessageProblem(.notJSONRPC, "the message is not of JSON-RPC 2.0") }
        if let method {
            guard result == nil, error == nil else { throw MessageProblem(.notJSONRPC, "the message is a request and an answer") }
            guard let name = text(method.range, method.hasEscapes) else { throw MessageProblem(.notJSON, "the method is no string") }
            guard let id else { return Message(kind: .notification(method: name), body: params) }
            guard let id = try messageID(id) else { throw MessageProblem(.notJSONRPC, "the id of a request is null") }
            return Message(kind: .request(id, method: name), body: params)
        }
        guard params == nil, (result == nil) != (error == nil), let id else {
            throw MessageProblem(.notJSONRPC, "the message is neither a request nor an answer")
        }
        let known = try messageID(id)
        if error != nil { return Message(kind: .error(known), body: error) }
        guard let known else { throw MessageProblem(.notJSONRPC, "the id of a result is null") }
        return Message(kind: .result(known), body: result)
    }

    /// Nil for `null`.
    private func messageID(_ range: Range<Int>) throws(MessageProblem) -> RequestID? {
        let value = bytes[range]
        let wrong = MessageProblem(.notJSONRPC, "the id is neither a string nor a number")
        switch value.first {
        case UInt8(ascii: "\""):
            guard range.count <= Self.longestID, let text = text(range, value.contains(UInt8(ascii: "\\"))) else { throw wrong }
            return RequestID(text)
        case UInt8(ascii: "n"):
            guard value.elementsEqual("null".utf8) else { throw wrong }
            return nil
        case UInt8(ascii: "-"), .some(0x30...0x39):
            let spelling = String(decoding: value, as: UTF8.self)
            if let number = Int64(spelling), String(number).utf8.elementsEqual(value) { return RequestID(number) }
            guard range.count <= 64, (try? JSONDocument.value(of: Array(value), bounds: Self.scalarBounds)) != nil else { throw wrong }
            return RequestID(canonical: Array(value))
        default: throw wrong
        }
    }

    private static let longestID = 1024
    private static let scalarBounds = DocumentBounds(bytes: 64 << 10, depth: 1, nodes: 4)

    private func text(_ range: Range<Int>, _ hasEscapes: Bool) -> String? {
        if !hasEscapes { return String(decoding: bytes[range.lowerBound + 1..<range.upperBound - 1], as: UTF8.self) }
        guard case .string(let text)? = try? JSONDocument.value(of: Array(bytes[range]), bounds: Self.scalarBounds) else { return nil }
        return text
    }

    /// The id of an answer whose end was not read: it has to stand before the result, which is what made it long.
    mutating func leadingAnswerID() -> RequestID? {
        scanner.skipBlanks()
        guard scanner.take(UInt8(ascii: "{")) else { return nil }
        var found: Range<Int>?
        while true {
            scanner.skipBlanks()
            guard let key = try? scanner.string(), !key.hasEscapes else { return nil }
            scanner.skipBlanks()
            guard scanner.take(UInt8(ascii: ":")) else { return nil }
            if JSONScanner.isName(bytes, key.range, "result") || JSONScanner.isName(bytes, key.range, "error") { break }
            if JSONScanner.isName(bytes, key.range, "method") { return nil }
            guard let value = try? scanner.value() else { return nil }
            if JSONScanner.isName(bytes, key.range, "id") {
                if found != nil { return nil }
                found = value
            }
            scanner.skipBlanks()
            guard scanner.take(UInt8(ascii: ",")) else { return nil }
        }
        guard let found, let id = try? messageID(found) else { return nil }
        return id
    }
}
