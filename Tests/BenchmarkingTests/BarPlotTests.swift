import Glibc
import LinuxPrimitives
import TestSupport
import Testing

@testable import Benchmarking

@Suite struct BarPlotTests {
    private func plot(_ rows: [BarPlot.Row]) -> BarPlot {
        BarPlot(title: "a < b & \"c\" 'd' ]]>\u{1}", subtitle: "<script>", unit: .microseconds, rows: rows)
    }

    private func row(_ label: String, _ median: Double, _ p95: Double) -> BarPlot.Row {
        BarPlot.Row(label: label, median: median, p95: p95, isOurs: true)
    }

    /// Read by a parser that is not ours.
    @Test(arguments: [
        [], [("x", 1.0)], [("bare", 600), ("runc <1>", 40_000)], [("nothing", 0)], [("odd", Double.nan), ("far", .infinity)],
    ])
    func isWellFormed(values: [(String, Double)]) throws {
        let svg = plot(values.map { row($0.0, $0.1, $0.1 * 1.5) }).svg
        let scratch = try ScratchDirectory("plot")
        defer { scratch.remove() }
        let file = try scratch.file("plot.svg", svg)
        let program = """
            import sys, xml.etree.ElementTree as tree
            root = tree.parse(sys.argv[1]).getroot()
            texts = [t.text for t in root.iter('{http://www.w3.org/2000/svg}text')]
            assert root.tag.endswith('svg') and texts[0] == 'a < b & "c" \\'d\\' ]]>\\ufffd', texts[0]
            assert texts[1] == '<script>' and not list(root.iter('{http://www.w3.org/2000/svg}script'))
            """
        let ended = BareLaunch([try #require(Peer.find("python3")), "-c", program, file]).listening()
        #expect(ended.problem == nil, "\(ended.complaint)\n\(svg)")
    }

    @Test func longerTakesMoreRoom() {
        let axis = PlotAxis([600, 40_000])
        #expect(axis.isLogarithmic && axis.place(600) < axis.place(2000) && axis.place(2000) < axis.place(40_000))
        #expect(axis.ticks.allSatisfy { (0...1).contains(axis.place($0)) } && axis.ticks.count >= 3)
        let near = PlotAxis([1, 1.1, 1.3])
        #expect(!near.isLogarithmic && near.least == 0 && near.ticks.first == 0)
        #expect(near.ticks.count >= 3 && near.ticks.allSatisfy { $0 <= near.most })
    }
}
