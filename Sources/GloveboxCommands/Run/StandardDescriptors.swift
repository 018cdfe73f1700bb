internal import Glibc

/// Numbers 0, 1 and 2, which must be ours before anything else is opened: a closed one would be given to the next file, and
/// the tool's output would end up in it.
enum StandardDescriptors {
    static func fill() {
        for number in Int32(0)...2 where fcntl(number, F_GETFD) < 0 {
            // The lowest free number is this one. Not close-on-exec: these three are inherited on purpose.
            _ = open("/dev/null", O_RDWR)
        }
    }
}
