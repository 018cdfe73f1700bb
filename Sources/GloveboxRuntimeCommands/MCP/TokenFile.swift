internal import CommandOutput
internal import Glibc
internal import LinuxPrimitives
internal import StrictJSON

/// The token by which clients over HTTP are known, in a file of its owner's alone.
struct TokenFile: Sendable {
    let path: String
    let token: [UInt8]
    /// Made for one session, and removed with it.
    private let isPassing: Bool

    /// Fewer characters can be guessed; more are no token.
    private static let lengths = 32...1024

    /// - Parameter given: a file that is read, or made when it is not there. Nil makes one for this session.
    static func open(_ given: String?, beside store: String) throws(CommandFailure) -> TokenFile {
        if let given, (try? FileIdentity.of(path: given)) != nil {
            return TokenFile(path: given, token: try read(given), isPassing: false)
        }
        removeLeftOver(beside: store)
        let path = given ?? store + passing + String(getpid())
        let token = made()
        // Of an earlier program with this number.
        if given == nil { unlink(path) }
        do throws(SystemError) {
            let number = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard number >= 0 else { throw SystemError(errno: errno, operation: "open", object: path) }
            let file = OwnedDescriptor(adopting: number)
            do throws(SystemError) {
                try Transfer.writeAll(file.rawValue, token + [0x0A])
            } catch {
                unlink(path) // a part of a token, on a full disk, would be taken for a whole one at the next start
                throw error
            }
        } catch {
            throw .failed("the token cannot be kept: \(error); name a place for it with --token-file")
        }
        return TokenFile(path: path, token: token, isPassing: given == nil)
    }

    private static let passing = ".mcp-token-"

    /// Those of sessions that were killed: they open nothing any more, and nobody else removes them.
    static func removeLeftOver(beside store: String) {
        let slash = store.utf8.lastIndex(of: UInt8(ascii: "/"))
        let directory = slash.map { String(store[...$0]) } ?? "."
        let prefix = (slash.map { String(store[store.utf8.index(after: $0)...]) } ?? store) + passing
        let number = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return }
        let opened = OwnedDescriptor(adopting: number)
        for name in (try? DirectoryListing.names(opened.rawValue)) ?? [] where name.utf8.starts(with: prefix.utf8) {
            guard let process = pid_t(String(decoding: name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)), process > 0 else {
                continue
            }
            if kill(process, 0) != 0, errno == ESRCH { unlinkat(opened.rawValue, name, 0) }
        }
    }

    func close() { if isPassing { unlink(path) } }

    /// 256 random bits of the kernel's.
    private static func made() -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        var random = SystemRandomNumberGenerator()
        var token: [UInt8] = []
        for _ in 0..<4 {
            let word: UInt64 = random.next()
            for shift in stride(from: 60, through: 0, by: -4) { token.append(digits[Int(word >> UInt64(shift) & 15)]) }
        }
        return token
    }

    private static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
        func refusal(_ why: String, _ mend: String) -> CommandFailure {
            .failed("the token in \(printable(path)) cannot be used: \(why); \(mend)")
        }
        let bytes: [UInt8]
        do throws(SystemError) {
            let number = Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
            guard number >= 0 else { throw SystemError(errno: errno, operation: "open", object: path) }
            let file = OwnedDescriptor(adopting: number)
            let identity = try FileIdentity.of(file.rawValue)
            guard identity.isRegularFile, identity.uid == geteuid(), identity.mode & 0o077 == 0 else {
                throw refusalOfOthers
            }
            bytes = try Transfer.readAll(file.rawValue, limit: 4096)
        } catch {
            throw refusal(error == refusalOfOthers ? "it is not your own file alone" : "\(error)", "chmod 600 a file of your own")
        }
        let token = bytes.prefix { $0 > 0x20 && $0 < 0x7F }
        guard lengths.contains(token.count), bytes.dropFirst(token.count).allSatisfy({ $0 == 0x0A || $0 == 0x0D }) else {
            throw refusal(
                "it is not \(lengths.lowerBound) to \(lengths.upperBound) visible characters in one line", "remove it to have one made")
        }
        return Array(token)
    }

    private static let refusalOfOthers = SystemError(errno: EPERM, operation: "check")
}
