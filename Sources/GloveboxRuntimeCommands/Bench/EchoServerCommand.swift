internal import ArgumentParser
internal import Glibc
internal import LinuxPrimitives
internal import ModelContextProtocol
internal import StrictJSON

/// The server that `bench mcp` measures with when no other is named: it reads each message as a whole, as any server must, and writes
/// each answer by itself, as the servers of the SDKs do. It does nothing else, so that what the relay adds is not hidden behind it.
struct EchoServerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo-server", abstract: "An MCP server that answers at once.", shouldDisplay: false)

    private static let bounds = DocumentBounds(bytes: 1 << 20, depth: 64, nodes: 10_000)

    mutating func run() throws {
        var lines = MessageLineReader(longest: Self.bounds.bytes)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while let count = try? Transfer.read(0, into: buffer), count > 0 {
            lines.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            while let item = lines.next() {
                guard case .line(let line) = item, let answer = Self.answer(to: line) else { continue }
                guard (try? Transfer.writeAll(1, answer)) != nil else { return }
            }
        }
    }

    private static func answer(to line: [UInt8]) -> [UInt8]? {
        guard let message = try? JSONDocument.value(of: line, bounds: bounds), let id = message["id"],
            case .string(let method)? = message["method"]
        else { return nil }
        let result =
            switch method {
            case "initialize":
                #"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"echo","version":"1"}}"#
            case "tools/list": #"{"tools":[{"name":"echo","description":"Says ok.","inputSchema":{"type":"object"}}]}"#
            case "tools/call": #"{"content":[{"type":"text","text":"ok"}],"isError":false}"#
            default: "{}"
            }
        return Array("{\"jsonrpc\":\"2.0\",\"id\":\(id.canonicalText),\"result\":\(result)}\n".utf8)
    }
}
