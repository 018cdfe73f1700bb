/// A strictly read JSON text: as a tree with positions (`root`) and as a plain value.
///
/// Strict because it also reads what untrusted tools say: well-formed UTF-8, one value and nothing after it, unique keys, no
/// lone surrogates, no numbers outside the grammar, bounded depth, nodes and bytes. It never recurses deeper than its bound.
package struct JSONDocument: Sendable, Equatable {
    package let root: DocumentNode
    package let value: JSONValue

    package static func read(_ bytes: [UInt8], bounds: DocumentBounds) throws(JSONReadError) -> JSONDocument {
        var reader = try JSONReader<PlacedJSON>(bytes, bounds: bounds)
        let item = try reader.readDocument()
        return JSONDocument(root: item.node, value: item.value)
    }

    /// The plain value alone, read just as strictly: for whoever has no use for positions, in a fraction of the time.
    package static func value(of bytes: [UInt8], bounds: DocumentBounds) throws(JSONReadError) -> JSONValue {
        var reader = try JSONReader<PlainJSON>(bytes, bounds: bounds)
        return try reader.readDocument()
    }
}

package struct JSONReadError: Error, Sendable, Equatable, CustomStringConvertible {
    package var message: String
    package var mend: String
    package var position: SourcePosition

    package var description: String { printable("\(position.line):\(position.column): \(message); \(mend)") }
}
