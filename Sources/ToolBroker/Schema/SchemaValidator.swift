internal import CapabilityLanguage
internal import StrictJSON

/// Checks one value. The work is bounded by steps, whatever the schema combines.
struct SchemaValidator {
    let definitions: [String: SchemaNode]
    let most: Int
    private(set) var problems: [SchemaViolation] = []
    private var steps = 0
    private static let tooMuch = "takes too long to check: the schema combines too much"

    init(definitions: [String: SchemaNode], most: Int) {
        self.definitions = definitions
        self.most = most
    }

    mutating func check(_ value: JSONValue, against node: SchemaNode, at pointer: String, depth: Int) {
        guard problems.count < most else { return }
        steps += 1
        if steps > SchemaBounds.steps { return report(pointer, Self.tooMuch) }
        if depth > SchemaBounds.depth * 2 { return report(pointer, "is nested too deep") }
        if node.refusesAll { return report(pointer, "is not allowed here") }
        if let name = node.reference, let target = definitions[name] { check(value, against: target, at: pointer, depth: depth + 1) }
        if let types = node.types, !types.contains(where: { Self.matches(value, $0) }) {
            let wanted = types.map(\.rawValue).sorted().joined(separator: " or ")
            return report(pointer, "is \(Self.kind(of: value)), not \(wanted)")
        }
        if let allowed = node.allowed, !allowed.contains(where: { Self.equal($0, value) }) {
            let texts = allowed.prefix(12).map(\.canonicalText).joined(separator: ", ")
            report(pointer, allowed.count == 1 ? "is not \(texts)" : "is none of \(texts)")
        }
        switch value {
        case .string(let text): checkString(text, node, pointer)
        case .int(let number): checkNumber(Double(number), node, pointer)
        case .double(let number): checkNumber(number, node, pointer)
        case .array(let items): checkArray(items, node, pointer, depth)
        case .object(let members): checkObject(members, node, pointer, depth)
        case .null, .bool: break
        }
        checkCombinations(value, node, pointer, depth)
    }

    private mutating func checkString(_ text: String, _ node: SchemaNode, _ pointer: String) {
        guard node.length != 0...Int.max else { return }
        let count = text.unicodeScalars.count
        if count < node.length.lowerBound { report(pointer, "has \(count) characters, at least \(node.length.lowerBound) are needed") }
        if count > node.length.upperBound { report(pointer, "has \(count) characters, at most \(node.length.upperBound) are allowed") }
    }

    private mutating func checkNumber(_ number: Double, _ node: SchemaNode, _ pointer: String) {
        for bound in node.bounds {
            let value = bound.value
            let text = JSONValue.double(value).canonicalText
            switch bound.kind {
            case .minimum where number < value: report(pointer, "is less than \(text)")
            case .maximum where number > value: report(pointer, "is more than \(text)")
            case .exclusiveMinimum where number <= value: report(pointer, "is not more than \(text)")
            case .exclusiveMaximum where number >= value: report(pointer, "is not less than \(text)")
            case .multipleOf where (number / value).rounded() * value != number: report(pointer, "is no multiple of \(text)")
            default: break
            }
        }
    }

    private mutating func checkArray(_ items: [JSONValue], _ node: SchemaNode, _ pointer: String, _ depth: Int) {
        if items.count < node.itemCount.lowerBound {
            report(pointer, "has \(items.count) items, at least \(node.itemCount.lowerBound) are needed")
        }
        if items.count > node.itemCount.upperBound {
            report(pointer, "has \(items.count) items, at most \(node.itemCount.upperBound) are allowed")
        }
        if node.hasUniqueItems {
            var seen: Set<String> = []
            for (index, item) in items.enumerated() where !seen.insert(Self.comparable(item)).inserted {
                report("\(pointer)/\(index)", "stands there twice")
            }
        }
        for (index, item) in items.enumerated() {
            if index < node.prefix.count {
                check(item, against: node.prefix[index], at: "\(pointer)/\(index)", depth: depth + 1)
            } else if let rest = node.items.first {
                check(item, against: rest, at: "\(pointer)/\(index)", depth: depth + 1)
            }
        }
    }

