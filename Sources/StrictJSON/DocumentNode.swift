/// A place in a document; both numbers count from 1.
package struct SourcePosition: Sendable, Hashable {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// A document as read, before any key has a meaning. Scalars keep their text: a field decides what it is, so that `no` can
/// never become a boolean by accident.
package struct DocumentNode: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
        case scalar(DocumentScalar)
        case sequence([DocumentNode])
        /// In the order of the document; keys are unique.
        case mapping([DocumentEntry])
    }

    package var content: Content
    package var position: SourcePosition

    package init(_ content: Content, at position: SourcePosition) {
        self.content = content
        self.position = position
    }

    /// Word for error messages.
    package var kindName: String {
        switch content {
        case .scalar: "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

package struct DocumentScalar: Sendable, Equatable {
    package enum Style: Sendable, Equatable {
        /// Unquoted: may be a number, a boolean or null if its field wants one.
        case plain
        /// Quoted or block text: a string and nothing else.
        case text
    }
    package var text: String
    package var style: Style

    package init(_ text: String, style: Style) {
        self.text = text
        self.style = style
    }
}

package struct DocumentEntry: Sendable, Equatable {
    package var key: String
    package var keyPosition: SourcePosition
    package var value: DocumentNode

    package init(key: String, keyPosition: SourcePosition, value: DocumentNode) {
        self.key = key
        self.keyPosition = keyPosition
        self.value = value
    }
}

/// Bounds of what a reader accepts, so that a hostile file costs little before it is refused.
package struct DocumentBounds: Sendable {
    /// Bytes of the whole document.
    package var bytes: Int
    /// Mappings and sequences inside one another.
    package var depth: Int
    /// Scalars, keys, mappings and sequences in all.
    package var nodes: Int
    /// Refuses a number that could not be given on as it was written: an integer beyond 64 bits, digits that a Double does not hold. For
    /// what is decided here and done elsewhere.
    package var keepsNumbers = false

    package init(bytes: Int, depth: Int, nodes: Int) {
        self.bytes = bytes
        self.depth = depth
        self.nodes = nodes
    }

    /// A hand-written policy is some kilobytes and five levels deep.
    package static let policy = DocumentBounds(bytes: 1 << 20, depth: 32, nodes: 20_000)
}
