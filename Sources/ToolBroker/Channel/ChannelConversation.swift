package import LibOSModel
package import StrictJSON

/// What one call may say on its channel and when: call → (libOS call | progress)* → one result. Pure; the session feeds it frames.
package struct ChannelConversation: Sendable {
    package enum Step: Sendable, Equatable {
        /// Answer with `answer(_:to:)` under this id.
        case syscall(id: JSONValue, Syscall)
        case progress(message: String, fraction: Double?)
        case result(ToolOutput)
        case failure(ToolFailure)
    }

    /// Drawn for this call: the result must carry it, so that words of another call or of a program that never read the call count
    /// for nothing.
    package let nonce: String
    private let limits: ChannelLimits
    private var usedIDs: Set<String> = []
    private var syscalls = 0
    private var isOver = false

    package init(nonce: String, limits: ChannelLimits) {
        self.nonce = nonce
        self.limits = limits
    }

    // MARK: - To the worker

    /// The frame that opens the call, newline included. `descriptors` names what was handed over, in the order of its passing.
    /// `place` is told to workers that serve many calls alone.
    package func opening(
        tool: String, call: ToolCallID, arguments: JSONValue, descriptors: [String], place: SessionPlace? = nil
    ) -> [UInt8] {
        var params = [
            JSONMember("tool", .string(tool)), JSONMember("call", .string(call.text)), JSONMember("arguments", arguments),
            JSONMember("descriptors", .strings(descriptors)),
        ]
        if let place { params.append(JSONMember("session", place.json)) }
        return frame(
            .object([
                "jsonrpc": .string("2.0"), "id": .string(nonce), "method": .string("tool.call"), "params": .object(params),
            ]))
    }

    package func answer(_ value: JSONValue, to id: JSONValue) -> [UInt8] {
        frame(.object(["jsonrpc": .string("2.0"), "id": id, "result": value]))
    }

    package func answer(_ error: LibOSError, to id: JSONValue) -> [UInt8] {
        frame(
            .object([
                "jsonrpc": .string("2.0"), "id": id,
                "error": .object([
                    "code": .int(Self.applicationError), "message": .string(error.description),
                    "data": .object(["code": .string(error.code.rawValue), "denial": ToolFailure(error).denial?.json ?? .null]),
                ]),
            ]))
    }

    private static let applicationError: Int64 = -32000

    private func frame(_ value: JSONValue) -> [UInt8] { Array(value.canonicalText.utf8) + [0x0A] }

    // MARK: - From the worker

    package mutating func receive(_ frame: [UInt8]) throws(ProtocolViolation) -> Step {
        if isOver { throw ProtocolViolation(.dataAfterResult, "the worker went on after its result") }
        let value: JSONValue
        do throws(JSONReadError) {
            value = try JSONDocument.value(of: frame, bounds: limits.document)
        } catch {
            throw ProtocolViolation(.notJSON, "a frame is no JSON: \(error)")
        }
        guard case .object(let members) = value, value.member("jsonrpc") == .string("2.0") else {
            throw ProtocolViolation(.notJSONRPC, "a frame is no JSON-RPC 2.0 message")
        }
        let keys = Set(members.map(\.key))
        if keys.contains("method") { return try request(value, keys) }
        return try response(value, keys)
    }

    private mutating func request(_ value: JSONValue, _ keys: Set<String>) throws(ProtocolViolation) -> Step {
        guard keys.isSubset(of: ["jsonrpc", "id", "method", "params"]), case .string(let method)? = value.member("method") else {
            throw ProtocolViolation(.notJSONRPC, "a request has members that requests have not")
        }
        let params = value.member("params") ?? .object([])
        guard case .object = params else { throw ProtocolViolation(.notJSONRPC, "the parameters of `\(printable(method))` are no object") }
        if method == "progress" {
            guard !keys.contains("id"), case .string(let message)? = params.member("message") else {
                throw ProtocolViolation(.notJSONRPC, "progress is a notification with a message")
            }
            return .progress(message: CleanText.clean(String(message.prefix(1024))), fraction: Self.fraction(params.member("fraction")))
        }
        let prefix = "libos."
        guard method.utf8.starts(with: prefix.utf8),
            case let name = String(decoding: method.utf8.dropFirst(prefix.utf8.count), as: UTF8.self),
            LibOSCall.isName(name)
        else {
            throw ProtocolViolation(.unknownMethod, "the worker asked for `\(printable(String(method.prefix(80))))`, which does not exist")
        }
        let id = try newID(value.member("id"))
        syscalls += 1
        if syscalls > limits.syscalls {
            throw ProtocolViolation(.tooManySyscalls, "the worker made more than \(limits.syscalls) libOS calls")
        }
        return .syscall(id: id, Syscall(name: name, arguments: params))
    }

    private mutating func newID(_ id: JSONValue?) throws(ProtocolViolation) -> JSONValue {
        switch id {
        case .string(let text) where (1...128).contains(text.utf8.count): break
        case .int: break
        default: throw ProtocolViolation(.notJSONRPC, "a libOS call has no id")
        }
        guard let id, usedIDs.insert(id.canonicalText).inserted else {
            throw ProtocolViolation(.duplicateID, "the worker used the id \(printable(id?.canonicalText ?? "")) twice")
        }
        return id
    }

    private mutating func response(_ value: JSONValue, _ keys: Set<String>) throws(ProtocolViolation) -> Step {
        guard keys == ["jsonrpc", "id", "result"] || keys == ["jsonrpc", "id", "error"] else {
            throw ProtocolViolation(.notJSONRPC, "a frame is neither a request nor a result")
        }
        guard case .string(let id)? = value.member("id"), id.utf8.elementsEqual(nonce.utf8) else {
            throw ProtocolViolation(.wrongNonce, "a result does not carry the id of this call")
        }
        isOver = true
        if let result = value.member("result") {
            guard let output = ToolOutput(result) else {
                throw ProtocolViolation(
                    .malformedResult,
                    "the result is no object with `data` and, if anything, " + ToolOutput.keys.dropFirst().joined(separator: ", "))
            }
            let cleaned = output.cleaned
            if cleaned.hasTwins {
                throw ProtocolViolation(.malformedResult, "the result has keys that differ in control characters alone")
            }
            return .result(cleaned)
        }
        guard let error = value.member("error"), case .string(let message)? = error.member("message"), case .int? = error.member("code")
        else { throw ProtocolViolation(.malformedResult, "the error has no code and message") }
        let data = error.member("data") ?? .object([])
        var code = ToolFailure.Code.execution
        if case .string(let word)? = data.member("code"), let known = ToolFailure.Code(rawValue: word) { code = known }
        return .failure(
            ToolFailure(
                saidByTool: code, message, isRetryable: data.member("retryable") == .bool(true),
                details: data.member("details") ?? .object([])))
    }

    private static func fraction(_ value: JSONValue?) -> Double? {
        switch value {
        case .int(let whole): min(1, max(0, Double(whole)))
        case .double(let part): min(1, max(0, part))
        default: nil
        }
    }
}
