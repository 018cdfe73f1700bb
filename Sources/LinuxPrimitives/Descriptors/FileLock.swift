internal import CLinuxShims
internal import Glibc

/// The exclusive lock of a whole file (flock): it belongs to the open file, and goes with the last descriptor of it.
package enum FileLock {
    /// False when somebody else holds it. Never waits.
    package static func take(_ descriptor: Int32) throws(SystemError) -> Bool {
        let result = gbx_try_lock(descriptor)
        if result == -EWOULDBLOCK { return false }
        _ = try checked(result, "flock", "descriptor \(descriptor)")
        return true
    }
}
