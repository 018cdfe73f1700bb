internal import Glibc
internal import LinuxPrimitives
internal import Testing

@Suite struct DescriptorMessageTests {
    private let ours: OwnedNumberForTest
    private let theirs: OwnedNumberForTest

    init() throws {
        var pair = try SocketPair.sequencedPacket()
        ours = OwnedNumberForTest(pair.takeFirst())
        theirs = OwnedNumberForTest(pair.takeSecond())
    }

    @Test func `header and body arrive as one message with the descriptors in order`() throws {
        let first = try MemoryFile.make(name: "a", bytes: [1], sealed: false)
        let second = try MemoryFile.make(name: "b", bytes: [2], sealed: false)
        try DescriptorMessage.send(on: ours.number, header: [10, 11], body: [12], descriptors: [first.rawValue, second.rawValue])
        var message = try unwrap(try DescriptorMessage.receive(on: theirs.number, maxBytes: 64, maxDescriptors: 2))
        #expect(message.bytes == [10, 11, 12])
        #expect(message.descriptorCount == 2)
        let received = try unwrap(message.takeDescriptor(1))
        #expect(try Transfer.readAll(received.rawValue, limit: 8) == [2])
        for index in [1, 2, -1] {
            switch message.takeDescriptor(index) {
            case .none: break
            case .some: Issue.record("descriptor \(index) was given out although it is taken or absent")
            }
        }
    }

    @Test(arguments: [(5, 0, 4, 4), (1, 2, 4, 1), (1, 1, 4, 0), (5, 3, 4, 1)])
    func `a message that does not fit is refused as a whole`(bytes: Int, descriptors: Int, room: Int, slots: Int) throws {
        try DescriptorMessage.send(
            on: ours.number, header: [UInt8](repeating: 1, count: bytes), descriptors: [Int32](repeating: 0, count: descriptors))
        try DescriptorMessage.send(on: ours.number, header: [9])
        let error = #expect(throws: SystemError.self) {
            _ = try DescriptorMessage.receive(on: theirs.number, maxBytes: room, maxDescriptors: slots)
        }
        #expect(error?.errno == EMSGSIZE)
        // The next message is not touched by it.
        let next = try unwrap(try DescriptorMessage.receive(on: theirs.number, maxBytes: room, maxDescriptors: slots))
        #expect(next.bytes == [9])
    }

    @Test func `descriptors of a refused message do not stay open`() async {
        await #expect(processExitsWith: .success) {
            do {
                var pair = try SocketPair.sequencedPacket()
                let a = pair.takeFirst()
                let b = pair.takeSecond()
                var pipe = try Pipe.make()
                let reading = pipe.takeFirst()
                let writing = pipe.takeSecond()
                try DescriptorMessage.send(on: a.rawValue, header: [1, 2], descriptors: [writing.rawValue, writing.rawValue])
                writing.close()
                // The writing ends live in the message alone now: the pipe's end shows that they were closed.
                _ = try? DescriptorMessage.receive(on: b.rawValue, maxBytes: 8, maxDescriptors: 1)
                let ended = try Polling.wait(reading.rawValue, for: .readable, deadline: 0)
                precondition(ended)
            } catch {
                fatalError("\(error)")
            }
        }
    }

    @Test func `more descriptors than a message may carry are refused before sending`() throws {
        let error = #expect(throws: SystemError.self) {
            try DescriptorMessage.send(
                on: ours.number, header: [1], descriptors: [Int32](repeating: 0, count: DescriptorMessage.maximumDescriptors + 1))
        }
        #expect(error?.errno == EINVAL)
        try DescriptorMessage.send(
            on: ours.number, header: [1], descriptors: [Int32](repeating: 0, count: DescriptorMessage.maximumDescriptors))
        let message = try unwrap(
            try DescriptorMessage.receive(on: theirs.number, maxBytes: 1, maxDescriptors: DescriptorMessage.maximumDescriptors))
        #expect(message.descriptorCount == DescriptorMessage.maximumDescriptors)
    }

    @Test func `the end, an empty socket and a dead peer are told apart`() throws {
        var pair = try SocketPair.sequencedPacket()
        let near = pair.takeFirst()
        let far = pair.takeSecond()
        try near.setNonBlocking(true)
        let empty = #expect(throws: SystemError.self) {
            _ = try DescriptorMessage.receive(on: near.rawValue, maxBytes: 1, maxDescriptors: 0)
        }
        #expect(empty?.isWouldBlock == true)
        far.close()
        // A child that another test starts at this moment holds a copy until it executes its program.
        #expect(try Polling.wait(near.rawValue, for: .readable, deadline: MonotonicClock.now() + 30_000_000_000))
        let message = try DescriptorMessage.receive(on: near.rawValue, maxBytes: 1, maxDescriptors: 0)
        switch message {
        case .none: break
        case .some: Issue.record("a message from nobody")
        }
        let dead = #expect(throws: SystemError.self) { try DescriptorMessage.send(on: near.rawValue, header: [1]) }
        #expect(dead?.errno == EPIPE)
    }

    @Test func `the peer of a pair is this process`() throws {
        let peer = try PeerCredentials.of(socket: ours.number)
        #expect(peer.pid == getpid())
        #expect(peer.uid == geteuid())
        #expect(peer.gid == getegid())
    }
}
