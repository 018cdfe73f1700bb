/// Limits of one run. Every field has a value after resolution; `nil` only where a policy leaves the default to its parent.
package struct Limits: Sendable, Equatable {
    /// Wall-clock time, milliseconds.
    package var wallMilliseconds: UInt64
    /// CPU time of the whole tree, milliseconds.
    package var cpuMilliseconds: UInt64
    /// Resident memory of the whole tree, bytes.
    package var memoryBytes: UInt64
    /// Processes and threads alive at once, the sandbox's own init not counted.
    package var pids: UInt64
    /// Bytes on stdout, and as many again on stderr.
    package var outputBytes: UInt64
    /// Open descriptors per process.
    package var openFiles: UInt64
    /// Size of one file, bytes.
    package var fileBytes: UInt64
    /// Bytes written to disk file systems by the whole tree.
    package var diskBytes: UInt64
    /// Names created by the whole tree (files, directories, links).
    package var createdFiles: UInt64
    /// Size of the private /tmp (and again of /dev/shm), bytes.
    package var tmpBytes: UInt64

    package init(
        wallMilliseconds: UInt64, cpuMilliseconds: UInt64, memoryBytes: UInt64, pids: UInt64, outputBytes: UInt64, openFiles: UInt64,
        fileBytes: UInt64, diskBytes: UInt64, createdFiles: UInt64, tmpBytes: UInt64
    ) {
        self.wallMilliseconds = wallMilliseconds
        self.cpuMilliseconds = cpuMilliseconds
        self.memoryBytes = memoryBytes
        self.pids = pids
        self.outputBytes = outputBytes
        self.openFiles = openFiles
        self.fileBytes = fileBytes
        self.diskBytes = diskBytes
        self.createdFiles = createdFiles
        self.tmpBytes = tmpBytes
    }

    /// peers.md 6.5 has where each number comes from; file and disk stay below 256 MiB so that a memfd or a row of files cannot
    /// hold a quarter of a gigabyte.
    package static let standard = Limits(
        wallMilliseconds: 120_000, cpuMilliseconds: 60_000, memoryBytes: 512 << 20, pids: 64, outputBytes: 1 << 20, openFiles: 256,
        fileBytes: 128 << 20, diskBytes: 192 << 20, createdFiles: 1024, tmpBytes: 64 << 20)
}

/// The keys of `limits:` in a policy, in the order in which they are printed.
package enum LimitName: String, Sendable, CaseIterable {
    case wall, cpu, memory, pids, output
    case openFiles = "open_files"
    case file, disk
    case created
    case tmp
}
