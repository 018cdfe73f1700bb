internal import CLinuxShims
internal import Glibc

/// A file in memory, without a name in any file system.
package enum MemoryFile {
    /// A memory file that holds `bytes`, at offset 0, and is never executable where the kernel can say so (Linux 6.3).
    /// Sealed, nobody can change it any more, not even we: a reader may trust what it checked.
    package static func make(name: String, bytes: [UInt8], sealed: Bool) throws(SystemError) -> OwnedDescriptor {
        let wanted = UInt32(GBX_MFD_ALLOW_SEALING)
        var number = gbx_memfd(name, wanted | GBX_MFD_NOEXEC_SEAL)
        if number == -EINVAL { // an older kernel does not know the flag
            number = gbx_memfd(name, wanted)
        }
        let file = OwnedDescriptor(adopting: try checked(number, "memfd_create", name))
        // At explicit offsets: the shared file position stays 0 for whoever gets the descriptor.
        try Transfer.writeAll(file.rawValue, bytes, at: 0)
        if sealed {
            let seals = GBX_F_SEAL_SEAL | GBX_F_SEAL_SHRINK | GBX_F_SEAL_GROW | GBX_F_SEAL_WRITE
            _ = try checked(gbx_add_seals(file.rawValue, seals), "fcntl F_ADD_SEALS", name)
        }
        return file
    }
}
