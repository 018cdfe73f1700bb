internal import Glibc
package import LibOSModel
package import LinuxPrimitives

/// A file's new content on its way: written beside the old one under no name, and put in its place in one step, or not at all.
///
/// Who follows the path meanwhile sees the old file. The directory is held open, so exchanging a part of the path for a link
/// changes nothing about where the content goes.
package final class FileReplacement: Sendable {
    /// For writing; without a name.
    package let content: OwnedDescriptor
    private let directory: OwnedDescriptor
    private let name: String
    private let place: WorkspacePath
    private let files: WorkspaceFiles
    /// What stood there when the replacement was begun.
    package let previous: FileIdentity?
    private let mayOverwrite: Bool

    init(
        content: consuming OwnedDescriptor, directory: consuming OwnedDescriptor, name: String, place: WorkspacePath,
        files: WorkspaceFiles, previous: FileIdentity?, mayOverwrite: Bool
    ) {
        self.content = content
        self.directory = directory
        self.name = name
        self.place = place
        self.files = files
        self.previous = previous
        self.mayOverwrite = mayOverwrite
    }

    /// Puts the content in place. What stands there now must still be what stood there at the beginning.
    package func commit() throws(LibOSError) {
        do throws(SystemError) {
            try files.acting { () throws(SystemError) in try put() }
        } catch {
            if error.errno == ESTALE {
                throw LibOSError(.process, "\(place) was changed by somebody else meanwhile", mend: "read it again and repeat the change")
            }
            throw files.explained(error, place)
        }
    }

    private func put() throws(SystemError) {
        guard fchmod(content.rawValue, mode_t(previous.map { $0.mode & 0o777 } ?? 0o644)) == 0 else { throw failure("fchmod") }
        guard fsync(content.rawValue) == 0 else { throw failure("fsync") }
        let now = try FileIdentity.ifPresent(name: name, at: directory.rawValue)
        guard now?.inode == previous?.inode, now?.device == previous?.device, now?.changedNanoseconds == previous?.changedNanoseconds
        else { throw SystemError(errno: mayOverwrite ? ESTALE : EEXIST, operation: "replace", object: place.text) }
        let source = "/proc/self/fd/\(content.rawValue)"
        if previous == nil { // linkat never replaces: two writers of one new file do not lose each other's
            guard linkat(AT_FDCWD, source, directory.rawValue, name, AT_SYMLINK_FOLLOW) == 0 else { throw failure("linkat") }
            return
        }
        let temporary = ".glovebox-\(String(UInt64.random(in: .min ... .max), radix: 36))"
        guard linkat(AT_FDCWD, source, directory.rawValue, temporary, AT_SYMLINK_FOLLOW) == 0 else { throw failure("linkat") }
        guard renameat(directory.rawValue, temporary, directory.rawValue, name) == 0 else {
            let error = failure("renameat")
            unlinkat(directory.rawValue, temporary, 0)
            throw error
        }
    }

    private func failure(_ operation: String) -> SystemError {
        SystemError(errno: Glibc.errno, operation: operation, object: place.text)
    }
}

extension WorkspaceFiles {
    /// Begins to replace a file, or to make one. The directory must exist; what stands at the name must be a regular file or nothing.
    package func replacement(of place: WorkspacePath, mayOverwrite: Bool) throws(LibOSError) -> FileReplacement {
        guard let name = place.components.last else { throw LibOSError(.validation, "the workspace itself is no file") }
        do throws(SystemError) {
            let prepared = try acting { () throws(SystemError) -> FileReplacement in
                let directory = try open(place.parent, flags: O_RDONLY | O_DIRECTORY)
                let previous = try FileIdentity.ifPresent(name: name, at: directory.rawValue)
                if let previous {
                    if previous.isSymbolicLink { throw SystemError(errno: ELOOP, operation: "write", object: place.text) }
                    if !previous.isRegularFile { throw SystemError(errno: EISDIR, operation: "write", object: place.text) }
                    if !mayOverwrite { throw SystemError(errno: EEXIST, operation: "write", object: place.text) }
                    // A file that its owner may not write is not replaced either.
                    _ = try open(place, flags: O_WRONLY | O_NONBLOCK)
                }
                let content = try PathResolution.open(
                    at: directory.rawValue, path: ".", flags: Self.unnamed | O_RDWR, mode: 0o600, resolve: [.beneath, .noLinks])
                return FileReplacement(
                    content: content, directory: directory, name: name, place: place, files: self, previous: previous,
                    mayOverwrite: mayOverwrite)
            }
            return prepared
        } catch {
            throw explained(error, place)
        }
    }

    /// O_TMPFILE: a file without a name in a directory.
    private static let unnamed: Int32 = 0o20200000

    /// Writes a whole file in one step.
    package func write(_ bytes: [UInt8], to place: WorkspacePath, mayOverwrite: Bool) throws(LibOSError) -> FileReplacement {
        if bytes.count > Self.longestWrite { throw LibOSError(.limit, "\(bytes.count) bytes are more than one write may have") }
        let replacement = try replacement(of: place, mayOverwrite: mayOverwrite)
        do throws(SystemError) {
            try Transfer.writeAll(replacement.content.rawValue, bytes, at: 0)
        } catch {
            throw explained(error, place)
        }
        try replacement.commit()
        return replacement
    }
}
