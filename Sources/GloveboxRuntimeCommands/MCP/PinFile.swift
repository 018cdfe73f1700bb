internal import CommandOutput
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import MCPRelay
internal import StrictJSON

/// Where the pins of one server are kept: beside the store, its owner's alone.
struct PinFile: Sendable {
    let path: String

    private static let bounds = DocumentBounds(bytes: 16 << 20, depth: 64, nodes: 500_000)

    init(store: String, server: String) { path = "\(store).mcp-\(server).json" }

    /// Nil when nothing is pinned yet. A file that cannot be read is no reason to trust everything anew.
    func read() throws(CommandFailure) -> JSONValue? {
        let number = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        if number < 0, errno == ENOENT { return nil }
        func refusal(_ why: String) -> CommandFailure {
            .failed("the pinned tools in \(printable(path)) cannot be read: \(why); remove the file to pin the tools anew")
        }
        guard number >= 0 else { throw refusal(String(cString: strerror(errno))) }
        let file = OwnedDescriptor(adopting: number)
        do {
            let identity = try FileIdentity.of(file.rawValue)
            guard identity.isRegularFile, identity.uid == geteuid(), identity.mode & 0o077 == 0 else {
                throw refusal("it is not its owner's alone")
            }
            let bytes = try Transfer.readAll(file.rawValue, limit: Self.bounds.bytes)
            let content = try JSONDocument.value(of: bytes, bounds: Self.bounds)
            guard content["schema"] == .string(ToolPins.schema), case .object? = content["tools"] else { throw refusal("it holds no pins") }
            return content
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw refusal("\(error)")
        }
    }

    /// In one step: a reader sees the old pins or the new ones.
    func write(_ content: JSONValue) throws(SystemError) {
        let new = "\(path).new-\(getpid())"
        unlink(new)
        let number = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw SystemError(errno: errno, operation: "open", object: new) }
        let file = OwnedDescriptor(adopting: number)
        do {
            try Transfer.writeAll(file.rawValue, Array((content.prettyText + "\n").utf8))
        } catch {
            unlink(new)
            throw error
        }
        guard fsync(file.rawValue) == 0, rename(new, path) == 0 else {
            let code = errno
            unlink(new)
            throw SystemError(errno: code, operation: "rename", object: path)
        }
    }
}
