/// Bytes of a text replaced by others.
package struct TextEdit: Sendable, Equatable {
    package var span: Range<Int>
    package var replacement: [UInt8]

    package init(_ span: Range<Int>, _ replacement: some Sequence<UInt8>) {
        self.span = span
        self.replacement = Array(replacement)
    }

    /// Edits in any order; they must not overlap.
    package static func apply(_ edits: [TextEdit], to bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var at = 0
        for edit in edits.sorted(by: { $0.span.lowerBound < $1.span.lowerBound }) {
            precondition(edit.span.lowerBound >= at && edit.span.upperBound <= bytes.count, "edits overlap")
            result += bytes[at..<edit.span.lowerBound]
            result += edit.replacement
            at = edit.span.upperBound
        }
        return result + bytes[at...]
    }
}
