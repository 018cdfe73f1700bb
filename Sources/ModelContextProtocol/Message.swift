internal import StrictJSON

/// What a line is, as far as a relay must know: kind, method and id. The rest stays as it was written, at the given places of the line.
package struct Message: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case request(RequestID, method: String)
        case notification(method: String)
        /// An answer; without an id when its sender could not tell which request it answers, which only an error may.
        case result(RequestID)
        case error(RequestID?)
    }

    package var kind: Kind
    /// Of the parameters, or of the result.
    package var body: Range<Int>?

    /// Reads a line strictly at its outermost level, whose members decide, and loosely below it, where only its extent counts.
    ///
    /// Two readers must never see two messages in one line: a member that is there twice, that no message has, or whose name is
    /// written like a known one in other letters, is refused, and so is text that is not UTF-8.
    package static func read(_ line: [UInt8]) throws(MessageProblem) -> Message {
        if TextCheck.firstProblem(in: line) != nil { throw MessageProblem(.notJSON, "the line is not UTF-8 text") }
        return try line.withUnsafeBufferPointer { (bytes) throws(MessageProblem) in
            var reader = OuterMembers(bytes)
            return try reader.message()
        }
    }

    /// What can be told of a line whose end is missing: the id of an answer that begins as answers do.
    package static func answeredID(head: [UInt8]) -> RequestID? {
        head.withUnsafeBufferPointer { bytes in
            var reader = OuterMembers(bytes)
            return reader.leadingAnswerID()
        }
    }

    /// The whole text of a member of an object, by its name; nil when it is not there or the text is no object.
    package static func member(_ name: StaticString, of range: Range<Int>, in line: [UInt8]) -> Range<Int>? {
        line.withUnsafeBufferPointer { bytes in
            var scanner = JSONScanner(UnsafeBufferPointer(rebasing: bytes[range]))
            guard let found = try? scanner.memberOfObject(name) else { return nil }
            return found.lowerBound + range.lowerBound..<found.upperBound + range.lowerBound
        }
    }
}

/// Why a line is no message.
package struct MessageProblem: Error, Sendable, Equatable {
    package enum Rule: String, Sendable, CaseIterable {
        case notJSON = "not-json"
        case notJSONRPC = "not-json-rpc"
        case batch
        case invalidParameters = "invalid-parameters"
    }

    package var rule: Rule
    /// One sentence without words of the sender's.
    package var message: String

    package init(_ rule: Rule, _ message: String) {
        self.rule = rule
        self.message = message
    }

    /// The error code of JSON-RPC 2.0.
    package var code: Int64 {
        switch rule {
        case .notJSON: -32700
        case .notJSONRPC, .batch: -32600
        case .invalidParameters: -32602
        }
    }
}
