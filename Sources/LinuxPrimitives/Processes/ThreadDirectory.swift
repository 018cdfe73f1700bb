internal import CLinuxShims
internal import Glibc

/// A working directory of one thread's own, for a thread that acts for somebody who stands elsewhere.
package enum ThreadDirectory {
    /// From now on working directory and umask are the calling thread's own, and those of the threads that it starts.
    package static func separate() throws(SystemError) { _ = try checked(gbx_own_directory(), "unshare CLONE_FS") }

    /// Goes to an open directory, O_PATH or not. Only after `separate`: it would move the whole process.
    package static func enter(_ directory: Int32) throws(SystemError) {
        _ = try checked(libc(fchdir(directory)), "fchdir", "descriptor \(directory)")
    }

    /// Back to the root, so that no file system is held.
    package static func leave() { _ = chdir("/") }
}
