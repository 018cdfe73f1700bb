internal import CLinuxShims

/// This process's environment as it stands in memory.
package enum ProcessEnvironment {
    /// `NAME=VALUE`, nil at the end; nil when there is none at all.
    package static var entries: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? { gbx_environment() }
}
