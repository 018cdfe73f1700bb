internal import LinuxPrimitives
internal import SandboxPolicy
internal import ToolBroker

/// A kind of work that `glovebox-workload` does and times itself.
package enum Workload: String, CaseIterable, Sendable {
    case cpu, files, open, getppid, read, write

    /// The most that the sandbox may make of it, as documentation promises. Nil: nothing is promised of it alone.
    package var bound: Double? {
        switch self {
        case .cpu: 1.02
        case .files: 1.10
        case .open: nil
        case .getppid, .read, .write: 1.25
        }
    }

    /// What one of its operations is.
    package var title: String {
        switch self {
        case .cpu: "arithmetic over 256 KiB"
        case .files: "walk of a tree, open, stat and read of every file"
        case .open: "open and close of one file of the workspace"
        case .getppid: "getppid"
        case .read: "read of one byte of /dev/zero"
        case .write: "write of one byte to /dev/null"
        }
    }

    /// Some 15 ms of it.
    func words(tree: String) -> [String] {
        switch self {
        case .cpu: [rawValue, "260"]
        case .files: [rawValue, "6", tree]
        case .open: [rawValue, "7000", tree + FileTree.oneFile]
        case .getppid: [rawValue, "90000"]
        case .read, .write: [rawValue, "70000"]
        }
    }

    /// What the program printed: `OPERATIONS WALL_NS CPU_NS`.
    package struct Answer: Sendable, Equatable {
        package var operations: UInt64
        package var wall: UInt64
        package var processor: UInt64

        package init?(_ text: String) {
            let numbers = text.split(whereSeparator: { $0 == " " || $0 == "\n" }).map { UInt64($0) }
            guard numbers.count == 3, let operations = numbers[0], let wall = numbers[1], let processor = numbers[2], operations > 0 else {
                return nil
            }
            (self.operations, self.wall, self.processor) = (operations, wall, processor)
        }
    }
}

/// The program on this host, with what it needs to be executed in a sandbox.
struct WorkloadProgram: Sendable {
    let path: String
    let libraries: [String]

    static let name = "glovebox-workload"

    init?() {
        guard let found = WorkerProgram.installed(Self.name) else { return nil }
        path = found.path
        libraries = found.libraries
    }

    /// For `--allow`.
    var grants: PolicyOverrides {
        PolicyOverrides(allow: ([path] + libraries).map { "filesystem:host:\($0)=read,execute" })
    }
}

/// A tree of files to walk: three levels, sizes as source trees have them, 9 KiB on average.
struct FileTree {
    private static let (directories, filesOfEach) = (12, 8)
    /// One of its files.
    static let oneFile = "/3/1/2.txt"

    static func make(in place: BenchPlace, at name: String) throws {
        try place.directory(name)
        for outer in 0..<directories {
            try place.directory("\(name)/\(outer)")
            for inner in 0..<directories / 4 {
                try place.directory("\(name)/\(outer)/\(inner)")
                for file in 0..<filesOfEach {
                    let size = 512 << ((outer + inner + file) % 7)
                    try place.file("\(name)/\(outer)/\(inner)/\(file).txt", [UInt8](repeating: UInt8(ascii: "x"), count: size))
                }
            }
        }
    }
}
