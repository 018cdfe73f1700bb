internal import ModelContextProtocol
internal import StrictJSON

/// The head of a request over HTTP, as far as it decides something.
struct HTTPHead: Sendable {
    var method: String
    var target: String
    var headers: [(name: String, value: String)]

    /// Every value of a header; names take no notice of case.
    func values(_ name: String) -> [String] {
        headers.filter { $0.name.utf8.count == name.utf8.count && $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    /// The value of a header that is there once; nil when it is not there or is there more often.
    func only(_ name: String) -> String? {
        let values = values(name)
        return values.count == 1 ? values[0] : nil
    }
}

struct HTTPAnswer: Sendable, Equatable {
    var status: Int
    var headers: [String: String] = [:]
    var body: [UInt8] = []

    static func json(_ status: Int, _ message: JSONValue) -> HTTPAnswer {
        HTTPAnswer(status: status, headers: ["Content-Type": "application/json"], body: Array(message.canonicalText.utf8))
    }

    static func refused(_ status: Int, _ words: String, _ headers: [String: String] = [:]) -> HTTPAnswer {
        HTTPAnswer(
            status: status, headers: headers.merging(["Content-Type": "text/plain; charset=utf-8"]) { given, _ in given },
            body: Array((words + "\n").utf8))
    }

    /// An error of the protocol, with the status that belongs to it.
    static func error(_ id: RequestID?, _ error: ProtocolError) -> HTTPAnswer {
        json(error.code == .unknownMethod ? 404 : 400, ServerMessage.error(id, error))
    }
}

/// Which requests over HTTP are let in, and whether their headers say the same as their bodies.
struct HTTPRules: Sendable {
    /// Whoever has it is the client.
    let token: [UInt8]
    let port: Int

    static let path = "/mcp"

    /// What of a request is wrong before its body is read; nil when it is to be read.
    func refusal(of head: HTTPHead) -> HTTPAnswer? {
        let names = ["127.0.0.1:\(port)", "localhost:\(port)", "[::1]:\(port)"]
        // A page whose name was pointed at this host sends that name.
        guard let host = head.only("Host"), names.contains(where: { $0.utf8.elementsEqual(host.lowercased().utf8) }) else {
            return .refused(403, "this server answers under its own address alone")
        }
        let origins = head.values("Origin")
        guard origins.allSatisfy({ origin in names.contains { ("http://" + $0).utf8.elementsEqual(origin.lowercased().utf8) } }) else {
            return .refused(403, "pages of other origins are not answered")
        }
        guard let given = head.only("Authorization"), isToken(given) else {
            return .refused(401, "the token is missing or wrong", ["WWW-Authenticate": "Bearer"])
        }
        guard head.target == Self.path else { return .refused(404, "there is nothing but \(Self.path)") }
        guard head.method == "POST" else { return .refused(405, "messages are posted", ["Allow": "POST"]) }
        let type = head.only("Content-Type")?.split(separator: ";").first.map { $0.lowercased().filter { $0 != " " } }
        guard type == "application/json" else { return .refused(415, "a message is application/json") }
        return nil
    }

    /// Takes as long for every wrong token.
    private func isToken(_ header: String) -> Bool {
        let prefix = "bearer "
        guard header.utf8.count > prefix.utf8.count, header.prefix(prefix.count).lowercased() == prefix else { return false }
        let given = Array(header.utf8.dropFirst(prefix.utf8.count))
        var difference = given.count ^ token.count
        for index in token.indices { difference |= Int(token[index] ^ (index < given.count ? given[index] : 0)) }
        return difference == 0
    }

    // MARK: - Bodies

    enum Reading: Sendable {
        case answer(HTTPAnswer)
        case request(RequestID, method: String, params: JSONValue, ClientContext)
    }

    func read(_ head: HTTPHead, _ body: [UInt8]) -> Reading {
        let envelope: Envelope
        do throws(Envelope.Problem) {
            let value: JSONValue
            do throws(ProtocolError) {
                value = try Envelope.value(of: body)
            } catch {
                return .answer(.error(nil, error))
            }
            envelope = try Envelope.read(value)
        } catch {
            return .answer(.error(error.id, error.error))
        }
        guard case .request(let id, let method, let params) = envelope else {
            // Here a client cancels by closing the answer's stream, and nobody asks it anything.
            if case .notification = envelope { return .answer(HTTPAnswer(status: 202)) }
            return .answer(.error(nil, ProtocolError(.invalidRequest, "nothing was asked of the client")))
        }
        do throws(ProtocolError) {
            return .request(id, method: method, params: params, try agreed(head, method, params))
        } catch {
            return .answer(.error(id, error))
        }
    }

    private func agreed(_ head: HTTPHead, _ method: String, _ params: JSONValue) throws(ProtocolError) -> ClientContext {
        func mismatch(_ name: String, _ why: String) -> ProtocolError { ProtocolError(.headerMismatch, "`\(name)` \(why)") }
        func require(_ name: String, _ value: String) throws(ProtocolError) {
            guard let header = head.only(name) else { throw mismatch(name, "is missing, or there more than once") }
            guard let decoded = Self.decoded(header), decoded.utf8.elementsEqual(value.utf8) else {
                throw mismatch(name, "says something else than the message")
            }
        }
        let name = "MCP-Protocol-Version"
        guard let version = head.only(name) else { throw mismatch(name, "is missing, or there more than once") }
        guard ProtocolRevision.stateless.contains(where: { $0.rawValue.utf8.elementsEqual(version.utf8) }) else {
            throw .unsupported(version)
        }
        guard let client = try ClientContext.stated(in: params) else {
            throw mismatch(name, "says something else than the message, which says nothing of its version")
        }
        try require(name, client.revision.rawValue)
        try require("Mcp-Method", method)
        if method == "tools/call", case .string(let tool)? = params["name"] { try require("Mcp-Name", tool) }
        return client
    }

    /// The text of a header, which stands in base64 where headers cannot hold it.
    static func decoded(_ header: String) -> String? {
        let (prefix, suffix) = ("=?base64?", "?=")
        guard header.hasPrefix(prefix), header.hasSuffix(suffix), header.utf8.count >= prefix.utf8.count + suffix.utf8.count else {
            return header
        }
        return Base64Text.decoded(header.utf8.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count)).flatMap {
            String(validating: $0, as: UTF8.self)
        }
    }
}

/// RFC 4648, section 4, read strictly: whole groups, padding at the end alone, no bits left over.
enum Base64Text {
    static func decoded(_ text: some Collection<UInt8>) -> [UInt8]? {
        let digits = text.prefix { $0 != UInt8(ascii: "=") }
        let padding = text.count - digits.count
        guard text.count % 4 == 0, padding <= 2, text.dropFirst(digits.count).allSatisfy({ $0 == UInt8(ascii: "=") }) else { return nil }
        var result: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for digit in digits {
            guard let value = value(digit) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            bits &= (1 << UInt32(count)) - 1
        }
        return bits == 0 && count == padding * 2 ? result : nil
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): digit - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
