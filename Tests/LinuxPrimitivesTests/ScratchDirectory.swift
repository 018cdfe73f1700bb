internal import Glibc

/// A directory of one test's own, gone with it.
struct ScratchDirectory: ~Copyable {
    let path: String

    init() throws {
        var template = Array("/tmp/glovebox-primitives-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure() }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    struct Failure: Error {}

    /// Makes a file and returns its path.
    func file(_ name: String, _ text: String = "", mode: UInt32 = 0o644) -> String {
        let full = "\(path)/\(name)"
        let number = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t(mode))
        _ = write(number, text, text.utf8.count)
        close(number)
        return full
    }

    func directory(_ name: String) -> String {
        let full = "\(path)/\(name)"
        mkdir(full, 0o755)
        return full
    }

    func link(_ name: String, to target: String) -> String {
        let full = "\(path)/\(name)"
        symlink(target, full)
        return full
    }

    deinit {
        ScratchDirectory.remove(path)
    }

    private static func remove(_ path: String) {
        if let stream = opendir(path) {
            while let entry = readdir(stream) {
                guard let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) else { preconditionFailure("dirent has no name") }
                let name = String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
                if name == "." || name == ".." { continue }
                let child = "\(path)/\(name)"
                if unlink(child) != 0 { remove(child) }
            }
            closedir(stream)
        }
        rmdir(path)
    }
}
