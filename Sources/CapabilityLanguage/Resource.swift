internal import StrictJSON

/// A typed resource or resource pattern, `kind:body`, as it stands in policies, capability records and audit rows.
///
/// Patterns form a tree: two of them are either disjoint or one lies in the other. That is what makes the subset check exact.
package struct Resource: Sendable, Hashable, CustomStringConvertible {
    package enum Extent: Sendable, Hashable {
        /// The one resource.
        case exact
        /// The resource and everything below it: a file or directory path, `kind:body/*`, or a program by its bare name.
        case tree
        /// Everything below, not the resource itself: `kind:*`, `kind:body:*`.
        case members
    }

    package var kind: ResourceKind
    /// From the widest to the narrowest: `["workspace", "src", "a"]`, `["tcp", "example.org", "443"]`.
    package var parts: [ResourcePart]
    package var extent: Extent

    package init(kind: ResourceKind, parts: [String], extent: Extent) {
        self.kind = kind
        self.parts = parts.map(ResourcePart.init)
        self.extent = extent
    }

    /// Whether every action on `other` is an action on this.
    package func covers(_ other: Resource) -> Bool {
        guard kind == other.kind else { return false }
        switch other.extent {
        case .exact: return covers(other.parts, strictlyBelow: false)
        case .members: return covers(other.parts, strictlyBelow: true)
        case .tree: return covers(other.parts, strictlyBelow: false) && covers(other.parts, strictlyBelow: true)
        }
    }

    /// Whether the pattern covers the node `path`, or a name right below it that no rule mentions.
    package func covers(_ path: [ResourcePart], strictlyBelow: Bool) -> Bool {
        guard path.count >= parts.count, path.starts(with: parts) else { return false }
        switch extent {
        case .exact: return path.count == parts.count && !strictlyBelow
        case .tree: return true
        case .members: return path.count > parts.count || strictlyBelow
        }
    }

    /// How narrow the pattern is: more parts first, then the one resource before a tree before its members.
    package var specificity: Int {
        let rank =
            switch extent {
            case .exact: 2
            case .tree: 1
            case .members: 0
            }
        return parts.count * 3 + rank
    }

    /// The normal form: equal patterns have equal text.
    package var description: String {
        let texts = parts.map(\.text)
        switch kind {
        case .filesystem:
            let below = texts.dropFirst().joined(separator: "/")
            if texts.first == "host" { return "filesystem:host:/" + below }
            return "filesystem:workspace:" + (below.isEmpty ? "*" : below)
        case .device:
            if texts.isEmpty { return "device:*" }
            return "device:/" + texts.joined(separator: "/") + (extent == .exact ? "" : "/*")
        case .shell:
            return "shell:" + (texts.last ?? "*")
        default:
            // Runtime resources keep their separators inside the parts.
            let body = kind == .network ? texts.joined(separator: ":") : texts.joined()
            switch extent {
            case .exact: return "\(kind.rawValue):\(body)"
            case .tree: return "\(kind.rawValue):\(body)/*"
            case .members: return "\(kind.rawValue):" + (body.isEmpty ? "*" : "\(body):*")
            }
        }
    }
}

/// One step of a resource. Compared byte by byte: the kernel does not unite canonically equivalent spellings of a file name.
package struct ResourcePart: Sendable, Hashable, Comparable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (a: ResourcePart, b: ResourcePart) -> Bool {
        var (a, b) = (a.text, b.text)
        return a.utf8.count == b.utf8.count && a.withUTF8 { a in b.withUTF8 { b in a.elementsEqual(b) } }
    }

    package static func < (a: ResourcePart, b: ResourcePart) -> Bool { utf8Precedes(a.text, b.text) }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0 as UInt8)
    }
}
