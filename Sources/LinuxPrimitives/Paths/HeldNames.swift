internal import CLinuxShims
internal import Glibc

/// All names of one small directory, to know of many names at once that they are not among them.
package struct HeldNames: Sendable {
    /// ASCII letters in lower case.
    private let names: [ArraySlice<UInt8>]

    /// As many names as one page of entries holds, some hundred.
    private static let bytes = 4096

    /// Nil when that cannot be said for sure: the directory is large or cannot be listed, its file system may have names that it does
    /// not list or compares them by rules of its own, or a name is not plain ASCII.
    package init?(directory path: String) {
        guard let directory = try? PathResolution.openDirectory(path: path),
            let magic = try? PathResolution.fileSystemMagic(directory.rawValue), Self.listsEverything(magic)
        else { return nil }
        var content = [UInt8](repeating: 0, count: Self.bytes)
        let count = content.withUnsafeMutableBytes { Self.read(directory.rawValue, $0) }
        guard let count else { return nil }
        if count > 0 {
            // Only an empty answer says that this was all.
            var rest = [UInt8](repeating: 0, count: 512)
            guard rest.withUnsafeMutableBytes({ Self.read(directory.rawValue, $0) }) == 0 else { return nil }
        }
        guard let names = Self.names(content[..<count]) else { return nil }
        self.names = names
    }

    /// Whether no name is this one, whatever the case of ASCII letters: on a file system that folds it those would be the same.
    package func lacks(_ name: String) -> Bool {
        guard name.utf8.allSatisfy({ $0 < 0x80 }) else { return false }
        return !names.contains { $0.elementsEqual(name.utf8.lazy.map(Self.folded)) }
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func read(_ directory: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard let start = buffer.baseAddress else { return nil }
        let count = gbx_getdents(directory, start, buffer.count)
        return count < 0 ? nil : Int(count)
    }

    /// linux_dirent64: inode and offset of 8 bytes each, the record's length in 2, the type in 1, then the name and a NUL.
    private static func names(_ content: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
        var names: [ArraySlice<UInt8>] = []
        names.reserveCapacity(32)
        var rest = content
        while !rest.isEmpty {
            guard rest.count > 19 else { return nil }
            let length = Int(rest[rest.startIndex + 16]) | Int(rest[rest.startIndex + 17]) << 8
            guard length > 19, length <= rest.count else { return nil }
            let name = rest.dropFirst(19).prefix(length - 19).prefix { $0 != 0 }
            guard name.allSatisfy({ $0 < 0x80 }) else { return nil }
            names.append(name.contains { folded($0) != $0 } ? name.map(folded)[...] : name)
            rest = rest.dropFirst(length)
        }
        return names
    }

    /// File systems of which it is known that a name which can be opened is listed, and that a change of names sets the directory's times: no snapshots beside the listing (NFS, ZFS), no
    /// aliases (FAT), nothing that a server decides (FUSE, SMB); overlayfs may stand on any of these. <linux/magic.h>
    package static func listsEverything(_ magic: UInt32) -> Bool {
        switch magic {
        case 0xEF53, // ext2, ext3, ext4
            0x5846_5342, // XFS
            0x9123_683E, // Btrfs
            0xF2F5_2010, // F2FS
            0x0102_1994: // tmpfs
            true
        default: false
        }
    }
}
