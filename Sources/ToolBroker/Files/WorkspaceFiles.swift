internal import Glibc
package import LibOSModel
package import LinuxPrimitives
package import SandboxLauncher
internal import StrictJSON

/// Files of one workspace, reached by the supervisor on behalf of calls.
///
/// Every path is walked by the kernel, beneath the workspace's descriptor and through no link; facts are taken from the open
/// descriptor and not from a name. Authority is the caller's matter and comes first: nothing here is asked before it. As root the
/// files are opened with the rights of the workspace's owner, so that a call gets no file that its owner could not read.
///
/// All of it blocks: call it on a thread of its own (`WorkspaceFiles.work`).
package final class WorkspaceFiles: Sendable {
    package let path: String
    private let root: OwnedDescriptor
    /// As it was opened: a run of a tool refuses another directory at the path.
    package let identity: RunRequest.WorkspaceIdentity
    private let owner: (user: UInt32, group: UInt32)?

    /// Bytes that one read gives when nobody says, and at most.
    package static let standardRead = 65_536
    package static let longestRead = 1 << 20
    package static let longestWrite = 1 << 20
    /// Names that one listing gives when nobody says, and at most.
    package static let standardListing = 1024
    package static let longestListing = 10_000

    /// - Parameter path: absolute, a directory; a link at its end or on its way is refused.
    package init(path: String) throws(LibOSError) {
        do {
            root = try PathResolution.openDirectory(path: path, resolve: [.noLinks, .noMagicLinks])
            let identity = try FileIdentity.of(root.rawValue)
            self.identity = .init(device: identity.device, inode: identity.inode)
            owner = KernelFacts.isRoot && identity.uid != 0 ? (identity.uid, identity.gid) : nil
        } catch {
            throw LibOSError(
                .notFound, "the workspace \(printable(path)) cannot be opened: \(error)", mend: "name a directory by its real path")
        }
        self.path = path
    }

    /// Runs blocking work on a thread of its own.
    package static func work<Value: Sendable>(
        _ body: @escaping @Sendable () throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value {
        let result: Result<Value, LibOSError> = await withCheckedContinuation { continuation in
            let isStarted = DetachedThread.start {
                do throws(LibOSError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !isStarted {
                continuation.resume(
                    returning: .failure(
                        LibOSError(.limit, "no thread is left for the workspace's files", mend: "raise the limit on processes (ulimit -u)"))
                )
            }
        }
        return try result.get()
    }

    // MARK: - Looking

    /// What a name leads to; nil when nothing is there.
    package func look(at place: WorkspacePath) throws(LibOSError) -> FileIdentity? {
        do throws(SystemError) {
            let found = try acting { () throws(SystemError) in try open(place, flags: Self.pathOnly) }
            return try FileIdentity.of(found.rawValue)
        } catch {
            if error.errno == ENOENT || error.errno == ENOTDIR { return nil }
            throw explained(error, place)
        }
    }

    /// A file for reading. Devices, pipes and directories are refused before they are opened.
    package func openFile(_ place: WorkspacePath) throws(LibOSError) -> OwnedDescriptor {
        do throws(SystemError) {
            return try acting { () throws(SystemError) in
                let file = try open(place, flags: O_RDONLY | O_NONBLOCK)
                guard try FileIdentity.of(file.rawValue).isRegularFile else {
                    throw SystemError(errno: EISDIR, operation: "open", object: place.text)
                }
                return file
            }
        } catch {
            throw explained(error, place)
        }
    }

    package struct Contents: Sendable, Equatable {
        package var bytes: [UInt8]
        /// Of the whole file.
        package var size: UInt64
        package var isCut: Bool
    }

    package func read(_ place: WorkspacePath, from offset: UInt64 = 0, most: Int = standardRead) throws(LibOSError) -> Contents {
        let file = try openFile(place)
        do throws(SystemError) {
            let size = try FileIdentity.of(file.rawValue).size
            var bytes = [UInt8](repeating: 0, count: min(most, Self.longestRead))
            var count = 0
            while count < bytes.count {
                let got = try FileTransfer.read(file.rawValue, into: &bytes, from: count, at: offset + UInt64(count))
                if got == 0 { break }
                count += got
            }
            bytes.removeLast(bytes.count - count)
            return Contents(bytes: bytes, size: size, isCut: offset + UInt64(count) < size)
        } catch {
            throw explained(error, place)
        }
    }

    package struct Entry: Sendable, Equatable {
        package var name: String
        /// `file`, `directory`, `link` or `other`.
        package var kind: String
        package var size: UInt64
    }

    /// Names in a directory, in byte order, at most `most`, and whether there are more.
    package func list(_ place: WorkspacePath, most: Int = standardListing) throws(LibOSError) -> (entries: [Entry], isCut: Bool) {
        do throws(SystemError) {
            return try acting { () throws(SystemError) in
                let directory = try open(place, flags: O_RDONLY | O_DIRECTORY)
                let limit = min(max(0, most), Self.longestListing)
                let names = try DirectoryListing.names(directory.rawValue).sorted { utf8Precedes($0, $1) }
                var entries: [Entry] = []
                for name in names.prefix(limit) {
                    guard let found = try? FileIdentity.of(path: name, at: directory.rawValue, followingLink: false) else { continue }
                    entries.append(Entry(name: name, kind: Self.kind(found), size: found.isRegularFile ? found.size : 0))
                }
                return (entries, names.count > limit)
            }
        } catch {
            throw explained(error, place)
        }
    }

    static func kind(_ identity: FileIdentity) -> String {
        identity.isDirectory ? "directory" : identity.isRegularFile ? "file" : identity.isSymbolicLink ? "link" : "other"
    }

    // MARK: - For the other operations

    static let pathOnly: Int32 = 0o10000000 // O_PATH

    func open(_ place: WorkspacePath, flags: Int32, mode: UInt32 = 0) throws(SystemError) -> OwnedDescriptor {
        try PathResolution.open(
            at: root.rawValue, path: place.text, flags: flags, mode: mode, resolve: [.beneath, .noLinks, .noMagicLinks])
    }

    func acting<Value: ~Copyable>(_ body: () throws(SystemError) -> Value) throws(SystemError) -> Value {
        guard let owner else { return try body() }
        return try ThreadFileIdentity.acting(uid: owner.user, gid: owner.group, body)
    }

    /// A failure in words that a model can act on. Paths are the caller's own, so they may be said.
    func explained(_ error: SystemError, _ place: WorkspacePath) -> LibOSError {
        let name = printable(place.text)
        switch error.errno {
        case ENOENT: return LibOSError(.notFound, "there is no \(name) in the workspace")
        case ENOTDIR: return LibOSError(.validation, "\(name) is no directory, or passes through something that is none")
        case EISDIR: return LibOSError(.validation, "\(name) is no regular file")
        case EEXIST: return LibOSError(.validation, "\(name) exists already", mend: "say that it may be replaced")
        case ENOTEMPTY: return LibOSError(.validation, "the directory \(name) is not empty", mend: "delete with recursive: true")
        case ELOOP, EXDEV:
            return LibOSError.denied(
                Denial(
                    layer: .sandbox, rule: "no links in the workspace",
                    reason: "\(name) passes through a link or leaves the workspace", suggestion: "name the real path"))
        case EACCES, EPERM, EROFS:
            return LibOSError.denied(
                Denial(layer: .sandbox, rule: "permissions of the file", reason: "the workspace's owner may not do this with \(name)"))
        case EFBIG: return LibOSError(.limit, "\(name) is larger than is allowed here")
        case ENOSPC, EDQUOT: return LibOSError(.limit, "no room is left for \(name) (\(error.symbol))", mend: "free disk space")
        default: return LibOSError(.validation, "\(name): \(error)")
        }
    }
}

enum FileTransfer {
    static func read(_ descriptor: Int32, into bytes: inout [UInt8], from start: Int, at offset: UInt64) throws(SystemError) -> Int {
        let room = bytes.count - start
        guard let place = off_t(exactly: offset) else { return 0 }
        while true {
            let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress?.advanced(by: start), room, place) }
            if count >= 0 { return count }
            let number = Glibc.errno
            if number != EINTR { throw SystemError(errno: number, operation: "pread") }
        }
    }
}
