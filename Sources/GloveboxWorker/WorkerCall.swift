internal import Glibc
internal import LinuxPrimitives
internal import StrictJSON

/// One call as it came over the channel, with the files that were handed over.
struct WorkerCall {
    let id: JSONValue
    let tool: String
    let arguments: JSONValue
    /// Open descriptors by name.
    let files: [String: Int32]

    /// The channel's number, as the supervisor fixes it.
    static let channel: Int32 = 3
    /// What the supervisor sends: a file's text at most, escaped.
    private static let bounds = DocumentBounds(bytes: 16 << 20, depth: 64, nodes: 200_000)

    /// Takes one call, does it and says what came of it. Exit status 64 when there is no supervisor, 65 for a call that is none.
    static func serve() -> Int32 {
        guard getenv("GLOVEBOX_CHANNEL").map({ String(cString: $0) }) == String(channel) else {
            complain("glovebox-worker is started by glovebox, as a tool with a channel")
            return 64
        }
        return serve { true }
    }

    /// - Parameter seal: called when the call's descriptors are there, before a byte of the call is looked at. False ends it.
    static func serve(sealedBy seal: () -> Bool) -> Int32 {
        do {
            let call = try receive(sealedBy: seal)
            try Transfer.writeAll(channel, Array(call.answer().canonicalText.utf8) + [0x0A])
            return 0
        } catch {
            complain("glovebox-worker: \(error)")
            return 65
        }
    }

    private static func complain(_ text: String) {
        try? Transfer.writeAll(2, Array((text + "\n").utf8))
    }

    private struct NoCall: Error, CustomStringConvertible {
        var description: String
    }

    private static func receive(sealedBy seal: () -> Bool) throws -> WorkerCall {
        guard var first = try DescriptorMessage.receive(on: channel, maxBytes: 64 << 10, maxDescriptors: 8) else {
            throw NoCall(description: "the channel ended before the call came")
        }
        var bytes = first.bytes
        var numbers: [Int32] = []
        for index in 0..<first.descriptorCount {
            if let descriptor = first.takeDescriptor(index) { numbers.append(descriptor.take()) }
        }
        guard seal() else { throw NoCall(description: "the worker could not seal itself") }
        if bytes.last != 0x0A { try receiveRest(of: &bytes) }
        return try WorkerCall(frame: bytes, passed: numbers)
    }

    private static func receiveRest(of bytes: inout [UInt8]) throws {
        var room = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.last != 0x0A {
            let count = try room.withUnsafeMutableBytes { try Transfer.read(channel, into: $0) }
            if count == 0 { throw NoCall(description: "the channel ended in the middle of the call") }
            bytes.append(contentsOf: room[..<count])
            if bytes.count > bounds.bytes { throw NoCall(description: "the call is too long") }
        }
    }

    /// - Parameter numbers: of the descriptors that came with it, in the order of their names.
    init(frame bytes: [UInt8], passed numbers: [Int32]) throws {
        let frame = try JSONDocument.value(of: bytes, bounds: Self.bounds)
        guard case .string("tool.call")? = frame["method"], let id = frame["id"], let params = frame["params"],
            case .string(let tool)? = params["tool"], let arguments = params["arguments"],
            case .array(let names)? = params["descriptors"], names.count == numbers.count
        else { throw NoCall(description: "the frame is no tool.call") }
        var files: [String: Int32] = [:]
        for (name, number) in zip(names, numbers) {
            if case .string(let text) = name { files[text] = number }
        }
        (self.id, self.tool, self.arguments, self.files) = (id, tool, arguments, files)
    }

    /// The same call of another tool.
    init(frame bytes: [UInt8], passed numbers: [Int32], as tool: String, files: [String: Int32]) throws {
        let call = try WorkerCall(frame: bytes, passed: numbers)
        (id, self.tool, arguments, self.files) = (call.id, tool, call.arguments, files)
    }

    func answer() -> JSONValue {
        do throws(WorkerFailure) {
            guard let body = WorkerTools.all[tool] else {
                throw WorkerFailure("unsupported", "glovebox-worker has no tool `\(tool)`")
            }
            return .object(["jsonrpc": .string("2.0"), "id": id, "result": try body(self)])
        } catch {
            return .object([
                "jsonrpc": .string("2.0"), "id": id,
                "error": .object([
                    "code": .int(-32000), "message": .string(error.message), "data": .object(["code": .string(error.code)]),
                ]),
            ])
        }
    }

    // MARK: - For tools

    func text(_ name: String) throws(WorkerFailure) -> String {
        guard case .string(let text)? = arguments[name] else { throw WorkerFailure("validation_error", "`\(name)` is no text") }
        return text
    }

    /// A whole number in any form that JSON has for one.
    func count(_ name: String, or absent: Int) throws(WorkerFailure) -> Int {
        switch arguments[name] {
        case .int(let number)?: return Int(number)
        case .double(let number)?:
            guard let whole = Int(exactly: number) else { throw WorkerFailure("validation_error", "`\(name)` is too large") }
            return whole
        default: return absent
        }
    }

    func file(_ name: String) throws(WorkerFailure) -> Int32 {
        guard let number = files[name] else { throw WorkerFailure("execution_error", "no file was handed over as `\(name)`") }
        return number
    }
}

/// A tool's own failure, with a code of the reference.
struct WorkerFailure: Error {
    var code: String
    var message: String

    init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: SystemError) {
        self.init("execution_error", "\(error)")
    }
}
