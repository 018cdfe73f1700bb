/// The tables of a TOML text while it is read: what defines a table first decides who may add to it.
struct TOMLTables {
    private enum Kind {
        /// The beginning of another table's name.
        case implied
        case header
        /// Made by a dotted key.
        case dotted
        /// Tables under `[[…]]`.
        case list
        case value(PlacedMember)
    }

    private struct Node {
        var kind: Kind
        var key: String
        /// Places in `nodes`, in the order of the text.
        var children: [Int] = []
        var places: [[UInt8]: Int] = [:]
    }

    private var nodes = [Node(kind: .header, key: "")]
    private var current = 0

    /// A header. Gives what is wrong with it.
    mutating func open(_ path: [String], isList: Bool) -> String? {
        var at = 0
        for part in path.dropLast() {
            guard let found = child(part, of: at) else {
                at = add(part, .implied, to: at)
                continue
            }
            switch nodes[found].kind {
            case .value: return "`\(part)` is a value, and no table"
            case .list: at = nodes[found].children[nodes[found].children.count - 1]
            case .implied, .header, .dotted: at = found
            }
        }
        let last = path[path.count - 1]
        guard let found = child(last, of: at) else {
            let made = add(last, isList ? .list : .header, to: at)
            current = isList ? append(to: made) : made
            return nil
        }
        switch nodes[found].kind {
        case .list where isList: current = append(to: found)
        case .implied where !isList:
            nodes[found].kind = .header
            current = found
        default: return "the table `\(path.joined(separator: "."))` is there twice"
        }
        return nil
    }

    /// A key with its value, in the table of the last header. Gives what is wrong with it.
    mutating func assign(_ path: [String], _ member: PlacedMember) -> String? {
        var at = current
        for part in path.dropLast() {
            guard let found = child(part, of: at) else {
                at = add(part, .dotted, to: at)
                continue
            }
            guard case .dotted = nodes[found].kind else { return "`\(part)` is defined elsewhere, and a dotted key cannot add to it" }
            at = found
        }
        guard child(path[path.count - 1], of: at) == nil else { return "the key `\(path.joined(separator: "."))` is there twice" }
        _ = add(path[path.count - 1], .value(member), to: at)
        return nil
    }

    func root() -> PlacedValue { PlacedValue(.table(members(of: 0)), 0..<0) }

    private func members(of node: Int) -> [PlacedMember] {
        nodes[node].children.map { child in
            if case .value(let member) = nodes[child].kind { return member }
            let content: PlacedValue.Content
            if case .list = nodes[child].kind {
                content = .list(nodes[child].children.map { PlacedValue(.table(members(of: $0)), 0..<0) })
            } else {
                content = .table(members(of: child))
            }
            return PlacedMember(
                key: nodes[child].key, keySpan: 0..<0, prefixSpan: 0..<0, value: PlacedValue(content, 0..<0), isInline: false)
        }
    }

    private func child(_ key: String, of node: Int) -> Int? { nodes[node].places[Array(key.utf8)] }

    private mutating func add(_ key: String, _ kind: Kind, to node: Int) -> Int {
        nodes.append(Node(kind: kind, key: key))
        nodes[node].children.append(nodes.count - 1)
        nodes[node].places[Array(key.utf8)] = nodes.count - 1
        return nodes.count - 1
    }

    private mutating func append(to list: Int) -> Int {
        nodes.append(Node(kind: .header, key: ""))
        nodes[list].children.append(nodes.count - 1)
        return nodes.count - 1
    }
}
