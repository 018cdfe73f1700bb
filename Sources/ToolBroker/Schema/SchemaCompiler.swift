internal import CapabilityLanguage
internal import StrictJSON

/// Reads a schema into nodes and refuses what it does not know.
struct SchemaCompiler {
    private var count = 0
    private var definitionNames: Set<String> = []

    private static let annotations = [
        "$schema", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "format",
    ]
    private static let keywords =
        annotations + [
            "$defs", "$ref", "type", "enum", "const", "properties", "required", "additionalProperties", "minProperties", "maxProperties",
            "prefixItems", "items", "minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "minimum", "maximum",
            "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "allOf", "anyOf", "oneOf", "not",
        ]
    private static let dialects = ["https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2020-12/schema#"]

    mutating func definitions(of source: JSONValue) throws(SchemaProblem) -> [String: SchemaNode] {
        guard let given = source.member("$defs") else { return [:] }
        guard case .object(let members) = given else { throw problem("/$defs", "`$defs` is no object", "write {\"name\": {…}}") }
        definitionNames = Set(members.map(\.key))
        var result: [String: SchemaNode] = [:]
        for member in members { result[member.key] = try node(member.value, at: "/$defs/\(member.key)", depth: 1) }
        return result
    }

    mutating func node(_ source: JSONValue, at pointer: String, depth: Int) throws(SchemaProblem) -> SchemaNode {
        count += 1
        if depth > SchemaBounds.depth { throw problem(pointer, "schemas are nested more than \(SchemaBounds.depth) deep", "nest less") }
        if count > SchemaBounds.nodes { throw problem(pointer, "there are more than \(SchemaBounds.nodes) schemas", "say less") }
        var node = SchemaNode()
        switch source {
        case .bool(let accepts):
            node.refusesAll = !accepts
            return node
        case .object(let members):
            for member in members { try read(member, into: &node, at: pointer, depth: depth) }
            return node
        default: throw problem(pointer, "this is no schema", "write an object, true or false")
        }
    }

    private mutating func read(
        _ member: JSONMember, into node: inout SchemaNode, at parent: String, depth: Int
    ) throws(SchemaProblem) {
        let (key, value) = (member.key, member.value)
        let pointer = "\(parent)/\(key)"
        switch key {
        case "$schema":
            guard case .string(let dialect) = value, Self.dialects.contains(dialect) else {
                throw problem(pointer, "the dialect is not 2020-12", "write \(Self.dialects[0]), or leave it out")
            }
        case "$defs": if depth > 0 { throw problem(pointer, "`$defs` stands inside a schema", "move it to the top") }
        case "$ref": node.reference = try reference(value, pointer)
        case "type": node.types = try types(value, pointer)
        case "enum":
            guard case .array(let values) = value, !values.isEmpty else { throw problem(pointer, "`enum` is no list", "write [a, b]") }
            node.allowed = values
        case "const": node.allowed = [value]
        case "properties":
            guard case .object(let members) = value else { throw problem(pointer, "`properties` is no object", "write {\"name\": {…}}") }
            for one in members { node.properties[one.key] = try self.node(one.value, at: "\(pointer)/\(one.key)", depth: depth + 1) }
        case "required": node.required = try names(value, pointer)
        case "additionalProperties": node.additional = [try self.node(value, at: pointer, depth: depth + 1)]
        case "items": node.items = [try self.node(value, at: pointer, depth: depth + 1)]
        case "not": node.not = [try self.node(value, at: pointer, depth: depth + 1)]
        case "prefixItems": node.prefix = try list(value, pointer, depth)
        case "allOf": node.all = try list(value, pointer, depth)
        case "anyOf": node.any = try list(value, pointer, depth)
        case "oneOf": node.one = try list(value, pointer, depth)
        case "uniqueItems":
            guard case .bool(let isUnique) = value else { throw problem(pointer, "`uniqueItems` is no boolean", "write true or false") }
            node.hasUniqueItems = isUnique
        case "minProperties": node.propertyCount = try range(from: value, node.propertyCount, pointer)
        case "maxProperties": node.propertyCount = try range(to: value, node.propertyCount, pointer)
        case "minItems": node.itemCount = try range(from: value, node.itemCount, pointer)
        case "maxItems": node.itemCount = try range(to: value, node.itemCount, pointer)
        case "minLength": node.length = try range(from: value, node.length, pointer)
        case "maxLength": node.length = try range(to: value, node.length, pointer)
        default:
            if let kind = NumberBound.Kind(rawValue: key) {
                node.bounds.append(NumberBound(kind: kind, value: try number(value, kind, pointer)))
            } else if !Self.annotations.contains(key) {
                throw problem(pointer, "`\(key)` is not a keyword that is checked here", NearestWord.mend(for: key, among: Self.keywords))
            }
        }
    }

