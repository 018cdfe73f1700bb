internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// The streams of one run: the tool's ends, which go to its sandbox, and ours.
struct RunStreams: ~Copyable {
    private var output: OutputStream?
    private var error: OutputStream?
    private var input: InputStream?
    private var terminal: TerminalRelay?
    private var toolInput: OwnedDescriptor?
    private var passesCallersInput = false
    private var toolOutput: OwnedDescriptor?
    private var toolError: OwnedDescriptor?
    private var toolChannel: OwnedDescriptor?
    private var holdsToolOutputs = false

    init(_ request: RunRequest) throws(SystemError) {
        let limit = request.confinement.limits.outputBytes
        if let channel = request.channel { toolChannel = try channel.duplicated() }
        if case .terminal(let number) = request.output {
            var pty = try PseudoTerminal()
            guard let slave = pty.slave else { throw SystemError(errno: ENXIO, operation: "openpty") }
            let end = try OwnedDescriptor.duplicating(slave)
            toolOutput = try end.duplicated()
            toolError = try end.duplicated()
            toolInput = consume end
            pty.closeSlave()
            terminal = try TerminalRelay(pty: pty, terminal: number, limit: limit)
            output = OutputStream.closed()
            error = OutputStream.closed()
            input = InputStream()
            return
        }
        if case .attached(let stream, let number, let clean) = request.output {
            var errorPipe = try Pipe.make()
            let errorSource = errorPipe.takeFirst()
            try errorSource.setNonBlocking(true)
            toolOutput = try stream.duplicated()
            toolError = errorPipe.takeSecond()
            output = OutputStream.closed()
            error = OutputStream(source: errorSource, sink: .log(to: number, clean: clean), limit: .max)
            try openInput(request.input)
            return
        }
        if case .pipes(let stdout, let stderr) = request.output {
            toolOutput = try stdout.duplicated()
            toolError = try stderr.duplicated()
            output = OutputStream.closed()
            error = OutputStream.closed()
            try openInput(request.input)
            return
        }
        var outputPipe = try Pipe.make()
        var errorPipe = try Pipe.make()
        let outputSource = outputPipe.takeFirst()
        let errorSource = errorPipe.takeFirst()
        try outputSource.setNonBlocking(true)
        try errorSource.setNonBlocking(true)
        toolOutput = outputPipe.takeSecond()
        toolError = errorPipe.takeSecond()
        switch request.output {
        case .capture(let keep):
            holdsToolOutputs = true
            output = OutputStream(source: outputSource, sink: .capture(keep: keep), limit: limit)
            error = OutputStream(source: errorSource, sink: .capture(keep: keep), limit: limit)
        case .forward(let out, let err, let cleanOut, let cleanErr):
            output = OutputStream(source: outputSource, sink: .forward(to: out, clean: cleanOut), limit: limit)
            error = OutputStream(source: errorSource, sink: .forward(to: err, clean: cleanErr), limit: limit)
        case .terminal, .attached, .pipes: break
        }
        try openInput(request.input)
    }

    private mutating func openInput(_ source: RunRequest.Input) throws(SystemError) {
        switch source {
        case .none:
            toolInput = try PathResolution.open(path: "/dev/null", flags: O_RDONLY)
            passesCallersInput = true // not a pipe of ours either
            input = InputStream()
        case .bytes(let bytes):
            var pipe = try Pipe.make()
            toolInput = pipe.takeFirst()
            let target = pipe.takeSecond()
            try target.setNonBlocking(true)
            input = InputStream(target: target, bytes: bytes)
        case .attached(let stream):
            toolInput = try stream.duplicated()
            input = InputStream()
        case .descriptor(let number):
            let identity = try FileIdentity.of(number)
            // A directory on standard input would be a way around every path rule that starts from names.
            if identity.isDirectory { throw SystemError(errno: EISDIR, operation: "standard input", object: "a directory") }
            // The tool gets no open file of the caller's: flags and offset of one are shared, and a socket leads both ways.
            if identity.isRegularFile, let own = Self.reopened(number) {
                toolInput = OwnedDescriptor(adopting: own)
                passesCallersInput = true
                input = InputStream()
            } else {
                var pipe = try Pipe.make()
                toolInput = pipe.takeFirst()
                let target = pipe.takeSecond()
                try target.setNonBlocking(true)
                input = InputStream(target: target, relaying: number)
            }
        }
    }

    /// The same file for reading, at the same place; nil when it may not be opened anew.
    private static func reopened(_ number: Int32) -> Int32? {
        let own = open("/proc/self/fd/\(number)", O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard own >= 0 else { return nil }
        let offset = lseek(number, 0, SEEK_CUR)
        if offset > 0 { lseek(own, offset, SEEK_SET) }
        return own
    }

    /// Host path of the pty that the tool gets, when it gets one.
    var terminalPath: String? {
        switch terminal {
        case .some: toolInput.number.flatMap { try? HostPath.readLink("/proc/self/fd/\($0)") }
        case nil: nil
        }
    }

    /// Gives the tool's pipes to the tool's own host ids: `/dev/stdout` opened by name is a permission check on the pipe.
    func belong(to user: UInt32, _ group: UInt32) {
        for number in [toolInput.number, toolOutput.number, toolError.number].compactMap({ $0 }) where isOurs(number) {
            _ = fchown(number, user, group) // a tool that cannot open its stdout by name still has the descriptor
        }
    }

    /// A pipe made here, not a descriptor that the caller passed.
    private func isOurs(_ number: Int32) -> Bool {
        number != toolInput.number || !passesCallersInput
    }

    /// Numbers to send with the request, in the order of launch_spec.h.
    var toolDescriptors: [Int32] {
        [toolInput.number, toolOutput.number, toolError.number, toolChannel.number].compactMap { $0 }
    }

    var hasChannel: Bool { toolChannel.number != nil }

    /// The sandbox has its copies: ours must go, or no pipe would ever end. What is captured is read until the tree has ended, whatever
    /// its pipes say; as long as ours are open a tool that ends does not wake this process once for each of them first.
    mutating func handedOver() {
        toolInput = nil
        toolChannel = nil
        guard !holdsToolOutputs else { return }
        toolOutput = nil
        toolError = nil
    }

    mutating func takeOutput() -> OutputStream { output.take() ?? .closed() }
    mutating func takeError() -> OutputStream { error.take() ?? .closed() }
    mutating func takeInput() -> InputStream { input.take() ?? InputStream() }
    mutating func takeTerminal() -> TerminalRelay? { terminal.take() }
}
