/// What edits change, line by line, as `diff -u` shows it.
package enum UnifiedDiff {
    private static let context = 3

    /// Empty when nothing changes.
    /// - Parameter secrets: values that are shown as `…`; no edit touches them.
    package static func text(of edits: [TextEdit], in bytes: [UInt8], name: String, hiding secrets: [Range<Int>]) -> String {
        let masks = secrets.filter { secret in !edits.contains { $0.span.overlaps(secret) } }.map { TextEdit($0, Array("…".utf8)) }
        func moved(_ offset: Int) -> Int {
            masks.reduce(offset) { $1.span.upperBound <= offset ? $0 - $1.span.count + $1.replacement.count : $0 }
        }
        let shown = edits.map { TextEdit(moved($0.span.lowerBound)..<moved($0.span.upperBound), $0.replacement) }
        return text(of: shown, in: TextEdit.apply(masks, to: bytes), name: name)
    }

    /// Empty when nothing changes.
    package static func text(of edits: [TextEdit], in bytes: [UInt8], name: String) -> String {
        let lines = Lines(bytes)
        var changes: [(lines: Range<Int>, new: [UInt8])] = []
        for edit in edits.sorted(by: { $0.span.lowerBound < $1.span.lowerBound }) {
            let touched = lines.index(of: edit.span.lowerBound)..<lines.index(of: edit.span.upperBound) + 1
            if let last = changes.last, last.lines.upperBound > touched.lowerBound {
                changes[changes.count - 1].lines = last.lines.lowerBound..<max(last.lines.upperBound, touched.upperBound)
            } else {
                changes.append((touched, []))
            }
        }
        for at in changes.indices {
            let span = lines.start(changes[at].lines.lowerBound)..<lines.start(changes[at].lines.upperBound)
            let own = edits.filter { span.lowerBound <= $0.span.lowerBound && $0.span.upperBound <= span.upperBound }
                .map { TextEdit($0.span.lowerBound - span.lowerBound..<$0.span.upperBound - span.lowerBound, $0.replacement) }
            changes[at].new = TextEdit.apply(own, to: Array(bytes[span]))
        }
        var result = changes.isEmpty ? "" : "--- \(name)\n+++ \(name), sealed or opened\n"
        var shift = 0
        var at = 0
        while at < changes.count {
            var end = at + 1
            while end < changes.count, changes[end].lines.lowerBound - changes[end - 1].lines.upperBound <= 2 * context { end += 1 }
            let from = max(0, changes[at].lines.lowerBound - context)
            let to = min(lines.count, changes[end - 1].lines.upperBound + context)
            var body = ""
            var newCount = 0
            var line = from
            for change in changes[at..<end] {
                for kept in line..<change.lines.lowerBound { body += shown(" ", lines.bytes(kept)) }
                newCount += change.lines.lowerBound - line
                for old in change.lines { body += shown("-", lines.bytes(old)) }
                let new = Lines(change.new)
                for index in 0..<new.count { body += shown("+", new.bytes(index)) }
                newCount += new.count
                line = change.lines.upperBound
            }
            for kept in line..<to { body += shown(" ", lines.bytes(kept)) }
            newCount += to - line
            result += "@@ -\(from + 1),\(to - from) +\(from + 1 + shift),\(newCount) @@\n" + body
            shift += newCount - (to - from)
            at = end
        }
        return result
    }

    private static func shown(_ mark: String, _ line: ArraySlice<UInt8>) -> String {
        let hasEnd = line.last == 0x0A
        var content = hasEnd ? line.dropLast() : line
        if content.last == 0x0D { content = content.dropLast() }
        return mark + String(decoding: content, as: UTF8.self) + "\n" + (hasEnd ? "" : "\\ No newline at end of file\n")
    }

    private struct Lines {
        let bytes: [UInt8]
        private var starts: [Int] = []

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            if !bytes.isEmpty { starts = [0] }
            for (index, byte) in bytes.enumerated() where byte == 0x0A && index + 1 < bytes.count { starts.append(index + 1) }
        }

        var count: Int { starts.count }
        func start(_ line: Int) -> Int { line < starts.count ? starts[line] : bytes.count }
        func bytes(_ line: Int) -> ArraySlice<UInt8> { bytes[start(line)..<start(line + 1)] }

        func index(of offset: Int) -> Int {
            var low = 0
            var high = starts.count
            while low < high {
                let middle = (low + high) / 2
                if starts[middle] <= offset { low = middle + 1 } else { high = middle }
            }
            return max(0, low - 1)
        }
    }
}
