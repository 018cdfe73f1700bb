internal import CLinuxShims

/// Which build the running program is.
package enum BuildIdentity {
    /// The linker's build id (a hash of the program); nil when it wrote none.
    package static let ofThisProgram: [UInt8]? = {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = gbx_build_id(&bytes, bytes.count)
        return count >= 8 ? Array(bytes[..<count]) : nil
    }()
}