    private mutating func checkObject(_ members: [JSONMember], _ node: SchemaNode, _ pointer: String, _ depth: Int) {
        if members.count < node.propertyCount.lowerBound {
            report(pointer, "has \(members.count) members, at least \(node.propertyCount.lowerBound) are needed")
        }
        if members.count > node.propertyCount.upperBound {
            report(pointer, "has \(members.count) members, at most \(node.propertyCount.upperBound) are allowed")
        }
        for name in node.required where !members.contains(where: { $0.key.utf8.elementsEqual(name.utf8) }) {
            report(pointer, "lacks `\(name)`")
        }
        for member in members {
            // Finding out which name was meant costs, and nobody would read it.
            if problems.count >= most { return }
            let here = pointer + "/" + Self.escaped(member.key)
            if let known = node.property(member.key) {
                check(member.value, against: known, at: here, depth: depth + 1)
            } else if let other = node.additional.first {
                if other.refusesAll {
                    report(here, "is not known; " + NearestWord.mend(for: member.key, among: node.properties.keys.sorted()))
                } else {
                    check(member.value, against: other, at: here, depth: depth + 1)
                }
            }
        }
    }

    private mutating func checkCombinations(_ value: JSONValue, _ node: SchemaNode, _ pointer: String, _ depth: Int) {
        for part in node.all { check(value, against: part, at: pointer, depth: depth + 1) }
        if !node.any.isEmpty, conforming(value, node.any, pointer, depth) == 0 { report(pointer, "conforms to none of the alternatives") }
        if !node.one.isEmpty {
            let count = conforming(value, node.one, pointer, depth)
            if count != 1 { report(pointer, "conforms to \(count) of the alternatives, not to one") }
        }
        if !node.not.isEmpty, conforming(value, node.not, pointer, depth) > 0 { report(pointer, "is what it must not be") }
    }

    private mutating func conforming(_ value: JSONValue, _ nodes: [SchemaNode], _ pointer: String, _ depth: Int) -> Int {
        var count = 0
        for node in nodes {
            var trial = SchemaValidator(definitions: definitions, most: 1)
            trial.steps = steps
            trial.check(value, against: node, at: "", depth: depth + 1)
            steps = trial.steps
            if steps > SchemaBounds.steps {
                report(pointer, Self.tooMuch) // what was not worked out must not count as `not`
                return 0
            }
            if trial.problems.isEmpty { count += 1 }
        }
        return count
    }

    private mutating func report(_ pointer: String, _ message: String) {
        if problems.count < most { problems.append(SchemaViolation(pointer: pointer, message: message)) }
    }

    // MARK: - Values

    private static func matches(_ value: JSONValue, _ type: SchemaType) -> Bool {
        switch (value, type) {
        case (.null, .null), (.bool, .boolean), (.object, .object), (.array, .array), (.string, .string), (.int, .integer): true
        case (.int, .number), (.double, .number): true
        case (.double(let number), .integer): number == number.rounded()
        default: false
        }
    }

    private static func kind(of value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "a boolean"
        case .int: "an integer"
        case .double: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// 1 and 1.0 are one number; the order of keys says nothing. Strings are compared as bytes.
    static func equal(_ a: JSONValue, _ b: JSONValue) -> Bool { comparable(a).utf8.elementsEqual(comparable(b).utf8) }

    private static func comparable(_ value: JSONValue) -> String { value.canonicalText }

    private static func escaped(_ key: String) -> String {
        var result = ""
        // A stranger's key may be as long as a frame, and stands in every message about it.
        for scalar in key.unicodeScalars.prefix(longestKey) {
            switch scalar {
            case "~": result += "~0"
            case "/": result += "~1"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return key.unicodeScalars.count > longestKey ? result + "…" : result
    }

    /// Characters of a key that messages repeat.
    private static let longestKey = 128
}
