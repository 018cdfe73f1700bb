internal import Glibc
internal import LinuxPrimitives
internal import StrictJSON

/// Files as text, through descriptors: this process has no file system to look anything up in.
enum TextFile {
    private static let standardRead = 65_536
    private static let longestRead = 1 << 20

    /// Some of a file from an offset. A character that the cut goes through is left for the next piece.
    static func read(_ call: WorkerCall) throws(WorkerFailure) -> JSONValue {
        let file = try call.file("file")
        let offset = max(0, try call.count("offset", or: 0))
        let most = min(max(1, try call.count("max_bytes", or: standardRead)), longestRead)
        let size: UInt64
        var bytes: [UInt8]
        do throws(SystemError) {
            size = try Self.size(of: file)
            if lseek(file, off_t(offset), SEEK_SET) < 0 { throw SystemError(errno: errno, operation: "lseek") }
            bytes = [UInt8](repeating: 0, count: most)
            var count = 0
            while count < most {
                let start = count
                let got = try bytes.withUnsafeMutableBufferPointer { (room) throws(SystemError) in
                    try Transfer.read(file, into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(room)[start...]))
                }
                if got == 0 { break }
                count += got
            }
            bytes.removeLast(most - count)
        } catch {
            throw WorkerFailure(error)
        }
        let isCut = UInt64(offset + bytes.count) < size
        for dropped in 0...3 where dropped == 0 || isCut && dropped < bytes.count {
            guard let text = String(validating: bytes.dropLast(dropped), as: UTF8.self), !text.utf8.contains(0) else { continue }
            let count = bytes.count - dropped
            return .object([
                "data": .object([
                    "path": call.arguments["path"] ?? .null, "text": .string(text), "size_bytes": .unsigned(size),
                    "read_bytes": .int(Int64(count)), "truncated": .bool(isCut || dropped > 0),
                ]), "content": .string(text),
            ])
        }
        throw WorkerFailure("validation_error", "the file is no UTF-8 text")
    }

    /// By its end, not by what a name would tell: files are handed over open, and a sealed worker may ask nothing else of them.
    private static func size(of file: Int32) throws(SystemError) -> UInt64 {
        let end = lseek(file, 0, SEEK_END)
        guard end >= 0 else { throw SystemError(errno: errno, operation: "lseek") }
        return UInt64(end)
    }

    /// The whole new content. It takes the file's place when this call has ended well, and not before.
    static func write(_ call: WorkerCall) throws(WorkerFailure) -> JSONValue {
        let text = try call.text("text")
        let file = try call.file("file")
        do throws(SystemError) {
            try Transfer.writeAll(file, Array(text.utf8))
        } catch {
            throw WorkerFailure(error)
        }
        let count = text.utf8.count
        return .object([
            "data": .object(["path": call.arguments["path"] ?? .null, "written_bytes": .int(Int64(count))]),
            "content": .string("wrote \(count) bytes"),
        ])
    }
}
