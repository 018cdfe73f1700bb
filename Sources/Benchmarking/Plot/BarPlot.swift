internal import StrictJSON

/// Horizontal bars as SVG: the median is the bar, p95 the line that goes on from it. Readable on light and dark pages alike, and nothing
/// in it is loaded from anywhere.
package struct BarPlot: Sendable {
    package struct Row: Sendable {
        package var label: String
        package var median: Double
        package var p95: Double
        /// One of others, or the bare one: told apart by its colour.
        package var isOurs: Bool

        package init(label: String, median: Double, p95: Double, isOurs: Bool) {
            self.label = label
            self.median = median
            self.p95 = p95
            self.isOurs = isOurs
        }
    }

    package enum Unit: Sendable {
        case microseconds
        /// Times the bare case.
        case ratio
    }

    package var title: String
    package var subtitle: String
    package var unit: Unit
    package var rows: [Row]

    package init(title: String, subtitle: String, unit: Unit, rows: [Row]) {
        self.title = title
        self.subtitle = subtitle
        self.unit = unit
        self.rows = rows
    }

    private static let (width, left, right, top, rowHeight, bar) = (760, 190, 110, 64, 28, 16)

    package var svg: String {
        let axis = PlotAxis(rows.flatMap { [$0.median, $0.p95] })
        let bottom = Self.top + rows.count * Self.rowHeight
        let height = bottom + 58
        func x(_ value: Double) -> Double { Double(Self.left) + axis.place(value) * Double(Self.width - Self.left - Self.right) }
        var lines = [
            #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \#(Self.width) \#(height)" width="\#(Self.width)" height="\#(height)" "#
                + #"role="img" aria-labelledby="title">"#,
            #"<title id="title">\#(Self.escaped(title))</title>"#, "<style>\(Self.style)</style>",
            #"<text class="head" x="16" y="26">\#(Self.escaped(title))</text>"#,
            #"<text class="small" x="16" y="46">\#(Self.escaped(subtitle))</text>"#,
        ]
        for tick in axis.ticks {
            let at = Self.number(x(tick))
            lines.append(#"<line class="grid" x1="\#(at)" y1="\#(Self.top)" x2="\#(at)" y2="\#(bottom)"/>"#)
            lines.append(#"<text class="small mid" x="\#(at)" y="\#(bottom + 18)">\#(text(tick))</text>"#)
        }
        for (index, row) in rows.enumerated() {
            let y = Self.top + index * Self.rowHeight
            let middle = y + Self.rowHeight / 2
            let (end, far) = (x(row.median), x(row.p95))
            let kind = row.isOurs ? "ours" : "other"
            lines.append(#"<text class="label end" x="\#(Self.left - 10)" y="\#(middle + 4)">\#(Self.escaped(row.label))</text>"#)
            lines.append(
                #"<rect class="\#(kind)" x="\#(Self.left)" y="\#(y + (Self.rowHeight - Self.bar) / 2)" "#
                    + #"width="\#(Self.number(max(0, end - Double(Self.left))))" height="\#(Self.bar)" rx="2"/>"#)
            if far > end {
                lines.append(
                    #"<path class="tail" d="M\#(Self.number(end)) \#(middle)H\#(Self.number(far))M\#(Self.number(far)) \#(middle - 5)v10"/>"#
                )
            }
            lines.append(#"<text class="small" x="\#(Self.number(max(end, far) + 8))" y="\#(middle + 4)">\#(text(row.median))</text>"#)
        }
        let scale = axis.isLogarithmic ? "logarithmic axis" : "linear axis"
        lines.append(
            #"<text class="small" x="\#(Self.left)" y="\#(bottom + 42)">bar: median; line: to p95; \#(scale)</text>"#)
        lines.append("</svg>")
        return lines.joined(separator: "\n") + "\n"
    }

    /// Both grounds: what a page does not say is taken for light.
    private static let style = """
        text{font-family:system-ui,sans-serif;fill:#24292f}.head{font-size:17px;font-weight:600}.label{font-size:13px}\
        .small{font-size:12px;fill:#57606a}.end{text-anchor:end}.mid{text-anchor:middle}.grid{stroke:#8c959f;stroke-opacity:.35}\
        .ours{fill:#1a7f64}.other{fill:#8c959f}.tail{stroke:#bc4c00;stroke-width:1.5;fill:none}\
        @media (prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9da7b3}.ours{fill:#2fae8b}.other{fill:#768390}\
        .tail{stroke:#f0883e}}
        """

    private func text(_ value: Double) -> String {
        switch unit {
        case .ratio: return "× " + Self.short(value)
        case .microseconds:
            if value >= 1_000_000 { return Self.short(value / 1_000_000) + " s" }
            if value >= 1000 { return Self.short(value / 1000) + " ms" }
            return Self.short(value) + " µs"
        }
    }

    /// Three digits that say something.
    private static func short(_ value: Double) -> String {
        guard value.isFinite, value >= 0, value < 1e15 else { return "?" }
        if value >= 100 { return "\(Int(value.rounded()))" }
        let text = value >= 10 ? number(value) : BenchCase.text(value)
        guard text.contains(".") else { return text }
        let trimmed = String(text.reversed().drop { $0 == "0" }.reversed())
        return trimmed.last == "." ? String(trimmed.dropLast()) : trimmed
    }

    /// With one digit behind the point.
    private static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    /// As text of XML, which has no control characters at all.
    static func escaped(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n", "\r": result += " "
            default:
                let isCharacter = scalar.value >= 0x20 && scalar.value != 0xFFFE && scalar.value != 0xFFFF
                result.unicodeScalars.append(isCharacter ? scalar : "\u{FFFD}")
            }
        }
    }
}

extension BenchReport {
    /// The cases as a picture. Overhead is drawn as what a sandbox makes of the bare time, everything else as times.
    package var plot: BarPlot {
        let theirs = Set(Peer.allCases.map(\.rawValue) + ["bare", LaunchCaseName.pythonBare, "fresh-process"])
        let title = "glovebox bench \(subject)"
        let place = "Linux \(host.kernel), \(host.processors) processors" + (noise.isQuiet ? "" : "; a noisy machine")
        guard subject == "overhead" else {
            let rows = cases.map { BarPlot.Row(label: $0.name, median: $0.median, p95: $0.p95, isOurs: !theirs.contains($0.name)) }
            return BarPlot(title: title, subtitle: place, unit: .microseconds, rows: rows)
        }
        let rows = cases.compactMap { item -> BarPlot.Row? in
            guard let ratio = item.ratio, item.median > 0, !item.name.hasSuffix("-bare") else { return nil }
            return BarPlot.Row(
                label: item.name, median: ratio, p95: item.p95 / item.median * ratio, isOurs: item.name.hasSuffix("-inside"))
        }
        return BarPlot(title: title, subtitle: "times the bare one; " + place, unit: .ratio, rows: rows)
    }
}
