internal import CapabilityLanguage
import Glibc
import LibOSModel
import LinuxPrimitives
import SandboxTestSupport
import TestSupport
import Testing

@testable import SQLiteRuntimeStore

struct StoreFileTests {
    let fixture: StoreFixture

    init() throws { fixture = try StoreFixture() }

    private func mode(_ path: String) throws -> UInt32 { try HostFile.identity(path).mode & 0o7777 }

    @Test("everything is the owner's alone, while it is in use and afterwards") func modes() async throws {
        let store = try await fixture.open()
        try await store.record(AuditEntry(actor: "a", action: "b"))
        #expect(try mode(fixture.directory.path + "/records") == 0o700)
        for suffix in ["", "-wal", "-shm", ".lock"] { #expect(try mode(fixture.path + suffix) == 0o600, "\(suffix)") }
        await store.close()
        #expect(try HostFile.names(fixture.directory.path + "/records") == ["store.sqlite", "store.sqlite.lock"])
        #expect(try mode(fixture.path) == 0o600)
    }

    private static let strace = "/usr/bin/strace"
    private static let canTrace = access(strace, X_OK) == 0

    /// Lines of a trace of the crash script, so many times its life.
    private func trace(_ calls: String, cycles: Int) throws -> [Substring] {
        let file = fixture.directory.path + "/trace"
        let ended = try BareProcess.run([
            Self.strace, "-f", "-qq", "-e", "trace=" + calls, "-o", file, Products.directory + "/store-crash-probe", "run", fixture.path,
            "0",
            "\(cycles)",
        ])
        #expect(ended.code == 0, "\(ended.output) \(ended.errorOutput)")
        return try HostFile.text(file).split(separator: "\n")
    }

    @Test("a commit that has to survive a loss of power waits for the disk, the others do not", .enabled(if: canTrace, "strace is missing"))
    func waitsForDisk() throws {
        func waits(_ cycles: Int) throws -> Int { try trace("fsync,fdatasync", cycles: cycles).filter { $0.contains("sync(") }.count }
        _ = try waits(0)
        let without = try waits(0)
        // Four of the 16 transactions of a life have to; a checkpoint at the end waits as well, once for each file.
        let more = try waits(1) - without
        #expect((4...7).contains(more), "\(more)")
    }

    @Test("no file is made with a wider mode first", .enabled(if: canTrace, "strace is missing")) func creation() throws {
        // The kernel tells each file's mode at its making; a later chmod would show as a second call.
        let lines = try trace("open,openat,creat,mkdir,mkdirat,chmod,fchmod,fchmodat", cycles: 1).filter {
            $0.contains(fixture.directory.path) || $0.contains("\"store.sqlite")
        }
        // A call that another thread's comes into is noted in two lines, the first of which has the arguments.
        let made = lines.filter { $0.contains("O_CREAT") }.map { $0.replacing(" <unfinished ...>", with: ")") }
        #expect(made.count >= 4)
        #expect(made.first?.contains("\"store.sqlite\", O_RDWR|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, 0600)") == true, "\(made)")
        // SQLite asks for its own mode when it opens the file, which is there by then.
        let others = made.filter { !$0.contains("/store.sqlite\",") }
        #expect(others.allSatisfy { $0.contains(", 0600)") }, "\(others)")
        #expect(!lines.contains { $0.contains("chmod") })
        #expect(lines.contains { $0.contains("mkdir") && $0.contains("0700") })
        #expect(lines.filter { $0.contains("O_CREAT") || $0.contains("O_RDWR") }.allSatisfy { $0.contains("O_CLOEXEC") })
    }

    @Test("a second writer gets one line that names the first; a reader is welcome") func secondWriter() async throws {
        let store = try await fixture.open()
        try await store.record(AuditEntry(actor: "a", action: "b"))
        let error = try #require(await thrown { try await fixture.open() })
        #expect(error.code == .store)
        #expect(
            error.description
                == "the store \(fixture.path) is already open for writing, by process \(getpid()); let that program end, or open the store for reading only"
        )
        let reader = try await SQLiteRuntimeStore.openReadOnly(path: fixture.path)
        #expect(try await reader.read { (tx) throws(LibOSError) in try tx.lastAudit()?.sequence } == 1)
        try await store.record(AuditEntry(actor: "a", action: "b"))
        #expect(try await reader.read { (tx) throws(LibOSError) in try tx.lastAudit()?.sequence } == 2)
        await reader.close()
        try await store.record(AuditEntry(actor: "a", action: "b"))
        await store.close()
        let next = try await fixture.open()
        #expect(try await next.verifyAudit().verified == 3)
    }

