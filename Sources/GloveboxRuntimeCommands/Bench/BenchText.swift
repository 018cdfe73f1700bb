internal import Benchmarking
internal import CommandOutput

/// A report for people.
struct BenchText {
    private let report: BenchReport
    private let style: TextStyle

    init(_ report: BenchReport, style: TextStyle) {
        self.report = report
        self.style = style
    }

    func print() {
        Console.print(SafeText.line(report.host.text))
        Console.print(report.title)
        table(BenchCase.head, report.cases.map(\.cells))
        for line in report.lines { Console.print(SafeText.line(line)) }
        for item in report.notMeasured {
            Console.print(SafeText.line("\(item.name) was not measured (\(item.state.rawValue)): \(item.why)"))
        }
        parts()
        if !report.commands.isEmpty { Console.print("") }
        for item in report.commands { Console.print(SafeText.line("\(item.name): \(item.command)")) }
        if !report.bounds.isEmpty { Console.print("") }
        for bound in report.bounds {
            let verdict = bound.holds ? style("holds", .green) : style("does not hold", .red)
            Console.print(
                "\(bound.name): \(BenchCase.text(bound.measured)), \(bound.isMost ? "at most" : "at least") "
                    + "\(BenchCase.text(bound.bound)) wanted: \(report.noise.isQuiet ? verdict : "not judged")")
        }
        Self.printNoise(report.noise, style)
    }

    static func printNoise(_ noise: NoiseVerdict, _ style: TextStyle) {
        if noise.isQuiet { return Console.print("the machine was quiet") }
        for finding in noise.findings { Console.print("\(style("noisy", .yellow)): \(SafeText.line(finding))") }
        Console.print("The machine was too noisy for good numbers; only the smallest times say something. Measure again.")
    }

    private func parts() {
        var last: String?
        var rows: [[String]] = []
        func flush() {
            guard let last, !rows.isEmpty else { return }
            Console.print("")
            table([last] + Array(BenchCase.head.dropFirst()), rows)
            rows = []
        }
        for part in report.parts {
            if part.group != last { flush() }
            last = part.group
            rows.append(part.item.cells)
        }
        flush()
    }

    private func table(_ head: [String], _ rows: [[String]]) {
        var table = TextTable(head)
        for row in rows { table.add(row) }
        table.print()
    }
}
