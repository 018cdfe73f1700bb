internal import CommandOutput
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON

/// A server and its pool at one moment: what `glovebox pool` prints.
struct ServerStatus: Sendable {
    static let schema = "glovebox.pool/1"

    /// Since the server was started.
    var seconds: UInt64
    /// Runs under way.
    var running: Int
    /// Clients at a time.
    var capacity: Int
    var counts: ServerCounts
    var settings: SandboxPoolSettings
    var pool: SandboxPoolStatus?

    var value: JSONValue {
        let pool = pool ?? SandboxPoolStatus()
        return .object([
            "schema": .string(Self.schema),
            "server": .object([
                "uptime_s": .unsigned(seconds), "running": .int(Int64(running)), "capacity": .int(Int64(capacity)),
                "runs_prepared": .unsigned(counts.prepared), "runs_cold": .unsigned(counts.cold), "declined": .unsigned(counts.declined),
                "last_declined": .optional(counts.lastReason),
            ]),
            "settings": Self.value(settings),
            "pool": .object([
                "waiting": .int(Int64(pool.waiting)), "bytes": .unsigned(pool.bytes), "built": .unsigned(pool.built),
                "taken": .unsigned(pool.taken), "missed": .unsigned(pool.missed), "discarded": .unsigned(pool.discarded),
                "failed": .unsigned(pool.failed), "last_failure": .optional(pool.lastFailure), "lingering": .int(Int64(pool.lingering)),
            ]),
            "kinds": .array(
                pool.kinds.map { kind in
                    .object([
                        "policy": .string(kind.policy), "waiting": .int(Int64(kind.waiting)), "calls": .unsigned(kind.calls),
                        "idle_ms": .unsigned(kind.idleNanoseconds / 1_000_000),
                    ])
                }),
        ])
    }

    static func value(_ settings: SandboxPoolSettings) -> JSONValue {
        .object([
            "per_kind": .int(Int64(settings.perKind)), "total": .int(Int64(settings.total)),
            "idle_ms": .unsigned(settings.idleMilliseconds),
            "memory_bytes": .unsigned(settings.memoryBytes), "calls_before": .unsigned(settings.callsBefore),
            "reserved_memory_percent": .int(Int64((settings.reservedMemory * 100).rounded())),
        ])
    }

    var lines: [String] {
        let pool = pool ?? SandboxPoolStatus()
        var lines = [
            "server    up \(Quantity.durationText(seconds * 1000)), \(running) of at most \(capacity) runs under way",
            "runs      \(counts.prepared) in sandboxes that stood ready, \(counts.cold) in ones built for them, \(counts.declined) left to their "
                + "clients",
        ]
        if let reason = counts.lastReason { lines.append("          last left: " + SafeText.line(reason)) }
        lines.append(
            "pool      \(pool.waiting) waiting (\(Quantity.sizeText(pool.bytes))), \(pool.built) built, \(pool.taken) taken, \(pool.missed) "
                + "missed, \(pool.discarded) given up, \(pool.failed) failed")
        if let failure = pool.lastFailure { lines.append("          last failure: " + SafeText.line(failure)) }
        if pool.lingering > 0 { lines.append("          \(pool.lingering) ended ones are still held by the kernel") }
        lines.append("settings  " + Self.text(settings))
        for kind in pool.kinds {
            lines.append(
                "kind      \(SafeText.line(kind.policy)): \(kind.waiting) waiting, \(kind.calls) calls, last "
                    + "\(Quantity.durationText(kind.idleNanoseconds / 1_000_000_000 * 1000)) ago")
        }
        return lines
    }

    static func text(_ settings: SandboxPoolSettings) -> String {
        "\(settings.perKind) of a kind from its \(settings.callsBefore)\(ordinal(settings.callsBefore)) call on, \(settings.total) in all, "
            + "\(Quantity.sizeText(settings.memoryBytes)); given up after \(Quantity.durationText(settings.idleMilliseconds)) without a call, "
            + "or with less than \(Int((settings.reservedMemory * 100).rounded())) % of memory available"
    }

    private static func ordinal(_ number: UInt64) -> String {
        if (11...13).contains(number % 100) { return "th" }
        return switch number % 10 {
        case 1: "st"
        case 2: "nd"
        case 3: "rd"
        default: "th"
        }
    }
}
