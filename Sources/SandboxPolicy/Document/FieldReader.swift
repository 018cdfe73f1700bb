package import CapabilityLanguage
package import StrictJSON

/// Gives nodes their types and collects what is wrong, so that one look at a file finds all its errors.
package struct FieldReader {
    package let fileName: String
    var errors: [PolicyError] = []

    package init(fileName: String) { self.fileName = fileName }

    package mutating func report(_ position: SourcePosition, _ message: String, _ mend: String) {
        errors.append(PolicyError(file: fileName, at: position, message: message, mend: mend))
    }

    /// What a check that knows no positions throws.
    package typealias Problem = ResourceProblem

    /// Runs a check that knows no positions.
    package mutating func attempt<Value>(_ position: SourcePosition, _ body: () throws(Problem) -> Value) -> Value? {
        do {
            return try body()
        } catch {
            report(position, error.message, error.mend)
            return nil
        }
    }

    /// The entries of a mapping, after refusing keys that are not known.
    package mutating func mapping(_ node: DocumentNode, of what: String, keys: [String]) -> [DocumentEntry] {
        guard case .mapping(let entries) = node.content else {
            report(
                node.position, "\(what) is \(node.kindName), not a mapping",
                "write `key: value`; known keys: " + keys.joined(separator: ", "))
            return []
        }
        for entry in entries where !keys.contains(entry.key) {
            report(entry.keyPosition, "`\(entry.key)` is not a key of \(what)", NearestWord.mend(for: entry.key, among: keys))
        }
        return entries
    }

    package mutating func items(_ node: DocumentNode, of what: String, most: Int) -> [DocumentNode] {
        guard case .sequence(let items) = node.content else {
            report(node.position, "`\(what)` is \(node.kindName), not a list", "write `[…]` or one `- item` in each line")
            return []
        }
        if items.count > most {
            report(node.position, "`\(what)` has \(items.count) items, \(most) are allowed", "split the policy with `extends`")
            return []
        }
        return items
    }

    /// Text that is not empty. Unquoted words are taken as they stand; an unquoted null is not text.
    package mutating func text(_ node: DocumentNode, of what: String, mayBeEmpty: Bool = false) -> String? {
        guard case .scalar(let scalar) = node.content else {
            report(node.position, "`\(what)` is \(node.kindName), not text", "write one value")
            return nil
        }
        if scalar.style == .plain, ["", "~", "null", "Null", "NULL"].contains(scalar.text) {
            report(node.position, "`\(what)` is empty", "write a value, or remove the key")
            return nil
        }
        if scalar.text.isEmpty, !mayBeEmpty {
            report(node.position, "`\(what)` is empty", "write a value, or remove the key")
            return nil
        }
        return scalar.text
    }

    /// A list of texts, each with its place.
    package mutating func texts(_ node: DocumentNode, of what: String) -> [Located<String>] {
        var result: [Located<String>] = []
        for item in items(node, of: what, most: PolicyKeys.mostNames) {
            guard let text = text(item, of: what) else { continue }
            if result.contains(where: { $0.value == text }) {
                report(item.position, "`\(text)` stands in `\(what)` twice", "keep one of them")
            } else {
                result.append(Located(text, at: item.position))
            }
        }
        return result
    }

    package mutating func boolean(_ node: DocumentNode, of what: String) -> Bool? {
        if case .scalar(let scalar) = node.content, scalar.style == .plain {
            if scalar.text == "true" { return true }
            if scalar.text == "false" { return false }
        }
        report(node.position, "`\(what)` is neither true nor false", "write true or false; yes, no, on and off are not accepted")
        return nil
    }

    /// Throws what was collected, in the order of the lines, the first as the headline.
    package func finish() throws(PolicyError) {
        let sorted = errors.enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
        }.map(\.element)
        guard var first = sorted.first else { return }
        first.others = Array(sorted.dropFirst())
        throw first
    }
}
