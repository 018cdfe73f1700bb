internal import CYAML
internal import StrictJSON

/// Reads the part of YAML that a policy may use: one document of mappings, lists and scalars. What could make two readers see
/// two different policies in one file (anchors, tags, merge keys, typed keys, duplicate keys, several documents) is refused.
enum YAMLReader {
    /// `bytes` must already be UTF-8 without NUL, and no longer than `bounds.bytes`.
    static func read(_ bytes: [UInt8], fileName: String, bounds: DocumentBounds) throws(PolicyError) -> DocumentNode {
        // The parser keeps a pointer to itself and to its input, so both live at fixed addresses until the end.
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        guard yaml_parser_initialize(parser) == 1 else {
            throw PolicyError(file: fileName, message: "the YAML reader has no memory", mend: "free some and try again")
        }
        defer { yaml_parser_delete(parser) }
        let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count + 1)
        defer { input.deallocate() }
        _ = input.initialize(from: bytes + [0])
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        var events = YAMLEvents(parser: parser, fileName: fileName, bounds: bounds)
        return try events.readDocument()
    }
}

/// One parser event, copied out so that the C event is freed at once.
private struct YAMLEvent {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd, alias, scalar, sequenceStart, sequenceEnd, mappingStart, mappingEnd, none
    }
    var kind: Kind
    var position: SourcePosition
    var text = ""
    var isPlain = false
    var hasAnchor = false
    var hasTag = false
    var hasDirective = false
}

private struct YAMLEvents {
    let parser: UnsafeMutablePointer<yaml_parser_t>
    let fileName: String
    let bounds: DocumentBounds
    var nodes = 0

    init(parser: UnsafeMutablePointer<yaml_parser_t>, fileName: String, bounds: DocumentBounds) {
        self.parser = parser
        self.fileName = fileName
        self.bounds = bounds
    }

    mutating func readDocument() throws(PolicyError) -> DocumentNode {
        _ = try next()
        let start = try next()
        guard start.kind == .documentStart else {
            throw error(SourcePosition(line: 1, column: 1), "the document is empty", "begin with `version: 1`")
        }
        if start.hasDirective { throw error(start.position, "directives (%YAML, %TAG) are not accepted", "remove the line") }
        let root = try readNode(try next(), depth: 0)
        _ = try next()
        let end = try next()
        if end.kind != .streamEnd {
            throw error(end.position, "a second document starts here", "keep one document in a file")
        }
        return root
    }

    private mutating func readNode(_ event: YAMLEvent, depth: Int) throws(PolicyError) -> DocumentNode {
        try check(event)
        switch event.kind {
        case .scalar:
            return DocumentNode(.scalar(DocumentScalar(event.text, style: event.isPlain ? .plain : .text)), at: event.position)
        case .sequenceStart:
            try checkDepth(depth + 1, event.position)
            var items: [DocumentNode] = []
            while true {
                let item = try next()
                if item.kind == .sequenceEnd { return DocumentNode(.sequence(items), at: event.position) }
                items.append(try readNode(item, depth: depth + 1))
            }
        case .mappingStart:
            try checkDepth(depth + 1, event.position)
            return DocumentNode(.mapping(try readEntries(depth: depth + 1)), at: event.position)
        default:
            throw error(event.position, "a value is missing here", "write one")
        }
    }

    private mutating func readEntries(depth: Int) throws(PolicyError) -> [DocumentEntry] {
        var entries: [DocumentEntry] = []
        var seen: Set<[UInt8]> = []
        while true {
            let key = try next()
            if key.kind == .mappingEnd { return entries }
            try check(key)
            guard key.kind == .scalar else {
                throw error(key.position, "a key must be a single word", "write `word: value`")
            }
            if key.isPlain, PlainScalar.looksTyped(key.text) {
                throw error(key.position, "the key `\(key.text)` is not a string in YAML", "put it in quotes")
            }
            if !seen.insert(Array(key.text.utf8)).inserted {
                throw error(key.position, "the key `\(key.text)` stands here twice", "keep one of them")
            }
            let value = try readNode(try next(), depth: depth)
            entries.append(DocumentEntry(key: key.text, keyPosition: key.position, value: value))
        }
    }

