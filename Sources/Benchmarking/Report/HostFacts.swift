internal import Glibc
internal import LinuxPrimitives
package import StrictJSON

/// What a reader has to know of the machine before comparing numbers of two.
package struct HostFacts: Sendable {
    package var kernel: String
    package var processors: Int
    package var processor: String
    package var isVirtual: Bool
    package var user: UInt32
    package var load: Double

    package static func now() -> HostFacts {
        let text = (try? SmallFile.text("/proc/cpuinfo")) ?? ""
        func value(_ key: String) -> String? {
            guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) }), let colon = line.firstIndex(of: ":") else {
                return nil
            }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        var averages = [0.0, 0.0, 0.0]
        getloadavg(&averages, 3)
        return HostFacts(
            kernel: "\(KernelFacts.release) \(KernelFacts.machine)", processors: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))),
            processor: value("model name") ?? "unknown",
            isVirtual: value("flags")?.split(separator: " ").contains("hypervisor") ?? false, user: geteuid(), load: averages[0])
    }

    package var json: JSONValue {
        .object([
            JSONMember("kernel", .string(kernel)), JSONMember("processors", .int(Int64(processors))),
            JSONMember("processor", .string(processor)), JSONMember("virtual", .bool(isVirtual)), JSONMember("uid", .int(Int64(user))),
            JSONMember("load_before", .double(BenchCase.rounded(load))),
        ])
    }

    package var text: String {
        "Linux \(kernel), \(processors) × \(processor)\(isVirtual ? " (virtual machine)" : ""), uid \(user), load \(BenchCase.text(load))"
    }
}