    private func reference(_ value: JSONValue, _ pointer: String) throws(SchemaProblem) -> String {
        let prefix = "#/$defs/"
        guard case .string(let text) = value, text.hasPrefix(prefix) else {
            throw problem(pointer, "the reference leads out of this schema", "put what it means into $defs and write \(prefix)<name>")
        }
        let name = String(text.dropFirst(prefix.count))
        guard definitionNames.contains(name) else {
            throw problem(pointer, "there is no `\(name)` in $defs", NearestWord.mend(for: name, among: definitionNames.sorted()))
        }
        return name
    }

    private func types(_ value: JSONValue, _ pointer: String) throws(SchemaProblem) -> Set<SchemaType> {
        let names: [JSONValue] = if case .array(let list) = value { list } else { [value] }
        var result: Set<SchemaType> = []
        for name in names {
            guard case .string(let text) = name, let type = SchemaType(rawValue: text) else {
                throw problem(
                    pointer, "that is no type", "known are: " + SchemaType.allCases.map(\.rawValue).joined(separator: ", "))
            }
            result.insert(type)
        }
        if result.isEmpty { throw problem(pointer, "`type` is empty", "name a type, or leave it out") }
        return result
    }

    private func names(_ value: JSONValue, _ pointer: String) throws(SchemaProblem) -> [String] {
        guard case .array(let list) = value else { throw problem(pointer, "`required` is no list", "write [\"name\"]") }
        var result: [String] = []
        for item in list {
            guard case .string(let name) = item else { throw problem(pointer, "`required` holds no name", "write [\"name\"]") }
            result.append(name)
        }
        return result
    }

    private mutating func list(_ value: JSONValue, _ pointer: String, _ depth: Int) throws(SchemaProblem) -> [SchemaNode] {
        guard case .array(let values) = value, !values.isEmpty else { throw problem(pointer, "this is no list of schemas", "write [{…}]") }
        var result: [SchemaNode] = []
        for (index, item) in values.enumerated() { result.append(try node(item, at: "\(pointer)/\(index)", depth: depth + 1)) }
        return result
    }

    private func range(from value: JSONValue, _ range: ClosedRange<Int>, _ pointer: String) throws(SchemaProblem) -> ClosedRange<Int> {
        let low = try natural(value, pointer)
        if low > range.upperBound { throw problem(pointer, "the least is more than the most", "mend one of them") }
        return low...range.upperBound
    }

    private func range(to value: JSONValue, _ range: ClosedRange<Int>, _ pointer: String) throws(SchemaProblem) -> ClosedRange<Int> {
        let high = try natural(value, pointer)
        if high < range.lowerBound { throw problem(pointer, "the most is less than the least", "mend one of them") }
        return range.lowerBound...high
    }

    private func natural(_ value: JSONValue, _ pointer: String) throws(SchemaProblem) -> Int {
        guard case .int(let number) = value, number >= 0 else { throw problem(pointer, "this is no count", "write 0 or more") }
        return Int(number)
    }

    private func number(_ value: JSONValue, _ kind: NumberBound.Kind, _ pointer: String) throws(SchemaProblem) -> Double {
        let number: Double
        switch value {
        case .int(let whole): number = Double(whole)
        case .double(let real): number = real
        default: throw problem(pointer, "`\(kind.rawValue)` is no number", "write one")
        }
        if kind == .multipleOf, number <= 0 { throw problem(pointer, "`multipleOf` is not above zero", "write a positive number") }
        return number
    }

    // MARK: - References

    /// A definition that leads back to itself could be followed for ever.
    func checkReferences(from root: SchemaNode, in definitions: [String: SchemaNode]) throws(SchemaProblem) {
        var open: [String] = []
        var done: Set<String> = []
        func visit(_ node: SchemaNode) throws(SchemaProblem) {
            if let name = node.reference, !done.contains(name) {
                if open.contains(name) {
                    throw problem("/$defs/\(name)", "`\(name)` refers to itself", "write out as many levels as are used")
                }
                open.append(name)
                if let target = definitions[name] { try visit(target) }
                open.removeLast()
                done.insert(name)
            }
            for part in node.parts { try visit(part) }
        }
        try visit(root)
        for node in definitions.values { try visit(node) }
    }

    private func problem(_ pointer: String, _ message: String, _ mend: String) -> SchemaProblem {
        SchemaProblem(pointer: pointer, message: message, mend: mend)
    }
}
