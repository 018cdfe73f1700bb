package import StrictJSON

/// Whether the machine was quiet enough for the numbers to mean something.
///
/// A number is good when it comes out again. So what is looked at is whether the same bare work took the same time in both halves of the
/// run, whether each case stood to it in both halves alike, and whether anybody else had the processors: before the run, after it, and
/// other virtual machines all along. Single slow moments do not count: medians pass over them, and p95 and p99 show them.
package struct NoiseVerdict: Sendable, Equatable {
    package private(set) var findings: [String] = []

    package var isQuiet: Bool { findings.isEmpty }

    /// Most that the bare case's medians of the two halves may differ by.
    package static let mostDrift = 0.15
    /// The same of a case's ratio to it.
    package static let mostUnsteadiness = 0.10
    /// Most of all processors' time that others may have, and that other virtual machines may take.
    package static let mostOthers = 0.10
    package static let mostStolen = 0.02
    /// Most that the quartiles of a few long rounds may differ by.
    package static let mostSpread = 0.25
    /// Rounds from which halves say something.
    package static let fewestRounds = 20

    package init() {}

    package mutating func add(_ finding: String) { findings.append(finding) }

    /// Few rounds cannot be judged, and what cannot be judged is not good.
    package mutating func look(atRounds rounds: Int) {
        if rounds < Self.fewestRounds { add("\(rounds) rounds are too few to tell; \(Self.fewestRounds) are the least") }
    }

    /// A few long rounds of the bare work: the middle half of them has to agree.
    package mutating func look(atRoundsOf bare: Measurement) {
        let count = bare.times.count
        guard count >= 4 else { return add("\(count) rounds of \(bare.name) are too few to tell; 4 are the least") }
        let spread = Self.difference(bare.percentile(0.25), bare.percentile(0.75))
        if spread > Self.mostSpread { add("the middle half of the rounds of \(bare.name) differs by \(Self.percent(spread))") }
    }

    /// The bare work, which has to take the same time all along.
    package mutating func look(forDriftOf bare: Measurement) {
        guard bare.times.count >= Self.fewestRounds, let (first, second) = Self.halves(bare) else { return }
        let drift = Self.difference(first.median, second.median)
        if drift > Self.mostDrift {
            add("the halves of the run differ: \(bare.name) took \(Self.percent(drift)) longer in one of them")
        }
    }

    /// A case beside the bare one of the same rounds.
    package mutating func look(
        atSteadinessOf item: Measurement, beside bare: Measurement, atMost most: Double = NoiseVerdict.mostUnsteadiness
    ) {
        guard item.times.count >= Self.fewestRounds, let difference = Self.unsteadiness(of: item, beside: bare) else { return }
        if difference > most {
            add("the ratio of \(item.name) to \(bare.name) differs by \(Self.percent(difference)) between the halves of the run")
        }
    }

    /// - Parameters:
    ///   - others: how busy others kept the processors before and after the run, 0…1.
    ///   - stolen: what other virtual machines took during it.
    package mutating func look(atMachineBefore before: Double?, after: Double?, stolen: Double?) {
        for (share, moment) in [(before, "before"), (after, "after")] {
            guard let share, share > Self.mostOthers else { continue }
            add("others kept \(Self.percent(share)) of the processors busy right \(moment) the run")
        }
        if let stolen, stolen > Self.mostStolen { add("other virtual machines took \(Self.percent(stolen)) of the processors' time") }
    }

    /// By how much a case's ratio to the bare one differs between the halves; nil of too few times.
    package static func unsteadiness(of item: Measurement, beside bare: Measurement) -> Double? {
        guard let one = halves(item), let other = halves(bare), other.first.median > 0, other.second.median > 0 else { return nil }
        return difference(one.first.median / other.first.median, one.second.median / other.second.median)
    }

    private static func halves(_ item: Measurement) -> (first: Measurement, second: Measurement)? {
        let middle = item.times.count / 2
        guard middle > 0 else { return nil }
        return (
            Measurement(name: item.name, times: Array(item.times[..<middle])),
            Measurement(name: item.name, times: Array(item.times[middle...]))
        )
    }

    /// How much more the larger one is.
    private static func difference(_ one: Double, _ other: Double) -> Double {
        let (least, most) = (min(one, other), max(one, other))
        if least > 0 { return most / least - 1 }
        return most > 0 ? .infinity : 0
    }

    package static func percent(_ share: Double) -> String {
        guard share < 1000 else { return "more than 1000 times" }
        return "\(Int((share * 100).rounded())) %"
    }

    package var members: [JSONMember] { [JSONMember("noisy", .bool(!isQuiet)), JSONMember("noise", .strings(findings))] }
}
