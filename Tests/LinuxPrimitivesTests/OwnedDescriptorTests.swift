internal import Glibc
internal import LinuxPrimitives
internal import Testing

/// How many descriptors this process has open, less those that Dispatch opens when it likes. Only meaningful in an exit test:
/// other tests run beside this one.
private func openDescriptors() -> Int {
    guard let directory = try? PathResolution.openDirectory(path: "/proc/self/fd", resolve: []),
        let names = try? DirectoryListing.names(directory.rawValue)
    else { return -1 }
    return names.count { name in
        var target = [CChar](repeating: 0, count: 64)
        let length = readlink("/proc/self/fd/\(name)", &target, 64)
        let text = String(decoding: target[..<max(0, length)].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return length > 0 && !["[eventpoll]", "[timerfd]", "[eventfd]"].contains { text.hasSuffix($0) }
    }
}

private func isOpen(_ number: Int32) -> Bool { fcntl(number, F_GETFD) >= 0 }

@Suite struct OwnedDescriptorTests {
    @Test func `closes at its end, and not after it was taken`() async {
        await #expect(processExitsWith: .success) {
            let raw = dup(1)
            do {
                let owner = OwnedDescriptor(adopting: raw)
                precondition(isOpen(owner.rawValue))
            }
            precondition(!isOpen(raw))
            let second = dup(1)
            let taken = OwnedDescriptor(adopting: second).take()
            precondition(taken == second && isOpen(second))
            OwnedDescriptor(adopting: second).close()
            precondition(!isOpen(second))
        }
    }

    @Test func `nothing stays open, and the count can see a leak`() async {
        await #expect(processExitsWith: .success) {
            let before = openDescriptors()
            var eventNumber: Int32 = -1
            do {
                var pipe = try Pipe.make()
                let reading = pipe.takeFirst()
                let copy = try reading.duplicated()
                precondition(openDescriptors() == before + 3)
                let event = try EventDescriptor()
                eventNumber = event.rawValue
                _ = try MemoryFile.make(name: "leak", bytes: [1], sealed: true)
                var pair = try SocketPair.sequencedPacket()
                let a = pair.takeFirst().take()
                let b = pair.takeSecond()
                try DescriptorMessage.send(on: a, header: [1], descriptors: [copy.rawValue, copy.rawValue])
                let message = try unwrap(try DescriptorMessage.receive(on: b.rawValue, maxBytes: 8, maxDescriptors: 4))
                precondition(message.descriptorCount == 2)
                Glibc.close(a)
                _ = try PseudoTerminal()
                let child = try SpawnedLauncher.start(path: "/bin/true", arguments: ["true"], inheriting: 1)
                _ = try child.wait()
                _ = try? SpawnedLauncher.start(path: "/nonexistent", arguments: ["x"], inheriting: 1)
                _ = try HostIdentityLease()
            } catch {
                fatalError("\(error)")
            }
            precondition(openDescriptors() == before)
            precondition(eventNumber >= 0 && !isOpen(eventNumber))
        }
    }

    @Test func `everything is close-on-exec from birth`() throws {
        var pipe = try Pipe.make()
        var packets = try SocketPair.sequencedPacket()
        var stream = try SocketPair.stream()
        let terminal = try PseudoTerminal()
        let reading = pipe.takeFirst()
        let socket = packets.takeFirst()
        let other = packets.takeSecond()
        try DescriptorMessage.send(on: socket.rawValue, header: [7], descriptors: [1])
        var message = try unwrap(try DescriptorMessage.receive(on: other.rawValue, maxBytes: 1, maxDescriptors: 1))
        let received = try unwrap(message.takeDescriptor(0))
        let event = try EventDescriptor()
        let numbers: [Int32] = [
            reading.rawValue, socket.rawValue, other.rawValue, terminal.master.rawValue, received.rawValue, event.rawValue,
        ]
        for number in numbers { #expect(fcntl(number, F_GETFD) == FD_CLOEXEC, "descriptor \(number)") }
        #expect(try pipe.takeSecond().isCloseOnExec())
        #expect(try stream.takeFirst().isCloseOnExec())
        #expect(try stream.takeSecond().isCloseOnExec())
        let slave = terminal.slave
        #expect(fcntl(try #require(slave), F_GETFD) == FD_CLOEXEC)
        #expect(try MemoryFile.make(name: "x", bytes: [], sealed: false).isCloseOnExec())
        #expect(try OwnedDescriptor.duplicating(0).isCloseOnExec())
        #expect(try PathResolution.openPath(path: "/").isCloseOnExec())
        let process = try ProcessHandle(pid: getpid())
        #expect(fcntl(process.rawValue, F_GETFD) == FD_CLOEXEC)
        // Descriptor 0 itself shows that the question can be answered with no.
        #expect(fcntl(0, F_GETFD) == 0)
    }

    @Test func `non-blocking is switched on and off`() throws {
        var pair = try Pipe.make()
        let reading = pair.takeFirst()
        #expect(try !reading.isNonBlocking())
        try reading.setNonBlocking(true)
        #expect(try reading.isNonBlocking())
        try reading.setNonBlocking(false)
        #expect(try !reading.isNonBlocking())
    }
}
