internal import Glibc

/// Reading and writing small files as a whole, mostly of procfs, sysfs and cgroupfs. Names are relative to a directory
/// descriptor; AT_FDCWD is the default.
package enum SmallFile {
    /// Bytes that one of these files can have at most: mountinfo of a busy container host is a few hundred KiB.
    package static let standardLimit = 4 << 20

    package static func read(_ path: String, in directory: Int32 = AT_FDCWD, limit: Int = standardLimit) throws(SystemError) -> [UInt8] {
        let file = try open(path, in: directory, flags: O_RDONLY)
        do {
            return try Transfer.readAll(file.rawValue, limit: limit)
        } catch {
            throw SystemError(errno: error.errno, operation: error.operation, object: path)
        }
    }

    /// The content as text, bytes that are no UTF-8 replaced.
    package static func text(_ path: String, in directory: Int32 = AT_FDCWD) throws(SystemError) -> String {
        String(decoding: try read(path, in: directory), as: UTF8.self)
    }

    /// The content as one decimal number, or nil when the file is absent, unreadable or something else.
    package static func number(_ path: String, in directory: Int32 = AT_FDCWD) -> UInt64? {
        let read = try? withBeginning(of: path, in: directory) { bytes in firstNumber(in: bytes) }
        return read ?? nil
    }

    /// The same of an open file, from its beginning.
    package static func number(ofOpen file: Int32) -> UInt64? {
        let read = try? withBeginning(ofOpen: file) { bytes in firstNumber(in: bytes) }
        return read ?? nil
    }

    /// The number behind a word at the beginning of a line, in the first half KiB of a file; nil when there is none.
    package static func number(behind word: StaticString, in path: String, in directory: Int32 = AT_FDCWD) throws(SystemError) -> UInt64? {
        try withBeginning(of: path, in: directory) { bytes in number(behind: word, in: bytes) }
    }

    /// The same of an open file, from its beginning.
    package static func number(behind word: StaticString, ofOpen file: Int32) throws(SystemError) -> UInt64? {
        try withBeginning(ofOpen: file) { bytes in number(behind: word, in: bytes) }
    }

    private static func number(behind word: StaticString, in bytes: UnsafeRawBufferPointer) -> UInt64? {
        word.withUTF8Buffer { word in
            var rest = bytes[...]
            while !rest.isEmpty {
                let line = rest.prefix { $0 != 0x0a }
                if line.starts(with: word) {
                    let behind = line.dropFirst(word.count)
                    let digits = behind.drop { $0 == 0x20 }.prefix { $0 != 0x20 }
                    if behind.first == 0x20, let number = number(of: digits) { return number }
                }
                rest = rest.dropFirst(line.count + 1)
            }
            return nil
        }
    }

    private static func firstNumber(in bytes: UnsafeRawBufferPointer) -> UInt64? { number(of: bytes.prefix { $0 != 0x0a }) }

    private static func number(of digits: Slice<UnsafeRawBufferPointer>) -> UInt64? {
        var value: UInt64 = 0
        for byte in digits {
            guard (0x30...0x39).contains(byte) else { return nil }
            let (product, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, carries) = product.addingReportingOverflow(UInt64(byte - 0x30))
            if overflows || carries { return nil }
            value = sum
        }
        return digits.isEmpty ? nil : value
    }

    /// What one `read` gives: kernel files of a few lines come in one piece.
    private static func withBeginning<Result>(
        of path: String, in directory: Int32, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(SystemError) -> Result {
        let file = try open(path, in: directory, flags: O_RDONLY)
        return try withBeginning(ofOpen: file.rawValue, body)
    }

    private static func withBeginning<Result>(
        ofOpen file: Int32, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(SystemError) -> Result {
        try withUnsafeTemporaryAllocation(byteCount: 512, alignment: 8) { (room) throws(SystemError) in
            let count = try retrying("pread", "descriptor \(file)") { libc(pread(file, room.baseAddress, room.count, 0)) }
            return body(UnsafeRawBufferPointer(rebasing: room[..<count]))
        }
    }

    /// One `write` to an existing file: kernel files take a value in one piece.
    package static func write(_ text: String, to path: String, in directory: Int32 = AT_FDCWD) throws(SystemError) {
        let file = try open(path, in: directory, flags: O_WRONLY)
        let bytes = Array(text.utf8)
        let written = try retrying("write", path) { libc(Glibc.write(file.rawValue, bytes, bytes.count)) }
        if written != bytes.count { throw SystemError(errno: EIO, operation: "write", object: path) }
    }

    private static func open(_ path: String, in directory: Int32, flags: Int32) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try retrying("open", path) { libc(Glibc.openat(directory, path, flags | O_CLOEXEC)) })
    }
}
