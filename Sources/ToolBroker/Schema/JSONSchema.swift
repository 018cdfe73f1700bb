package import StrictJSON

/// A checked JSON Schema, 2020-12, of the keywords that tools need.
///
/// Every keyword is known or the schema is refused: a rule that is read over is a rule that its author relies on in vain. `pattern`
/// is among the refused ones (a regular expression can be made to run for hours), and so are remote and recursive references.
package struct JSONSchema: Sendable, Equatable {
    /// As it was given; what models and people are shown.
    package let source: JSONValue
    let root: SchemaNode
    let definitions: [String: SchemaNode]

    /// A schema that everything satisfies.
    package static let anything = JSONSchema(source: .bool(true), root: SchemaNode(), definitions: [:])

    package static func compile(_ source: JSONValue) throws(SchemaProblem) -> JSONSchema {
        var compiler = SchemaCompiler()
        let definitions = try compiler.definitions(of: source)
        let root = try compiler.node(source, at: "", depth: 0)
        try compiler.checkReferences(from: root, in: definitions)
        return JSONSchema(source: source, root: root, definitions: definitions)
    }

    /// What is wrong with a value, at most `most` problems; empty when it conforms.
    package func problems(with value: JSONValue, most: Int = 8) -> [SchemaViolation] {
        var validator = SchemaValidator(definitions: definitions, most: most)
        validator.check(value, against: root, at: "", depth: 0)
        return validator.problems
    }

    /// Whether only objects can conform: tool arguments are objects.
    package var describesAnObject: Bool { root.types == [.object] }
}

/// Why a schema cannot be used, and where in it (a JSON pointer).
package struct SchemaProblem: Error, Sendable, Equatable {
    package var pointer: String
    package var message: String
    package var mend: String
}

/// One way in which a value does not conform.
package struct SchemaViolation: Sendable, Equatable, CustomStringConvertible {
    /// JSON pointer to the value; empty for the whole.
    package var pointer: String
    package var message: String

    package var description: String { printable("\(pointer.isEmpty ? "the value" : pointer) \(message)") }
    package var json: JSONValue { .object(["at": .string(pointer), "problem": .string(printable(message))]) }
}

enum SchemaType: String, Sendable, CaseIterable {
    case null, boolean, object, array, number, integer, string
}

/// One schema object. Absent keywords are nil or empty.
struct SchemaNode: Sendable, Equatable {
    /// `false`: nothing conforms.
    var refusesAll = false
    var types: Set<SchemaType>?
    var allowed: [JSONValue]?
    var reference: String?
    // objects
    var properties: [String: SchemaNode] = [:]
    var required: [String] = []
    var additional: [SchemaNode] = []
    var propertyCount: ClosedRange<Int> = 0...Int.max
    // arrays
    var prefix: [SchemaNode] = []
    var items: [SchemaNode] = []
    var itemCount: ClosedRange<Int> = 0...Int.max
    var hasUniqueItems = false
    // strings, counted in Unicode scalars
    var length: ClosedRange<Int> = 0...Int.max
    // numbers
    var bounds: [NumberBound] = []
    // combinations
    var all: [SchemaNode] = []
    var any: [SchemaNode] = []
    var one: [SchemaNode] = []
    var not: [SchemaNode] = []

    /// Names are compared as bytes: Swift's own equality would take the Kelvin sign for a K, and a tool would not.
    func property(_ name: String) -> SchemaNode? {
        guard let index = properties.index(forKey: name), properties[index].key.utf8.elementsEqual(name.utf8) else { return nil }
        return properties[index].value
    }

    /// Every schema inside, for walks.
    var parts: [SchemaNode] { Array(properties.values) + additional + prefix + items + all + any + one + not }
}

struct NumberBound: Sendable, Equatable {
    enum Kind: String, Sendable { case minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }
    var kind: Kind
    var value: Double
}

/// Bounds of the work that a schema can cause.
enum SchemaBounds {
    /// Schemas inside one another, and values inside one another.
    static let depth = 32
    /// Schemas in all.
    static let nodes = 2048
    /// Checks for one value: references let a small schema ask for many.
    static let steps = 200_000
}
