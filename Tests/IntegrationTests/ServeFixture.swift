import Glibc
import LinuxPrimitives
import SandboxTestSupport
import StrictJSON
import TestSupport

/// A running `glovebox serve` with a socket of its own, and a workspace for its clients.
final class ServeFixture {
    let scratch: ScratchDirectory
    let workspace: String
    let socket: String
    private(set) var server: Int32 = 0
    private var errors: LineReader?

    static func with(_ body: (ServeFixture) throws -> Void) throws {
        let fixture = try ServeFixture()
        do {
            try body(fixture)
        } catch {
            fixture.tearDown()
            throw error
        }
        fixture.tearDown()
    }

    private init() throws {
        scratch = try ScratchDirectory("serve")
        workspace = try scratch.directory("workspace")
        socket = scratch.path + "/server/s.sock"
        try start()
    }

    struct NotServing: Error { var said: String? }

    /// Starts a server, also anew at the same place after one has ended.
    func start() throws {
        var pipe = try Pipe.make()
        let writing = pipe.takeSecond()
        var lines = LineReader(pipe.takeFirst())
        let pid = try BareProcess.spawn(
            [Products.glovebox, "serve", "--socket", socket, "--after", "1"], output: writing.rawValue, error: writing.rawValue)
        writing.close()
        let said = try lines.next()
        guard said == "glovebox: serving at \(socket)" else {
            _ = try BareProcess.end(pid)
            throw NotServing(said: said)
        }
        server = pid
        errors = consume lines // held: a server that cannot say something would be another one
    }

    private func tearDown() {
        if server > 0 { _ = try? BareProcess.end(server) }
        scratch.remove()
    }

    /// Ends the server and gives its status.
    @discardableResult
    func end(_ signal: Int32) throws -> Int32 {
        let pid = server
        server = 0
        kill(pid, signal)
        let handle = try ProcessHandle(pid: pid)
        _ = try Polling.wait(handle.rawValue, for: .readable, deadline: MonotonicClock.now() + 30_000_000_000)
        return try BareProcess.end(pid)
    }

    // MARK: - Clients

    func environment(served: Bool = true, _ more: [String] = []) -> [String] {
        BareProcess.standardEnvironment
            + ["GLOVEBOX_SERVER=" + (served ? socket : "off"), "GLOVEBOX=" + Products.glovebox, "HOME=/nonexistent"] + more
    }

    /// `glovebox` with these words, in the workspace.
    func glovebox(_ words: [String], served: Bool = true, _ more: [String] = []) throws -> BareProcess.Ended {
        try BareProcess.run([Products.glovebox] + words, environment: environment(served: served, more), workingDirectory: workspace)
    }

    /// A shell script in the workspace, in which `$GLOVEBOX` is the program.
    func shell(_ script: String, served: Bool = true) throws -> BareProcess.Ended {
        // A test's thread may have signals blocked, and a shell that inherits that waits for ever for its jobs.
        let unblocked = ["/usr/bin/perl", "-MPOSIX", "-e", "sigprocmask(SIG_SETMASK, POSIX::SigSet->new); exec @ARGV"]
        return try BareProcess.run(
            unblocked + ["/bin/sh", "-c", script], environment: environment(served: served), workingDirectory: workspace)
    }

    struct Counts: Equatable {
        var served: Int64
        var declined: Int64
        var reason: String?
    }

    func counts() throws -> Counts {
        let ended = try glovebox(["pool", "--json", "--socket", socket])
        let bounds = DocumentBounds(bytes: 1 << 20, depth: 16, nodes: 10_000)
        let server = try JSONDocument.read(Array(ended.output.utf8), bounds: bounds).value.object("server")
        return Counts(
            served: try server.number("runs_prepared") + server.number("runs_cold"), declined: try server.number("declined"),
            reason: server.word("last_declined"))
    }
}

extension JSONValue {
    struct Missing: Error { var key: String }

    func object(_ key: String) throws -> JSONValue {
        guard let value = self[key] else { throw Missing(key: key) }
        return value
    }

    func number(_ key: String) throws -> Int64 {
        guard case .int(let number)? = self[key] else { throw Missing(key: key) }
        return number
    }

    func word(_ key: String) -> String? {
        guard case .string(let text)? = self[key] else { return nil }
        return text
    }
}
