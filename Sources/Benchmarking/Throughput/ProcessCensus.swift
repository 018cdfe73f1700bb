internal import Glibc
internal import LinuxPrimitives
package import StrictJSON

/// What this program and everything below it hold of the machine. Equal before and after, nothing was left.
package struct ProcessCensus: Sendable, Equatable {
    package var residentKiB = 0
    package var descriptors = 0
    package var processes = 0
    package var zombies = 0
    /// Different namespaces of all kinds that these processes are in.
    package var namespaces = 0
    package var mounts = 0

    package static func take() throws -> ProcessCensus {
        var census = ProcessCensus()
        var seen: Set<String> = []
        for pid in try tree(of: getpid()) {
            census.processes += 1
            let status = (try? SmallFile.text("/proc/\(pid)/status")) ?? ""
            census.residentKiB += number(after: "VmRSS:", in: status)
            if status.contains("\nState:\tZ") { census.zombies += 1 }
            census.descriptors += names("/proc/\(pid)/fd").count
            for name in names("/proc/\(pid)/ns") { seen.insert(link("/proc/\(pid)/ns/\(name)")) }
        }
        census.namespaces = seen.count
        census.mounts = try SmallFile.text("/proc/self/mountinfo").split(separator: "\n").count
        return census
    }

    /// A process and everything below it.
    private static func tree(of root: Int32) throws -> [Int32] {
        var children: [Int32: [Int32]] = [:]
        for name in names("/proc") {
            guard let pid = Int32(name), let text = try? SmallFile.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else {
                continue // no process, or one that has gone
            }
            let fields = text[text.index(after: end)...].split(separator: " ")
            if fields.count > 1, let parent = Int32(fields[1]) { children[parent, default: []].append(pid) }
        }
        var result = [root]
        var next = 0
        while next < result.count {
            result += children[result[next]] ?? []
            next += 1
        }
        return result
    }

    private static func number(after word: String, in text: String) -> Int {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(word) }) else { return 0 }
        return Int(line.drop { !$0.isNumber }.prefix { $0.isNumber }) ?? 0
    }

    private static func names(_ path: String) -> [String] {
        let number = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return [] }
        let directory = OwnedDescriptor(adopting: number)
        return (try? DirectoryListing.names(directory.rawValue)) ?? []
    }

    private static func link(_ path: String) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        let length = readlink(path, &buffer, buffer.count - 1)
        return length > 0 ? String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self) : path
    }

    package var json: JSONValue {
        .object([
            JSONMember("resident_kib", .int(Int64(residentKiB))), JSONMember("descriptors", .int(Int64(descriptors))),
            JSONMember("processes", .int(Int64(processes))), JSONMember("zombies", .int(Int64(zombies))),
            JSONMember("namespaces", .int(Int64(namespaces))), JSONMember("mounts", .int(Int64(mounts))),
        ])
    }

    package var text: String {
        "\(residentKiB) KiB resident, \(descriptors) descriptors, \(processes) processes, \(zombies) zombies, \(namespaces) namespaces, "
            + "\(mounts) mounts"
    }
}
