import CommandOutput
import Glibc
import LinuxPrimitives
import TestSupport
import Testing

@testable import GloveboxCommands

/// Where a server's socket is, and who may have made what stands there.
@Suite struct ServerPlaceTests {
    @Test func theStandardPlace() {
        // What another user's environment says counts for nothing as root.
        #expect(ServerPlace.standard(user: 0, runtimeDirectory: "/run/user/1000").path == "/run/glovebox/serve.sock")
        #expect(ServerPlace.standard(user: 1000, runtimeDirectory: "/x").path == "/x/glovebox/serve.sock")
        #expect(ServerPlace.standard(user: 1000, runtimeDirectory: nil).path == "/run/user/1000/glovebox/serve.sock")
        #expect(ServerPlace.standard(user: 1000, runtimeDirectory: "relative").path == "/run/user/1000/glovebox/serve.sock")
    }

    @Test func whatTheEnvironmentSays() throws {
        func choice(_ value: String?) -> ServerPlace.Choice { ServerPlace.choice(value, user: 7, runtimeDirectory: "/r") }
        #expect(choice("off") == .off)
        #expect(choice(nil) == choice(""))
        #expect(choice(nil) == .place(.standard(user: 7, runtimeDirectory: "/r")))
        let named = try #require(ServerPlace(path: "/a/b.sock"))
        #expect(choice("/a/b.sock") == .place(named))
        #expect(choice("OFF") == .notUnderstood("OFF"))
        #expect(choice("b.sock") == .notUnderstood("b.sock"))
    }

    @Test func aPathNamesAFile() {
        #expect(ServerPlace(path: "/s.sock")?.directory == "/")
        for path in ["", "/", "s", "./s", "/a/", "/a/.", "/a/..", "/a/" + String(repeating: "x", count: 65)] {
            #expect(ServerPlace(path: path) == nil, "\(path)")
        }
    }

    private func problem(_ place: ServerPlace?) -> ServerPlace.Problem? {
        do throws(ServerPlace.Problem) {
            _ = try place?.openDirectory()
            return nil
        } catch {
            return error
        }
    }

    @Test func onlyADirectoryOfOnesOwn() throws {
        let scratch = try ScratchDirectory()
        let own = try scratch.directory("own")
        chmod(own, 0o700)
        let place = ServerPlace(path: own + "/s")
        #expect(problem(place) == nil)
        for mode: mode_t in [0o701, 0o710, 0o720, 0o755, 0o777] {
            chmod(own, mode)
            #expect(problem(place)?.message.contains("others can enter") == true, "\(mode)")
        }
        chmod(own, 0o700)
        _ = try scratch.link("link", to: own)
        #expect(problem(ServerPlace(path: scratch.path + "/link/s"))?.message.contains("cannot be opened") == true)
        #expect(problem(ServerPlace(path: scratch.path + "/absent/s"))?.isAbsent == true)
        _ = try scratch.file("file")
        #expect(problem(ServerPlace(path: scratch.path + "/file/s")) != nil)
        if geteuid() == 0 {
            chown(own, 4242, 4242)
            #expect(problem(place)?.message.contains("another user (4242)") == true)
        } else {
            #expect(problem(ServerPlace(path: "/etc/s")) != nil)
        }
    }

    private func message(_ place: ServerPlace) -> String? {
        do throws(CommandFailure) {
            _ = try ServerSocket.open(place)
            return nil
        } catch {
            return error.message
        }
    }

    private func answers(_ place: ServerPlace) -> Bool {
        do {
            _ = try place.connect()
            return true
        } catch {
            return false
        }
    }

    @Test func oneServerAtAPlace() throws {
        let scratch = try ScratchDirectory()
        let place = try #require(ServerPlace(path: scratch.path + "/new/s.sock"))
        do {
            let socket = try ServerSocket.open(place)
            let made = try HostFile.identity(place.path)
            #expect(made.isSocket && made.mode & 0o777 == 0o600)
            #expect(try HostFile.identity(place.directory).mode & 0o777 == 0o700)
            #expect(message(place)?.contains("another server runs") == true)
            #expect(answers(place))
            socket.remove()
            #expect(!HostFile.exists(place.path))
        }
        // What a dead one left is replaced: a socket that nobody listens on.
        do { _ = try LocalSocket.listen(at: place.path, backlog: 1) }
        #expect(HostFile.exists(place.path))
        #expect(!answers(place))
        #expect(message(place) == nil)
    }

    @Test func whatIsNoSocketStays() throws {
        let scratch = try ScratchDirectory()
        let own = try scratch.directory("own")
        chmod(own, 0o700)
        let place = try #require(ServerPlace(path: own + "/s.sock"))
        try HostFile.write(place.path, "kept")
        #expect(message(place)?.contains("something else") == true)
        #expect(try HostFile.text(place.path) == "kept")
        try HostFile.write(own + "/target", "kept")
        unlink(place.path)
        symlink(own + "/target", place.path)
        #expect(message(place)?.contains("something else") == true)
        unlink(place.path)
        unlink(place.path + ".lock")
        symlink(own + "/target", place.path + ".lock")
        #expect(message(place)?.contains("cannot be locked") == true)
    }

    /// Longer than a socket's address: it is reached through its directory.
    @Test func aLongPathIsNoObstacle() throws {
        let scratch = try ScratchDirectory()
        let long = try scratch.directory(Array(repeating: String(repeating: "d", count: 60), count: 3).joined(separator: "/"))
        chmod(long, 0o700)
        let place = try #require(ServerPlace(path: long + "/s.sock"))
        let socket = try ServerSocket.open(place)
        #expect(answers(place))
        socket.remove()
    }
}

