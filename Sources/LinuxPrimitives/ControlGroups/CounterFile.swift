internal import Glibc

/// An account of a cgroup, kept open for reading: to open such a file takes three times as long as to read it, and each run reads three
/// when its tool has ended.
internal final class CounterFile: Sendable {
    /// Nil where the kernel has no such account.
    private let file: OwnedDescriptor?

    /// Throws when the file is there and cannot be opened.
    init(_ name: String, of directory: ControlGroupDirectory) throws(SystemError) {
        do {
            file = try directory.open(name, flags: O_RDONLY)
        } catch  where error.errno == ENOENT {
            file = nil
        }
    }

    /// The whole file as a number; nil when it is none.
    var number: UInt64? { descriptor.flatMap { SmallFile.number(ofOpen: $0) } }

    /// The number behind a key; 0 when the file or the key is not there.
    func number(_ key: StaticString) -> UInt64 {
        guard let descriptor else { return 0 }
        let found = try? SmallFile.number(behind: key, ofOpen: descriptor)
        return (found ?? nil) ?? 0
    }

    private var descriptor: Int32? {
        switch file {
        case .some(let file): file.rawValue
        case nil: nil
        }
    }
}
