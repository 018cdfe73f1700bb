internal import StrictJSON

/// Variables by name, in the order of their names. Two arrays of texts and no dictionary: setting up the first dictionary of a
/// program takes longer than everything that is ever looked up in this one.
package struct VariableList: Sendable, Equatable, Sequence, ExpressibleByDictionaryLiteral {
    private var names: [String] = []
    private var values: [String] = []

    package init() {}

    /// The last value of a name counts.
    package init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { self[name] = value }
    }

    /// By their bytes: Swift's own comparison of texts unites spellings that a tool tells apart.
    package static func == (a: VariableList, b: VariableList) -> Bool {
        func isSame(_ a: [String], _ b: [String]) -> Bool {
            a.count == b.count && zip(a, b).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
        }
        return isSame(a.names, b.names) && isSame(a.values, b.values)
    }

    package var isEmpty: Bool { names.isEmpty }
    package var count: Int { names.count }
    package var keys: [String] { names }

    package subscript(name: String) -> String? {
        get {
            let place = place(of: name)
            return isAt(place, name) ? values[place] : nil
        }
        set {
            let place = place(of: name)
            switch (newValue, isAt(place, name)) {
            case (let value?, true): values[place] = value
            case (let value?, false):
                names.insert(name, at: place)
                values.insert(value, at: place)
            case (nil, true):
                names.remove(at: place)
                values.remove(at: place)
            case (nil, false): break
            }
        }
    }

    /// `NAME=VALUE`, in the order of the names.
    package var assignments: [String] {
        var texts: [String] = []
        texts.reserveCapacity(names.count)
        for index in names.indices { texts.append(names[index] + "=" + values[index]) }
        return texts
    }

    /// The other's values win.
    package mutating func merge(_ other: VariableList) {
        for index in other.names.indices { self[other.names[index]] = other.values[index] }
    }

    package func filter(_ isIncluded: ((key: String, value: String)) throws -> Bool) rethrows -> VariableList {
        var kept = VariableList()
        for variable in self where try isIncluded(variable) {
            kept.names.append(variable.key)
            kept.values.append(variable.value)
        }
        return kept
    }

    package struct Iterator: IteratorProtocol {
        fileprivate let list: VariableList
        fileprivate var at = 0

        package mutating func next() -> (key: String, value: String)? {
            guard at < list.names.count else { return nil }
            defer { at += 1 }
            return (list.names[at], list.values[at])
        }
    }

    package func makeIterator() -> Iterator { Iterator(list: self) }

    /// Where a name stands, or would. Names are few, and those of a policy come in order already.
    private func place(of name: String) -> Int {
        var place = names.count
        while place > 0, !utf8Precedes(names[place - 1], name) { place -= 1 }
        return place
    }

    private func isAt(_ place: Int, _ name: String) -> Bool { place < names.count && names[place].utf8.elementsEqual(name.utf8) }
}
