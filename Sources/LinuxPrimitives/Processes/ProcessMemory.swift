internal import CLinuxShims
internal import Glibc

/// Reading another process's memory, as it is at that moment: the process can change it right after. Whoever acts on what
/// was read must act on the copy, never tell the kernel to read the original again.
package enum ProcessMemory {
    /// Longest path that a system call takes, with its NUL (PATH_MAX).
    package static let pathLimit = 4096

    /// Exactly `count` bytes. EFAULT when a part of the range is not mapped.
    package static func read(pid: Int32, address: UInt64, count: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = try piece(pid: pid, address: address &+ UInt64(done), into: &bytes, at: done, count: count - done)
            if got == 0 { throw SystemError(errno: EFAULT, operation: "process_vm_readv", object: "pid \(pid)") }
            done += got
        }
        return bytes
    }

    /// The NUL-terminated string at an address, without its NUL. ENAMETOOLONG when there is no NUL in `limit` bytes, EFAULT
    /// when the string runs into unmapped memory. Pages are read one by one: what follows the NUL need not be mapped.
    package static func readCString(pid: Int32, address: UInt64, limit: Int = pathLimit) throws(SystemError) -> [UInt8] {
        let page = UInt64(sysconf(Int32(_SC_PAGESIZE)))
        var bytes = [UInt8](repeating: 0, count: limit)
        var done = 0
        while done < limit {
            let here = address &+ UInt64(done)
            let toPageEnd = Int(page - here % page)
            let got = try piece(pid: pid, address: here, into: &bytes, at: done, count: min(toPageEnd, limit - done))
            if got == 0 { throw SystemError(errno: EFAULT, operation: "process_vm_readv", object: "pid \(pid)") }
            if let end = firstZero(in: bytes, from: done, count: got) {
                bytes.removeLast(bytes.count - end)
                return bytes
            }
            done += got
        }
        throw SystemError(errno: ENAMETOOLONG, operation: "process_vm_readv", object: "pid \(pid)")
    }

    /// The C library looks many times faster than a loop here, and whoever is read from chooses how long it takes.
    private static func firstZero(in bytes: [UInt8], from start: Int, count: Int) -> Int? {
        bytes.withUnsafeBytes { raw -> Int? in
            guard let base = raw.baseAddress, start + count <= raw.count, let found = memchr(base + start, 0, count) else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    private static func piece(
        pid: Int32, address: UInt64, into bytes: inout [UInt8], at offset: Int, count: Int
    ) throws(SystemError) -> Int {
        let got = bytes.withUnsafeMutableBytes { raw -> Int64 in
            guard let base = raw.baseAddress, offset >= 0, offset + count <= raw.count else { return -Int64(EINVAL) }
            return gbx_read_process_memory(pid, address, base + offset, count)
        }
        return Int(try checked(got, "process_vm_readv", "pid \(pid)"))
    }
}
