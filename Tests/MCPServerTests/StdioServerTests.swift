import LinuxPrimitives
import MCPServer
import Testing

@Suite struct StdioServerTests {
    private static var core: ServerCore {
        ServerCore(
            identity: .init(name: "glovebox", title: "Glovebox", version: "1", instructions: "Sealed."), tools: FakeToolCaller.tools,
            caller: FakeToolCaller(), questions: NobodyAnswers())
    }

    @Test("a client that reads nothing and goes is noticed", .timeLimit(.minutes(1)), arguments: [true, false])
    func unread(_ isPipe: Bool) async throws {
        var input = try Pipe.make()
        var output = try Pipe.make()
        var pair = try SocketPair.stream()
        let source = isPipe ? input.takeFirst() : pair.takeFirst()
        let client = isPipe ? input.takeSecond() : pair.takeSecond()
        let target = output.takeSecond()
        let unread = output.takeFirst()
        let stop = try EventDescriptor()
        // Too much waits from the beginning, so that what the client says is not read.
        let server = StdioServer(Self.core, input: source.rawValue, output: target.rawValue, mostBacklog: -1)
        try Transfer.writeAll(client.rawValue, Array("{}\n".utf8))
        client.close()
        try await server.run(interruption: stop.rawValue)
        for end in [unread.rawValue, source.rawValue, target.rawValue] { #expect(end >= 0) } // open until here
    }
}