    @Test("a writer that was killed blocks nobody") func staleLock() async throws {
        var pipe = try Pipe.make()
        let output = pipe.takeFirst()
        let toolOutput = pipe.takeSecond()
        let pid = try BareProcess.spawn(
            [Products.directory + "/store-crash-probe", "hold", fixture.path], output: toolOutput.rawValue, error: 2)
        toolOutput.close()
        var lines = LineReader(output)
        #expect(try lines.next() == "open")
        let error = try #require(await thrown { try await fixture.open() })
        #expect(error.message.hasSuffix("by process \(pid)"))
        kill(pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let store = try await fixture.open()
        await store.close()
    }

    @Test("what others could have written is refused") func foreignWriters() async throws {
        let place = fixture.directory.path + "/records"
        await (try fixture.open()).close()
        func refusal() async -> String? { await thrown { try await fixture.open() }?.description }
        chmod(fixture.path, 0o620)
        #expect(await refusal()?.contains("can be written by others; chmod go-w it") == true)
        chmod(fixture.path, 0o640)
        #expect(await refusal()?.contains("can be read by others; chmod 600 it") == true)
        chmod(fixture.path, 0o600)
        chmod(place, 0o1777)
        #expect(await refusal()?.contains("the directory \(place) can be written by others") == true)
        chmod(place, 0o755)
        await (try fixture.open()).close()
        if KernelFacts.isRoot {
            chown(fixture.path, 4242, 4242)
            #expect(await refusal()?.contains("belongs to user 4242, not to 0") == true)
            chown(fixture.path, 0, 0)
            chown(place, 4242, 4242)
            #expect(await refusal()?.contains("the directory \(place) belongs to user 4242") == true)
        }
    }

    @Test("links and other things that are no files are refused") func links() async throws {
        let place = fixture.directory.path + "/records"
        let elsewhere = fixture.directory.path + "/elsewhere"
        await (try fixture.open()).close()
        #expect(rename(place, elsewhere) == 0 && symlink(elsewhere, place) == 0)
        #expect(await thrown { try await fixture.open() }?.message.contains("is a link or no directory") == true)
        unlink(place)
        #expect(mkdir(place, 0o700) == 0 && symlink(elsewhere + "/store.sqlite", fixture.path) == 0)
        #expect(await thrown { try await fixture.open() }?.message.contains("is a link") == true)
        #expect(await thrown { try await SQLiteRuntimeStore.openReadOnly(path: fixture.path) }?.message.contains("is a link") == true)
        unlink(fixture.path)
        #expect(symlink("/nonexistent", fixture.path + "-wal") == 0)
        #expect(await thrown { try await fixture.open() }?.message.contains("-wal is no ordinary file") == true)
        unlink(fixture.path + "-wal")
        unlink(fixture.path + ".lock")
        #expect(symlink(elsewhere + "/store.sqlite", fixture.path + ".lock") == 0)
        #expect(await thrown { try await fixture.open() }?.code == .store)
        unlink(fixture.path + ".lock")
        unlink(fixture.path)
        #expect(mkdir(fixture.path, 0o700) == 0)
        #expect(await thrown { try await fixture.open() }?.message.contains("no ordinary file") == true)
    }

    @Test("what is no path of a store", arguments: ["", "/", "a/", "a\u{0}b"]) func badPaths(_ path: String) async throws {
        #expect(await thrown { try await SQLiteRuntimeStore.open(path: path) }?.code == .validation)
    }

    @Test("reading what is not there makes nothing") func missing() async throws {
        let error = await thrown { try await SQLiteRuntimeStore.openReadOnly(path: fixture.path) }
        #expect(error?.code == .notFound)
        #expect(!HostFile.exists(fixture.directory.path + "/records"))
    }
}
