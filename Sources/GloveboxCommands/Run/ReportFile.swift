internal import CommandOutput
internal import Glibc
internal import LinuxPrimitives
internal import Synchronization

/// A report on its way to disk: whole or not at all, for the caller's eyes alone.
struct ReportFile: ~Copyable {
    private let directory: OwnedDescriptor
    private let name: String
    private let path: String
    /// A server writes many, perhaps two of one name at once.
    private static let written = Atomic<UInt64>(0)

    /// Checks the place before anything runs; makes nothing yet.
    static func prepare(_ path: String) throws(CommandFailure) -> ReportFile {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let parent = slash.map { $0 == path.utf8.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.utf8.index(after: $0)...]) } ?? path
        guard !name.isEmpty, name != ".", name != ".." else { throw .usage("--report \(path) names no file") }
        let directory: OwnedDescriptor
        do throws(SystemError) {
            directory = try PathResolution.openDirectory(path: parent, resolve: .ordinary)
        } catch {
            throw .failed("--report \(path): the directory \(parent) cannot be opened (\(error.symbol)); create it, or choose another")
        }
        if let there = try? FileIdentity.of(path: name, at: directory.rawValue, followingLink: false), there.isDirectory {
            throw .failed("--report \(path): is a directory; name a file")
        }
        if faccessat(directory.rawValue, ".", W_OK, AT_EACCESS) != 0 {
            throw .failed("--report \(path): files cannot be made in \(parent); choose another directory")
        }
        return ReportFile(directory: directory, name: name, path: path)
    }

    /// Mode 0600. A link of that name is replaced, not followed.
    func write(_ text: String) throws(CommandFailure) {
        let number = Self.written.add(1, ordering: .relaxed).oldValue
        let temporary = ".\(name.prefix(64)).\(getpid()).\(number).new"
        do throws(SystemError) {
            let file = try PathResolution.open(
                at: directory.rawValue, path: temporary, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            do throws(SystemError) {
                try Transfer.writeAll(file.rawValue, Array(text.utf8))
                guard renameat(directory.rawValue, temporary, directory.rawValue, name) == 0 else {
                    throw SystemError(errno: errno, operation: "rename", object: path)
                }
            } catch {
                unlinkat(directory.rawValue, temporary, 0)
                throw error
            }
        } catch {
            throw .failed("--report \(path): the report could not be written (\(error.symbol)); the tool did run")
        }
    }
}
