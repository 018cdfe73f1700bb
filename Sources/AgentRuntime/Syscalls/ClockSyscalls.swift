internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

extension SyscallTable {
    /// Seconds that one `clock.sleep` may last.
    static let longestSleep: Double = 60

    static let clock: [String: SyscallEntry] = [
        "clock.now": SyscallEntry(
            [], needs: { _, _ throws(LibOSError) in [NeededRight(resource: .clock("now"), rights: [.read])] },
            body: { scope, _ throws(LibOSError) in
                try scope.runtime.authority.require([.read], on: .clock("now"), for: scope.origin, in: scope.transaction)
                return .done(clockText(scope.transaction.now))
            }),
        // The transaction decides; the sleeping itself happens outside of it, and holds up nobody.
        "clock.sleep": SyscallEntry(
            ["seconds"], needs: { _, _ throws(LibOSError) in [NeededRight(resource: .clock("sleep"), rights: [.execute])] },
            body: { scope, arguments throws(LibOSError) in
                let seconds = try arguments.seconds("seconds", atMost: longestSleep)
                try scope.runtime.authority.require([.execute], on: .clock("sleep"), for: scope.origin, in: scope.transaction)
                return .done(.object(["slept_seconds": .double(seconds)]))
            }),
    ]

    private static func clockText(_ now: Timestamp) -> JSONValue {
        .object(["now": .string(now.description), "unix_seconds": .double(Double(now.microseconds) / 1_000_000)])
    }
}