    private mutating func check(_ event: YAMLEvent) throws(PolicyError) {
        if event.kind == .alias { throw error(event.position, "aliases are not accepted", "write the value out") }
        if event.hasAnchor { throw error(event.position, "anchors are not accepted", "remove `&…` and write values out") }
        if event.hasTag { throw error(event.position, "tags are not accepted", "remove `!…`; put text in quotes") }
        nodes += 1
        if nodes > bounds.nodes {
            throw error(event.position, "there are more than \(bounds.nodes) values", "split the file with `extends`")
        }
    }

    private func checkDepth(_ depth: Int, _ position: SourcePosition) throws(PolicyError) {
        if depth > bounds.depth {
            throw error(position, "lists and mappings are nested more than \(bounds.depth) deep", "nest less")
        }
    }

    private func error(_ position: SourcePosition, _ message: String, _ mend: String) -> PolicyError {
        PolicyError(file: fileName, at: position, message: message, mend: mend)
    }

    private func next() throws(PolicyError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        defer { yaml_event_delete(&event) }
        let position = SourcePosition(line: Int(event.start_mark.line) + 1, column: Int(event.start_mark.column) + 1)
        switch event.type {
        case YAML_STREAM_START_EVENT: return YAMLEvent(kind: .streamStart, position: position)
        case YAML_STREAM_END_EVENT: return YAMLEvent(kind: .streamEnd, position: position)
        case YAML_DOCUMENT_START_EVENT:
            let start = event.data.document_start
            let directive = start.version_directive != nil || start.tag_directives.start != start.tag_directives.end
            return YAMLEvent(kind: .documentStart, position: position, hasDirective: directive)
        case YAML_DOCUMENT_END_EVENT: return YAMLEvent(kind: .documentEnd, position: position)
        case YAML_ALIAS_EVENT: return YAMLEvent(kind: .alias, position: position)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return YAMLEvent(
                kind: .scalar, position: position, text: text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
                hasAnchor: scalar.anchor != nil, hasTag: scalar.tag != nil)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return YAMLEvent(kind: .sequenceStart, position: position, hasAnchor: start.anchor != nil, hasTag: start.tag != nil)
        case YAML_SEQUENCE_END_EVENT: return YAMLEvent(kind: .sequenceEnd, position: position)
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return YAMLEvent(kind: .mappingStart, position: position, hasAnchor: start.anchor != nil, hasTag: start.tag != nil)
        case YAML_MAPPING_END_EVENT: return YAMLEvent(kind: .mappingEnd, position: position)
        default: return YAMLEvent(kind: .none, position: position)
        }
    }

    private func syntaxError() -> PolicyError {
        let mark = parser.pointee.problem_mark
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "the text cannot be read"
        return error(
            SourcePosition(line: Int(mark.line) + 1, column: Int(mark.column) + 1), "not YAML: \(problem)",
            "check the indentation, colons and quotes near here; tabs never indent")
    }
}

/// What unquoted words mean in YAML 1.1 and 1.2.
enum PlainScalar {
    private static let typedWords: Set<String> = [
        "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "=", ".inf", "-.inf", ".nan",
    ]

    /// Whether some YAML reader would make a number, boolean or null of it.
    static func looksTyped(_ text: String) -> Bool {
        // No typed word is longer than `false`; keys mostly are.
        if text.utf8.count <= 5, typedWords.contains(text.lowercased()) { return true }
        guard let first = text.utf8.first,
            (0x30...0x39).contains(first) || first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
                || first == UInt8(ascii: ".")
        else { return false }
        return Double(text) != nil || Int(text) != nil
    }
}
