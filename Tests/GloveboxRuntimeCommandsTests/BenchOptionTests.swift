import ArgumentParser
import Testing

@testable import Benchmarking
@testable import GloveboxRuntimeCommands

@Suite struct BenchOptionTests {
    @Test func launch() throws {
        let plain = try BenchLaunchCommand.parse([])
        #expect(try plain.names() == nil && plain.rounds == 200 && !plain.options.json && plain.options.plot == nil)
        let chosen = try BenchLaunchCommand.parse(["--only", "cold,bwrap", "--only", "prepared", "--rounds", "3", "--plot", "x.svg"])
        #expect(try chosen.names() == ["cold", "bwrap", "prepared"])
        #expect(chosen.rounds == 3 && chosen.options.plot == "x.svg")
    }

    @Test(arguments: [["--rounds", "0"], ["--rounds", "x"], ["--only", "bwarp"], ["--only", ","], ["what"]])
    func launchRefuses(words: [String]) {
        let error = #expect(throws: (any Error).self) { _ = try BenchLaunchCommand.parse(words) }
        if words == ["--only", "bwarp"], let error {
            #expect(BenchLaunchCommand.message(for: error).contains("did you mean `bwrap`?"))
        }
    }

    @Test func others() throws {
        #expect(try BenchOverheadCommand.parse(["--only", "cpu,read"]).works() == [.cpu, .read])
        #expect(throws: (any Error).self) { _ = try BenchOverheadCommand.parse(["--only", "gpu"]) }
        let throughput = try BenchThroughputCommand.parse(["--callers", "2", "--seconds", "60"])
        #expect(throughput.callers == 2 && throughput.seconds == 60)
        for words in [["--callers", "0"], ["--callers", "65"], ["--seconds", "0"]] {
            #expect(throws: (any Error).self) { _ = try BenchThroughputCommand.parse(words) }
        }
        #expect(throws: (any Error).self) { _ = try BenchQuantumCommand.parse(["--rounds", "0"]) }
    }
}
