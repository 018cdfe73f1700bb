internal import Glibc
internal import LinuxPrimitives

/// Where a server's socket is: a directory that belongs to the user alone, and a name in it.
///
/// Who can write in that directory could put a socket of his own there and be handed everybody's calls. Server and client both look
/// at its owner and mode, and both reach the socket through the directory that they looked at.
struct ServerPlace: Equatable, Sendable {
    /// Environment variable: `off`, or the absolute path of a socket.
    static let variable = "GLOVEBOX_SERVER"
    static let standardName = "serve.sock"

    let directory: String
    let name: String

    var path: String { directory + "/" + name }

    /// `/run/glovebox/serve.sock` of root, whatever its environment says (sudo may leave it another user's);
    /// `$XDG_RUNTIME_DIR/glovebox/serve.sock` of others, with `/run/user/UID` where the variable is not set.
    static func standard(user: UInt32, runtimeDirectory: String?) -> ServerPlace {
        if user == 0 { return ServerPlace(directory: "/run/glovebox", name: standardName) }
        let base = runtimeDirectory.flatMap { $0.utf8.first == UInt8(ascii: "/") ? $0 : nil } ?? "/run/user/\(user)"
        return ServerPlace(directory: base + "/glovebox", name: standardName)
    }

    private init(directory: String, name: String) {
        self.directory = directory
        self.name = name
    }

    /// Nil for what is no absolute path of a file, or has a name that fits in no socket's address.
    init?(path: String) {
        guard path.utf8.first == UInt8(ascii: "/"), let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        let name = String(path[path.utf8.index(after: slash)...])
        guard !name.isEmpty, name != ".", name != "..", name.utf8.count <= 64 else { return nil }
        directory = slash == path.utf8.startIndex ? "/" : String(path[..<slash])
        self.name = name
    }

    enum Choice: Equatable, Sendable {
        case off
        case place(ServerPlace)
        /// The variable says something that means nothing.
        case notUnderstood(String)
    }

    /// What the environment says.
    static func choice(_ value: String?, user: UInt32, runtimeDirectory: String?) -> Choice {
        guard let value, !value.isEmpty else { return .place(standard(user: user, runtimeDirectory: runtimeDirectory)) }
        if value == "off" { return .off }
        return ServerPlace(path: value).map { .place($0) } ?? .notUnderstood(value)
    }

    static func choiceOfThisProcess() -> Choice {
        choice(text(getenv(variable)), user: geteuid(), runtimeDirectory: text(getenv("XDG_RUNTIME_DIR")))
    }

    private static func text(_ value: UnsafeMutablePointer<CChar>?) -> String? { value.flatMap { String(validatingCString: $0) } }

    // MARK: - The directory

    struct Problem: Error, Equatable {
        var message: String
        var mend: String
        /// Nobody made the directory yet.
        var isAbsent = false
    }

    /// The directory, seen to be this user's alone. A link in its place is refused; one on the way is not, for it could lead only to
    /// another directory of which the same is true.
    func openDirectory() throws(Problem) -> OwnedDescriptor {
        let number = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else {
            let error = SystemError(errno: errno, operation: "open", object: directory)
            throw Problem(
                message: "the directory \(directory) cannot be opened (\(error.symbol))", mend: "make it, with mode 0700",
                isAbsent: error.errno == ENOENT)
        }
        let opened = OwnedDescriptor(adopting: number)
        var found = stat()
        guard fstat(opened.rawValue, &found) == 0 else {
            throw Problem(message: "the directory \(directory) cannot be looked at", mend: "name another")
        }
        guard found.st_uid == geteuid() else {
            throw Problem(
                message: "the directory \(directory) belongs to another user (\(found.st_uid))", mend: "name one of your own: --socket PATH"
            )
        }
        guard found.st_mode & 0o077 == 0 else {
            throw Problem(message: "others can enter the directory \(directory)", mend: "run: chmod 0700 \(directory)")
        }
        return opened
    }

    /// The socket as seen through the open directory, which nobody can exchange meanwhile; it also fits in an address, however long the
    /// directory's own path is.
    func path(in opened: borrowing OwnedDescriptor) -> String { "/proc/self/fd/\(opened.rawValue)/\(name)" }

    /// A connection to the server. The errno of what failed is of no use to a caller, who then goes without.
    func connect() throws(Problem) -> OwnedDescriptor {
        let opened = try openDirectory()
        do throws(SystemError) {
            let connection = try LocalSocket.connect(to: path(in: opened))
            guard try PeerCredentials.of(socket: connection.rawValue).uid == geteuid() else {
                throw SystemError(errno: EPERM, operation: "SO_PEERCRED")
            }
            // What is handed over is worth a look at who takes it: a tool of the same user may have come to own the directory.
            guard (try? ProcessStanding.isConfined(try ProcessHandle.peer(ofSocket: connection.rawValue))) == false else {
                throw SystemError(errno: EACCES, operation: "SO_PEERPIDFD")
            }
            return connection
        } catch {
            switch error.errno {
            case ENOENT, ECONNREFUSED:
                throw Problem(message: "no server answers at \(path)", mend: "start one: glovebox serve", isAbsent: true)
            case EAGAIN: throw Problem(message: "the server at \(path) takes no more connections now", mend: "try again")
            case EACCES:
                throw Problem(
                    message: "who listens at \(path) is confined, ended, or cannot be seen", mend: "start the server outside of any sandbox"
                )
            case EPERM: throw Problem(message: "the server at \(path) is another user's", mend: "name one of your own")
            default: throw Problem(message: "the server at \(path) cannot be reached (\(error.symbol))", mend: "start it again")
            }
        }
    }
}
