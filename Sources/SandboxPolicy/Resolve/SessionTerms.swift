/// Whose workers may serve more than one call of an agent process, and how many and how long. A policy without terms has no sessions.
package struct SessionTerms: Sendable, Equatable, Hashable {
    /// By name, sorted, each once; never empty.
    package var tools: [String]
    /// Calls that one worker serves.
    package var calls: UInt64
    /// Milliseconds without a call.
    package var idleMilliseconds: UInt64
    /// Milliseconds from its start, after which no further call begins.
    package var lifetimeMilliseconds: UInt64

    package init(
        tools: [String], calls: UInt64 = standardCalls, idleMilliseconds: UInt64 = standardIdle,
        lifetimeMilliseconds: UInt64 = standardLifetime
    ) {
        self.tools = tools
        self.calls = calls
        self.idleMilliseconds = idleMilliseconds
        self.lifetimeMilliseconds = lifetimeMilliseconds
    }

    package static let standardCalls: UInt64 = 100
    package static let standardIdle: UInt64 = 60_000
    package static let standardLifetime: UInt64 = 600_000

    /// What a document may ask for at most: what a worker keeps, it keeps in memory, and what it holds was allowed a while ago.
    package static let mostTools = 64
    package static let mostCalls: UInt64 = 10_000
    package static let longestIdle: UInt64 = 3_600_000
    package static let longestLifetime: UInt64 = 86_400_000

    package func covers(_ tool: String) -> Bool { tools.contains { $0.utf8.elementsEqual(tool.utf8) } }

    /// What both allow; nil when that is nothing.
    package func intersection(_ other: SessionTerms?) -> SessionTerms? {
        guard let other else { return nil }
        let common = tools.filter(other.covers)
        if common.isEmpty { return nil }
        return SessionTerms(
            tools: common, calls: min(calls, other.calls), idleMilliseconds: min(idleMilliseconds, other.idleMilliseconds),
            lifetimeMilliseconds: min(lifetimeMilliseconds, other.lifetimeMilliseconds))
    }

    /// `up to 100 calls, 60s without one, 10m in all`
    package var bounds: String {
        "up to \(calls) calls, \(Quantity.durationText(idleMilliseconds)) without one, "
            + "\(Quantity.durationText(lifetimeMilliseconds)) in all"
    }
}

extension ResolvedPolicy {
    /// Keys into `origins`: `sessions.tools`, `sessions.calls`, …
    package static func sessionSetting(_ key: String) -> String { "sessions." + key }

    /// What these sessions are beyond those of the other policy, as sentences with the setting behind each.
    func sessionWidenings(over other: ResolvedPolicy) -> [Widening] {
        guard let mine = sessions else { return [] }
        var result: [Widening] = []
        for tool in mine.tools where other.sessions?.covers(tool) != true {
            result.append(
                Widening(
                    message: "lets one worker of `\(tool)` serve more than one call of a process", setting: Self.sessionSetting("tools")))
        }
        // A bound counts where both have a session; one that is new was said above.
        guard let theirs = other.sessions, mine.tools.contains(where: theirs.covers) else { return result }
        func compare(_ key: String, _ mine: UInt64, _ theirs: UInt64, _ text: (UInt64) -> String) {
            if mine > theirs {
                result.append(
                    Widening(
                        message: "raises `\(key)` of sessions from \(text(theirs)) to \(text(mine))", setting: Self.sessionSetting(key)))
            }
        }
        compare("calls", mine.calls, theirs.calls) { String($0) }
        compare("idle", mine.idleMilliseconds, theirs.idleMilliseconds, Quantity.durationText)
        compare("lifetime", mine.lifetimeMilliseconds, theirs.lifetimeMilliseconds, Quantity.durationText)
        return result
    }

    /// One line about whose workers stay.
    func sessionSteps() -> [DerivationStep] {
        guard let sessions else { return [] }
        let names = sessions.tools.joined(separator: ", ")
        return [
            DerivationStep(
                section: .run,
                text:
                    "as a tool of an agent: a worker of \(names) may stay for the next calls of the same agent process, \(sessions.bounds); "
                    + "each call is decided and recorded for itself, and what the worker remembers passes from one to the next",
                mechanisms: ["the tool broker keeps the worker's sandbox, and ends it"],
                location: place(of: Self.sessionSetting("tools")))
        ]
    }

    /// Sessions that are not worth having.
    func sessionFindings() -> [LintFinding] {
        guard let sessions, origins[Self.sessionSetting("tools")] != nil else { return [] }
        func finding(_ key: String, _ message: String, _ mend: String) -> LintFinding {
            let place = origins[Self.sessionSetting(key)] ?? origins[Self.sessionSetting("tools")]
            return LintFinding(kind: .uselessSession, location: place?.location ?? name, message: message, mend: mend)
        }
        var findings: [LintFinding] = []
        if sessions.calls == 1 {
            findings.append(finding("calls", "a session of one call remembers nothing", "raise `calls`, or remove `sessions`"))
        }
        if sessions.idleMilliseconds >= sessions.lifetimeMilliseconds {
            findings.append(
                finding(
                    "idle", "a session ends after \(Quantity.durationText(sessions.lifetimeMilliseconds)) whether it is idle or not",
                    "make `idle` shorter than `lifetime`"))
        }
        return findings
    }
}
