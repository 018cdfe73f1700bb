import StrictJSON
import Testing

@testable import Benchmarking

@Suite struct ReportTests {
    private func report() -> BenchReport {
        var report = BenchReport(subject: "launch", title: "microseconds")
        let bare = Measurement(name: "bare", times: [100, 110, 120])
        report.cases = [BenchCase(bare, beside: bare), BenchCase(Measurement(name: "prepared", times: [120, 121, 130]), beside: bare)]
        report.commands = [("bare", "/bin/true")]
        report.notMeasured = [.init(name: "runc", state: .absent, why: "runc is not on this machine", isPeer: true)]
        report.bound("prepared", to: "bare", atMost: 1.15)
        report.bound("prepared", to: "bwrap", atMost: 0.2)
        return report
    }

    @Test func shape() throws {
        let value = JSONValue.object(report().members)
        #expect(value["subject"] == .string("launch") && value["noisy"] == .bool(false) && value["noise"] == .array([]))
        let cases = try #require(value["cases"]?.items)
        #expect(cases.map { $0["name"] } == [.string("bare"), .string("prepared")])
        for key in ["name", "n", "min_us", "median_us", "p95_us", "p99_us", "ratio"] {
            #expect(cases.allSatisfy { $0[key] != nil }, "\(key)")
        }
        #expect(cases[1]["ratio"] == .double(1.1))
        // What was not measured has no bound.
        #expect(value["bounds"]?.items?.count == 1)
        #expect(value["bounds"]?.items?[0]["holds"] == .bool(true))
        #expect(value["not_measured"]?.items?[0]["state"] == .string("absent"))
        for key in ["kernel", "processors", "processor", "virtual", "uid", "load_before"] { #expect(value["host"]?[key] != nil, "\(key)") }
    }

    @Test func boundsHoldOnTheirSide() {
        #expect(BenchReport.Bound(name: "x", measured: 1, bound: 1).holds)
        #expect(!BenchReport.Bound(name: "x", measured: 1.01, bound: 1).holds)
        #expect(BenchReport.Bound(name: "x", measured: 0.6, bound: 0.5, isMost: false).holds)
        #expect(!BenchReport.Bound(name: "x", measured: 0.4, bound: 0.5, isMost: false).holds)
    }

    @Test func onlyOurOwnFailuresAreFailures() {
        var report = report()
        report.notMeasured.append(.init(name: "bwrap", state: .failed, why: "no", isPeer: true))
        report.notMeasured.append(.init(name: "python-parked", state: .unavailable, why: "no"))
        #expect(!report.hasFailed)
        report.notMeasured.append(.init(name: "cold", state: .failed, why: "no"))
        #expect(report.hasFailed)
    }
}

extension JSONValue {
    var items: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
}

@Suite struct InterleavedTests {
    private actor Log {
        var names: [String] = []
        func add(_ name: String) { names.append(name) }
    }

    private func run(_ rounds: Int, warmUp: Int = 0) -> Interleaved {
        Interleaved(rounds: rounds, warmUp: warmUp, longest: .max, progress: { _ in }, check: {})
    }

    @Test func everyOtherRoundIsBackwards() async throws {
        let log = Log()
        let cases = ["a", "b", "c"].map { name in
            BenchmarkCase(
                name: name, command: name,
                run: {
                    await log.add(name)
                    return nil
                })
        }
        let result = try await run(2, warmUp: 1).measure(cases)
        #expect(await log.names.joined() == "abccbaabc")
        #expect(result.measurements.map(\.times.count) == [2, 2, 2] && result.failed.isEmpty)
    }

    @Test func aCaseThatFailsIsLeftOut() async throws {
        let good = BenchmarkCase(name: "bare", command: "x", run: { nil })
        let bad = BenchmarkCase(
            name: "bwrap", command: "bwrap x", isPeer: true, run: { nil }, attempt: { "exit status 1: no user namespace" })
        let result = try await run(3).measure([good, bad])
        #expect(result.measurements.map(\.name) == ["bare"])
        #expect(
            result.failed == [.init(name: "bwrap", state: .failed, why: "exit status 1: no user namespace (bwrap x)", isPeer: true)])
        await #expect(throws: BenchmarkFailure.self) { _ = try await run(3).measure([bad, good]) }
    }

    @Test func aProgramThatFailsSaysWhy() async {
        let item = BenchmarkCase.command("x", ["/bin/sh", "-c", "echo first >&2; echo 'it broke' >&2; exit 3"])
        #expect(await item.attempt?() == "exit status 3: it broke")
        #expect(await item.run() == "exit status 3")
        #expect(await BenchmarkCase.command("x", ["/bin/true"]).attempt?() == nil)
    }
}
