/// Makes the arguments of a refused call readable.
package enum SyscallDecoder {
    /// Arguments as text, for example `AF_VSOCK, SOCK_STREAM|SOCK_CLOEXEC, 0`. Pointers stay numbers: what they point to is
    /// not in the registers, and the tool can change it at any time. Calls without a known signature show nothing.
    package static func text(name: String, arguments: [UInt64]) -> String {
        let given = Array((arguments + repeatElement(0, count: 6)).prefix(6))
        if name == "socket" || name == "socketpair" { return socketText(given) }
        guard let signature = signatures[name] else { return "" }
        return zip(signature, given).map { $0.text($1) }.joined(separator: ", ")
    }

    /// `name(arguments)`, with the number where there is no name.
    package static func callText(number: Int32, arguments: [UInt64]) -> String {
        guard let name = SyscallTable.name(of: number) else { return "syscall \(number)" }
        return "\(name)(\(text(name: name, arguments: arguments)))"
    }

    private enum Parameter {
        case names(ValueNames)
        case descriptor
        case octal
        case number
        case pointer

        func text(_ value: UInt64) -> String {
            let signed = Int32(truncatingIfNeeded: value)
            switch self {
            case .names(let names): return names.text(value)
            case .descriptor: return signed == -100 ? "AT_FDCWD" : "\(signed)"
            case .octal: return "0" + String(UInt32(truncatingIfNeeded: value), radix: 8)
            case .number: return "\(Int64(bitPattern: value))"
            case .pointer: return value == 0 ? "NULL" : "0x" + String(value, radix: 16)
            }
        }
    }

    /// The protocol's meaning depends on the family.
    private static func socketText(_ given: [UInt64]) -> String {
        let family = UInt32(truncatingIfNeeded: given[0])
        let protocols: ValueNames? = family == 2 || family == 10 ? .internetProtocols : family == 16 ? .netlinkProtocols : nil
        return [
            ValueNames.socketFamilies.text(given[0]), ValueNames.socketTypes.text(given[1]),
            protocols?.text(given[2]) ?? ValueNames.hexadecimal(UInt32(truncatingIfNeeded: given[2])),
        ].joined(separator: ", ")
    }

    private static let signatures: [String: [Parameter]] = [
        "open": [.pointer, .names(.openFlags), .octal],
        "openat": [.descriptor, .pointer, .names(.openFlags), .octal],
        "creat": [.pointer, .octal],
        "mkdir": [.pointer, .octal],
        "mkdirat": [.descriptor, .pointer, .octal],
        "mknod": [.pointer, .octal, .pointer],
        "mknodat": [.descriptor, .pointer, .octal, .pointer],
        "chmod": [.pointer, .octal],
        "fchmod": [.descriptor, .octal],
        "fchmodat": [.descriptor, .pointer, .octal],
        "fchmodat2": [.descriptor, .pointer, .octal, .number],
        "clone": [.names(.cloneFlags)],
        "unshare": [.names(.unshareFlags)],
        "setns": [.descriptor, .names(.unshareFlags)],
        "execve": [.pointer, .pointer, .pointer],
        "execveat": [.descriptor, .pointer, .pointer, .pointer, .names(.execFlags)],
        "ioctl": [.descriptor, .names(.ioctlRequests), .pointer],
        "prctl": [.names(.prctlOptions), .pointer],
        "personality": [.names(.personalities)],
        "seccomp": [.names(.seccompOperations), .names(.seccompFlags), .pointer],
        "memfd_create": [.pointer, .names(.memfdFlags)],
        "mmap": [.pointer, .number, .names(.protections), .names(.mapFlags), .descriptor, .number],
        "mprotect": [.pointer, .number, .names(.protections)],
        "connect": [.descriptor, .pointer, .number],
        "bind": [.descriptor, .pointer, .number],
        "sendto": [.descriptor, .pointer, .number, .names(.messageFlags), .pointer, .number],
        "sendmsg": [.descriptor, .pointer, .names(.messageFlags)],
        "sendmmsg": [.descriptor, .pointer, .number, .names(.messageFlags)],
        "ptrace": [.names(.ptraceRequests), .number],
        "prlimit64": [.number, .number, .pointer, .pointer],
        "kill": [.number, .number],
        "process_vm_readv": [.number],
        "process_vm_writev": [.number],
        "pidfd_getfd": [.descriptor, .descriptor],
        "bpf": [.number, .pointer, .number],
        "io_uring_setup": [.number, .pointer],
        "mount": [.pointer, .pointer, .pointer, .pointer],
        "umount2": [.pointer, .pointer],
        "keyctl": [.number],
        "shmget": [.pointer, .number, .octal],
    ]
}
