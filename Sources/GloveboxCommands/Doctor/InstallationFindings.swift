internal import Glovebox
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy

/// What was installed with this program.
enum InstallationFindings {
    static func all() -> [HostFinding] { [launcher(), policies()] }

    private static func launcher() -> HostFinding {
        do {
            let path = try SandboxSupervisor.installedLauncher()
            switch isStatic(path) {
            case true?: return HostFinding("launcher", .ok, "\(path), static")
            case false?:
                return HostFinding(
                    "launcher", .partial, "\(path), linked dynamically",
                    cost: "each start loads shared libraries, which become part of what must be trusted", mend: "build it with `make build`"
                )
            case nil:
                return HostFinding(
                    "launcher", .broken, "\(path) is no ELF program that can be read", cost: "no sandbox can be built",
                    mend: "install Glovebox again with `make install`")
            }
        } catch {
            return HostFinding("launcher", .broken, error.message, cost: "no sandbox can be built", mend: error.mend)
        }
    }

    private static func policies() -> HostFinding {
        let store = PolicyStore.standard()
        let entries = store.list()
        guard let shipped = store.shippedDirectory else {
            return HostFinding(
                "policies", .missing, "the shipped policies were not found", cost: "policies must be given by path",
                mend: "install Glovebox with `make install`")
        }
        for entry in entries {
            do throws(PolicyError) {
                _ = try store.load(entry.name)
            } catch {
                return HostFinding(
                    "policies", entry.isShipped ? .broken : .partial, "\(entry.name) cannot be used: \(error.message)",
                    cost: "runs under it fail",
                    mend: "glovebox policy check \(entry.name)")
            }
        }
        let own = entries.count { !$0.isShipped }
        return HostFinding("policies", .ok, "\(entries.count - own) in \(shipped)" + (own > 0 ? ", \(own) of this host" : ""))
    }

    /// Whether a 64-bit ELF file names no interpreter. nil: no such file.
    static func isStatic(_ path: String) -> Bool? {
        guard let file = try? SmallFile.read(path, limit: 64 << 20) else { return nil }
        return isStatic(elf: file)
    }

    static func isStatic(elf file: [UInt8]) -> Bool? {
        func number(_ offset: Int, _ size: Int) -> Int? {
            guard offset >= 0, offset <= file.count - size else { return nil }
            return (0..<size).reduce(0) { $0 | Int(truncatingIfNeeded: UInt64(file[offset + $1]) << UInt64(8 * $1)) }
        }
        guard file.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]), let headers = number(32, 8), let size = number(54, 2),
            let count = number(56, 2), headers >= 0, headers < file.count, size >= 56
        else { return nil }
        for index in 0..<count {
            guard let type = number(headers + index * size, 4) else { return nil }
            if type == 3 { return false } // PT_INTERP
        }
        return true
    }
}
