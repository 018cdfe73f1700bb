import Testing

@testable import Benchmarking

@Suite struct NoiseVerdictTests {
    private func verdict(_ look: (inout NoiseVerdict) -> Void) -> [String] {
        var verdict = NoiseVerdict()
        look(&verdict)
        return verdict.findings
    }

    private func bare(_ first: Double, _ second: Double) -> Measurement {
        Measurement(name: "bare", times: Array(repeating: first, count: 50) + Array(repeating: second, count: 50))
    }

    @Test func aQuietRunIsQuiet() {
        let times = (0..<200).map { 600 + Double(($0 * 7919) % 60) }
        let item = Measurement(name: "cold", times: times.map { $0 * 3 })
        let found = verdict {
            $0.look(atRounds: 200)
            $0.look(forDriftOf: Measurement(name: "bare", times: times))
            $0.look(atSteadinessOf: item, beside: Measurement(name: "bare", times: times))
            $0.look(atMachineBefore: 0.02, after: 0.05, stolen: 0.001)
        }
        #expect(found.isEmpty, "\(found)")
    }

    /// What made quiet machines noisy: single slow moments, which medians pass over.
    @Test func slowMomentsAreNoNoise() {
        let times = (0..<200).map { $0 % 17 == 0 ? 9000.0 : 600 }
        #expect(verdict { $0.look(forDriftOf: Measurement(name: "bare", times: times)) }.isEmpty)
        let batches = (0..<200).map { $0 / 25 == 3 ? 900.0 : 600 }
        #expect(verdict { $0.look(forDriftOf: Measurement(name: "bare", times: batches)) }.isEmpty)
    }

    @Test func aMachineThatGetsSlowerIsNoisy() {
        #expect(verdict { $0.look(forDriftOf: bare(600, 700)) } == ["the halves of the run differ: bare took 17 % longer in one of them"])
        #expect(verdict { $0.look(forDriftOf: bare(700, 600)) }.count == 1)
        #expect(verdict { $0.look(forDriftOf: bare(600, 680)) }.isEmpty)
        #expect(verdict { $0.look(forDriftOf: bare(0, 600)) }.count == 1)
    }

    @Test func aRatioThatDoesNotHoldIsNoise() {
        // Both slower together: the ratio holds.
        let steady = Measurement(name: "cold", times: bare(1800, 2400).times)
        #expect(verdict { $0.look(atSteadinessOf: steady, beside: bare(600, 800)) }.isEmpty)
        #expect(
            verdict { $0.look(atSteadinessOf: steady, beside: bare(600, 600)) }
                == ["the ratio of cold to bare differs by 33 % between the halves of the run"])
    }

    @Test func othersAreNoise() {
        #expect(verdict { $0.look(atMachineBefore: 0.5, after: 0.01, stolen: nil) }.count == 1)
        #expect(verdict { $0.look(atMachineBefore: 0.01, after: 0.5, stolen: 0.3) }.count == 2)
        #expect(verdict { $0.look(atMachineBefore: nil, after: nil, stolen: nil) }.isEmpty)
    }

    @Test func fewRoundsAreNotJudgedGood() {
        #expect(verdict { $0.look(atRounds: 3) } == ["3 rounds are too few to tell; 20 are the least"])
        #expect(verdict { $0.look(atRounds: 20) }.isEmpty)
        #expect(verdict { $0.look(atRoundsOf: Measurement(name: "ping", times: [1])) }.count == 1)
    }

    @Test func fewLongRoundsHaveToAgreeInTheMiddle() {
        #expect(verdict { $0.look(atRoundsOf: Measurement(name: "ping", times: [1, 1.1, 1.05, 1.1, 9])) }.isEmpty)
        #expect(verdict { $0.look(atRoundsOf: Measurement(name: "ping", times: [1, 2, 1, 2, 3])) }.count == 1)
    }
}