@Suite struct ServedPathsTests {
    @Test func whatBelongsToTheReader() throws {
        let scratch = try ScratchDirectory()
        _ = try scratch.link("self", to: "/proc/self")
        _ = try scratch.link("input", to: "/dev/fd/0")
        _ = try scratch.link("twice", to: "input")
        _ = try scratch.link("up", to: "../../../../../../../proc/self/cwd")
        for path in [
            "/proc/self/cwd", "/proc", "/dev/fd/3", "/dev/stdin", "//proc/1", "/./proc/1", "/usr/../proc/self", scratch.path + "/self",
            scratch.path + "/self/fd/0", scratch.path + "/input", scratch.path + "/twice", scratch.path + "/up",
        ] { #expect(ServedPaths.belongsToReader(path), "\(path)") }
        for path in ["/usr", scratch.path, scratch.path + "/absent", "/process", "/devices/x", ".", "relative"] {
            #expect(!ServedPaths.belongsToReader(path), "\(path)")
        }
    }

    @Test func eachPathOfTheWordsIsLookedAt() throws {
        func refuses(_ words: [String]) throws -> Bool {
            guard case .run(let arguments) = try RunArguments.read(words + ["--", "true"]) else { return false }
            return (try? ServedPaths.check(arguments)) == nil
        }
        #expect(try refuses(["--policy", "/dev/fd/3"]))
        #expect(try refuses(["--workspace", "/proc/self/cwd:ro"]))
        #expect(try refuses(["--report", "/dev/stderr"]))
        #expect(try !refuses(["--report", "out.json", "--policy", "python", "--workspace", "."]))
    }
}

@Suite struct ServedRunTests {
    private func isFit(_ words: [String]) -> Bool {
        var argv: [UnsafeMutablePointer<CChar>?] = (["glovebox"] + words).map { strdup($0) }
        defer { for word in argv { free(word) } }
        return argv.withUnsafeMutableBufferPointer { ServedRun.isFit(UnsafeBufferPointer($0)) }
    }

    @Test func whatIsForAServer() {
        for words in [
            ["run"], ["run", "--"], ["version", "--", "x"], ["run", "--no-server", "--", "x"], ["run", "-t", "--", "x"],
            ["run", "--terminal", "--", "x"], ["run", "--help", "x"], ["run", "-h", "--", "x"], ["policy", "run", "--", "x"],
        ] { #expect(!isFit(words), "\(words)") }
        guard !TerminalWindow.isTerminal(0) else { return }
        for words in [["run", "--", "x"], ["run", "--", "x", "--no-server", "-t"], ["run", "--json", "--", "x"]] {
            #expect(isFit(words), "\(words)")
        }
    }
}

@Suite struct ProcessStandingTests {
    @Test func aProcessStandsWhereItStands() throws {
        let one = try ProcessStanding.ofThisProcess()
        let other = try ProcessStanding.ofThisProcess()
        #expect(one.difference(from: other) == nil)
    }

    @Test func aProcessThatHasEndedStandsNowhere() throws {
        let pid = try spawnTrue()
        let handle = try ProcessHandle(pid: pid)
        _ = try Polling.wait(handle.rawValue, for: .readable, deadline: nil)
        do {
            _ = try ProcessStanding(of: handle)
            Issue.record("it stands somewhere")
        } catch let difference as ProcessStanding.Difference {
            #expect(difference.reason == "it has ended")
        }
        _ = try handle.wait()
    }

    private func spawnTrue() throws -> Int32 {
        var pid: Int32 = 0
        let argv: [UnsafeMutablePointer<CChar>?] = [strdup("true"), nil]
        defer { free(argv[0]) }
        let failed = posix_spawn(&pid, "/bin/true", nil, nil, argv, nil)
        guard failed == 0 else { throw SystemError(errno: failed, operation: "posix_spawn") }
        return pid
    }

    private static func table(_ rows: [(String, String, String)]) -> [UInt8] {
        func column(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
        let lines = [("Limit", "Soft Limit", "Hard Limit")] + rows
        return Array(lines.map { column($0.0, 26) + column($0.1, 21) + column($0.2, 21) + "units\n" }.joined().utf8)
    }

    @Test func lowerLimitsAreSeen() {
        let server = Self.table([("Max cpu time", "unlimited", "unlimited"), ("Max open files", "1024", "4096")])
        func lower(_ rows: [(String, String, String)]) -> String? { ProcessStanding.lowerLimit(of: Self.table(rows), than: server) }
        #expect(lower([("Max cpu time", "unlimited", "unlimited"), ("Max open files", "1024", "4096")]) == nil)
        #expect(lower([("Max cpu time", "unlimited", "unlimited"), ("Max open files", "2048", "unlimited")]) == nil)
        #expect(lower([("Max cpu time", "10", "unlimited"), ("Max open files", "1024", "4096")]) == "Max cpu time")
        #expect(lower([("Max cpu time", "unlimited", "unlimited"), ("Max open files", "1024", "4095")]) == "Max open files")
        #expect(lower([("Max cpu time", "unlimited", "unlimited")]) != nil)
        #expect(lower([("Max cpu time", "unlimited", "unlimited"), ("Max something", "1024", "4096")]) != nil)
        #expect(lower([("Max cpu time", "soon", "unlimited"), ("Max open files", "1024", "4096")]) != nil)
    }
}
