internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives
internal import TestSupport
internal import Testing

@Suite struct ProcessTests {
    /// Runs a shell command whose descriptor 3 is a pipe to us, and returns what it wrote there and how it ended.
    private static func output(of command: String) throws -> (text: String, exit: ProcessExit) {
        var pipe = try Pipe.make()
        let reading = pipe.takeFirst()
        let writing = pipe.takeSecond()
        let child = try SpawnedLauncher.start(path: "/bin/sh", arguments: ["sh", "-c", command], inheriting: writing.rawValue)
        writing.close()
        let bytes = try Transfer.readAll(reading.rawValue, limit: 1 << 20)
        return (String(decoding: bytes, as: UTF8.self), try child.wait())
    }

    @Test func `a started program has 0, 1, 2 and 3 and an empty environment`() throws {
        #expect(try ProcessTests.output(of: "exit 7").exit.reason == .exited(7))
        // 4 keeps the shell's own stdout visible while 1 becomes the pipe.
        let links = try ProcessTests.output(of: "exec 4>&1 1>&3; readlink /proc/$$/fd/0 /proc/$$/fd/4; exit").text
        #expect(links == "/dev/null\n/dev/null\n")
        let descriptors = try ProcessTests.output(of: "exec 1>&3; ls /proc/$$/fd; exit").text
        #expect(descriptors == "0\n1\n2\n3\n")
        let environment = try ProcessTests.output(of: "exec 1>&3; cat /proc/$$/environ; exit").text
        #expect(environment.isEmpty)
    }

    @Test func `a started program blocks and ignores nothing`() async {
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_IGN)
            var set = sigset_t()
            sigemptyset(&set)
            sigaddset(&set, SIGUSR1)
            pthread_sigmask(SIG_BLOCK, &set, nil)
            // grep asks for itself: a shell blocks signals while it waits.
            let (text, _) = try ProcessTests.output(of: "exec 1>&3; exec grep -E 'Sig(Blk|Ign)' /proc/self/status")
            // 32 and 33 are the C library's own; posix_spawn leaves them ignored until the program uses them.
            let ownSignals: UInt64 = 1 << 31 | 1 << 32
            let masks = text.split(separator: "\n").map { UInt64($0.suffix(16), radix: 16).map { $0 & ~ownSignals } }
            precondition(masks == [0, 0], text)
        }
    }

    @Test func `a handle kills, sees the end and reaps once`() throws {
        var pipe = try Pipe.make()
        let reading = pipe.takeFirst()
        let child = try SpawnedLauncher.start(path: "/bin/sh", arguments: ["sh", "-c", "read x <&3"], inheriting: reading.rawValue)
        #expect(try !child.isFinished())
        #expect(try child.reapIfFinished() == nil)
        #expect(try child.kill(SIGKILL))
        #expect(try child.wait().reason == .signaled(SIGKILL))
        #expect(try child.isFinished())
        #expect(try child.kill(SIGKILL) == false)
        let error = #expect(throws: SystemError.self) { try child.wait() }
        #expect(error?.errno == ECHILD)
    }

    @Test func `a missing program is an error with advice`() {
        let error = #expect(throws: SystemError.self) {
            _ = try SpawnedLauncher.start(path: "/nonexistent", arguments: ["x"], inheriting: 1)
        }
        #expect(error?.errno == ENOENT)
        #expect(error?.description.contains("installed beside the glovebox program") == true)
    }

    @Test func `a string that ends before an unmapped page is read, one that runs into it is not`() throws {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let base = try #require(mmap(nil, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        try #require(base != MAP_FAILED)
        defer { munmap(base, 2 * page) }
        munmap(base + 2 * page, page)
        let address = UInt64(UInt(bitPattern: base))
        let end = address + UInt64(2 * page)
        // Across the boundary of two mapped pages, and up to the last byte before the hole.
        let text: [UInt8] = Array("/crossing/a/page".utf8) + [0]
        (base + page - 4).copyMemory(from: text, byteCount: text.count)
        #expect(try ProcessMemory.readCString(pid: getpid(), address: address + UInt64(page) - 4) == Array(text.dropLast()))
        (base + 2 * page - text.count).copyMemory(from: text, byteCount: text.count)
        #expect(try ProcessMemory.readCString(pid: getpid(), address: end - UInt64(text.count)) == Array(text.dropLast()))
        // Without its NUL it runs into the hole.
        (base + 2 * page - 1).storeBytes(of: 0x61, as: UInt8.self)
        let unmapped = #expect(throws: SystemError.self) {
            try ProcessMemory.readCString(pid: getpid(), address: end - UInt64(text.count))
        }
        #expect(unmapped?.errno == EFAULT)
        #expect(try ProcessMemory.read(pid: getpid(), address: end - 3, count: 3) == [0x67, 0x65, 0x61])
        let beyond = #expect(throws: SystemError.self) { try ProcessMemory.read(pid: getpid(), address: end - 3, count: 4) }
        #expect(beyond?.errno == EFAULT)
        let wild = #expect(throws: SystemError.self) { try ProcessMemory.readCString(pid: getpid(), address: UInt64.max) }
        #expect(wild?.errno == EFAULT)
    }

    @Test func `a string longer than a path is refused`() throws {
        let limit = ProcessMemory.pathLimit
        let bytes = [UInt8](repeating: 0x61, count: limit) + [0]
        try bytes.withUnsafeBytes { raw throws -> Void in
            let address = UInt64(UInt(bitPattern: raw.baseAddress))
            let error = #expect(throws: SystemError.self) { try ProcessMemory.readCString(pid: getpid(), address: address) }
            #expect(error?.errno == ENAMETOOLONG)
            // One byte later there is a NUL within the limit.
            #expect(try ProcessMemory.readCString(pid: getpid(), address: address + 1).count == limit - 1)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "needs root to change the identity of a thread"))
    func `a thread acts as another user on files, and gets its own identity back`() throws {
        let scratch = try ScratchDirectory()
        let secret = try scratch.file("secret", "x", mode: 0o600)
        chmod(scratch.path, 0o755)
        let error = #expect(throws: SystemError.self) {
            _ = try ThreadFileIdentity.acting(uid: 65534, gid: 65534) { () throws(SystemError) in try SmallFile.read(secret) }
        }
        #expect(error?.errno == EACCES)
        #expect(try SmallFile.read(secret) == [0x78])
        #expect(gbx_thread_fsuid() == 0 && gbx_thread_fsgid() == 0)
    }
}
