internal import StrictJSON
internal import Testing

/// JSON as a test writes it.
func json(_ text: String) throws -> JSONValue {
    try JSONDocument.read(Array(text.utf8), bounds: DocumentBounds(bytes: 1 << 20, depth: 128, nodes: 100_000)).value
}
