internal import Glibc
internal import LinuxPrimitives
internal import MCPClients
internal import StrictJSON

/// A client's file as it was read, and its replacement in one step.
struct ConfigurationFile: Sendable {
    let path: String
    let bytes: [UInt8]
    private let identity: FileIdentity

    struct Refusal: Error, CustomStringConvertible {
        var description: String
    }

    private static let limit = 32 << 20
    private static let mostBackups = 1000

    /// Nil when there is none.
    static func read(_ path: String) throws -> ConfigurationFile? {
        let opened: OwnedDescriptor
        do throws(SystemError) {
            opened = try PathResolution.open(path: path, flags: O_RDONLY | O_NONBLOCK, resolve: .noMagicLinks)
        } catch {
            if error.errno == ENOENT || error.errno == ENOTDIR { return nil }
            throw Refusal(description: "it cannot be opened (\(error.symbol))")
        }
        let identity = try FileIdentity.of(opened.rawValue)
        guard identity.isRegularFile else { throw Refusal(description: "it is no regular file") }
        do throws(SystemError) {
            return ConfigurationFile(path: path, bytes: try Transfer.readAll(opened.rawValue, limit: limit), identity: identity)
        } catch {
            throw Refusal(description: "it cannot be read (\(error.symbol))")
        }
    }

    /// Puts other bytes in the file's place, keeping its mode and owner, and the old ones beside it.
    /// - Parameter root: a link may lead to somewhere below this directory and nowhere else.
    /// - Returns: the backup's path.
    func replace(with new: [UInt8], below root: String) throws -> String {
        let real = try PathResolution.canonicalPath(path)
        let realRoot = try PathResolution.canonicalPath(root)
        let isLink = !real.utf8.elementsEqual(path.utf8)
        if isLink, !real.utf8.starts(with: (realRoot + "/").utf8) {
            throw Refusal(description: "it is a link to \(real), which is outside of \(realRoot); edit that file yourself")
        }
        guard let slash = real.utf8.lastIndex(of: UInt8(ascii: "/")) else { throw Refusal(description: "it has no directory") }
        let name = String(real[real.utf8.index(after: slash)...])
        let directory = try PathResolution.openDirectory(path: slash == real.startIndex ? "/" : String(real[..<slash]))
        let user = geteuid()
        guard user == 0 || identity.uid == user else { throw Refusal(description: "it belongs to another user") }
        let place = try FileIdentity.of(directory.rawValue)
        guard place.uid == identity.uid || place.uid == 0, place.mode & 0o002 == 0 else {
            throw Refusal(description: "its directory belongs to somebody else or is open to everybody, who could exchange it meanwhile")
        }
        guard identity.links == 1 else {
            throw Refusal(description: "it has \(identity.links) names (hard links); only one would be changed")
        }
        try requireUnchanged(name, directory.rawValue)
        let backup = try keepOld(name, directory.rawValue)
        let temporary = ".\(name).glovebox-\(getpid())"
        do {
            _ = try create(temporary, directory.rawValue, mode: identity.mode & 0o7777, new)
            try requireUnchanged(name, directory.rawValue)
            guard renameat(directory.rawValue, temporary, directory.rawValue, name) == 0 else {
                throw SystemError(errno: errno, operation: "rename", object: real)
            }
        } catch {
            unlinkat(directory.rawValue, temporary, 0)
            unlinkat(directory.rawValue, backup, 0)
            throw error
        }
        fsync(directory.rawValue)
        return String(real[...slash]) + backup
    }

    /// Somebody else may have written since it was read: the client, an editor, another one of us.
    private func requireUnchanged(_ name: String, _ directory: Int32) throws {
        let opened = try PathResolution.open(at: directory, path: name, flags: O_RDONLY | O_NONBLOCK)
        let now = try FileIdentity.of(opened.rawValue)
        guard now == identity, try Transfer.readAll(opened.rawValue, limit: Self.limit) == bytes else {
            throw Refusal(description: "it was changed meanwhile; look at it again")
        }
    }

    /// Beside the file, for its owner alone, never over an earlier one.
    private func keepOld(_ name: String, _ directory: Int32) throws -> String {
        for number in 0..<Self.mostBackups {
            let backup = "\(name).before-glovebox" + (number == 0 ? "" : ".\(number)")
            do {
                _ = try create(backup, directory, mode: 0o600, bytes)
                return backup
            } catch let error as SystemError where error.errno == EEXIST {
                continue
            }
        }
        throw Refusal(description: "there are \(Self.mostBackups) backups beside it; remove some")
    }

    private func create(_ name: String, _ directory: Int32, mode: UInt32, _ content: [UInt8]) throws -> OwnedDescriptor {
        let number = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw SystemError(errno: errno, operation: "open", object: name) }
        let file = OwnedDescriptor(adopting: number)
        do {
            try Transfer.writeAll(number, content)
            let own = try FileIdentity.of(number)
            if own.uid != identity.uid || own.gid != identity.gid, fchown(number, identity.uid, identity.gid) != 0 {
                throw Refusal(description: "its owner and group cannot be kept (\(String(cString: strerror(errno))))")
            }
            guard fchmod(number, mode) == 0, fsync(number) == 0 else { throw SystemError(errno: errno, operation: "fsync", object: name) }
        } catch {
            unlinkat(directory, name, 0)
            throw error
        }
        return file
    }
}
