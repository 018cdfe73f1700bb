import StrictJSON
import Testing

@testable import Benchmarking

@Suite struct StatisticsTests {
    @Test(arguments: [(0.0, 1.0), (0.5, 51), (0.95, 95), (0.99, 99), (1, 100)])
    func percentiles(fraction: Double, value: Double) {
        let shuffled = (1...100).map { Double(($0 * 37) % 101) }
        #expect(Measurement(name: "x", times: shuffled).percentile(fraction) == value)
    }

    @Test func percentilesOfLittle() {
        #expect(Measurement(name: "x").median == 0)
        let one = Measurement(name: "x", times: [7])
        #expect([0, 0.5, 0.95, 0.99, 1].allSatisfy { one.percentile($0) == 7 })
        #expect(Measurement(name: "x", times: [1, 2, 3, 1000]).percentile(0.99) == 1000)
    }

    @Test func aCaseBesideBare() {
        let bare = Measurement(name: "bare", times: [100, 100, 200])
        let item = BenchCase(Measurement(name: "cold", times: [300, 350, 400]), beside: bare)
        #expect((item.n, item.min, item.median, item.p95, item.p99) == (3, 300, 350, 400, 400))
        #expect(item.ratio == 3.5)
        #expect(BenchCase(bare, beside: bare).ratio == 1)
        #expect(BenchCase(bare).ratio == nil)
        #expect(BenchCase(bare, beside: Measurement(name: "none")).ratio == nil)
    }

    @Test func aCaseInJSON() {
        let bare = Measurement(name: "bare", times: [3])
        let item = BenchCase(Measurement(name: "cold", times: [10]), beside: bare)
        #expect(
            item.json.canonicalText
                == #"{"median_us":10,"min_us":10,"n":1,"name":"cold","p95_us":10,"p99_us":10,"ratio":3.333}"#)
        #expect(BenchCase(bare).json["ratio"] == .null)
    }

    @Test(arguments: [(0, "0.00"), (1.005, "1.00"), (12.345, "12.35"), (-0.5, "-0.50"), (-2.25, "-2.25"), (.infinity, "∞")])
    func texts(value: Double, text: String) {
        #expect(BenchCase.text(value) == text)
    }

    @Test func processorTimes() throws {
        let before = try #require(ProcessorTimes.parse("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3 4 5 6 7 8\n"))
        #expect(before == ProcessorTimes(busy: 150, idle: 850, stolen: 0))
        let after = try #require(ProcessorTimes.parse("cpu  160 0 70 890 60 0 0 20 0 0\n"))
        let shares = try #require(after.shares(since: before))
        #expect(shares.busy == 0.4 && shares.stolen == 0.1)
        #expect(after.shares(since: after) == nil)
        for bad in ["", "cpu0 1 2 3 4 5 6 7 8", "cpu  1 2 3", "intr 5"] { #expect(ProcessorTimes.parse(bad) == nil) }
    }

    @Test func workloadsAnswer() throws {
        let answer = try #require(Workload.Answer("90000 25456060 16807750\n"))
        #expect((answer.operations, answer.wall, answer.processor) == (90000, 25_456_060, 16_807_750))
        for bad in ["", "1 2\n", "0 1 1\n", "1 2 3 4\n", "a 2 3\n", "-1 2 3\n"] { #expect(Workload.Answer(bad) == nil) }
    }
}
