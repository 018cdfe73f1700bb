internal import LibOSModel
internal import StrictJSON

/// Names of objects and namespaces. A name finds things; it never gives authority.
package enum ObjectNames {
    /// Names of the accounts that models read: `llm_context:<pid>`.
    package static let accountPrefix = "llm_context:"

    /// A path-like namespace in its clean form: no empty, `.`, `..` or padded segment.
    static func namespace(_ text: String) throws(LibOSError) -> String {
        // By bytes: with a mark that combines, neither separator is a character of its own.
        let slash = UInt8(ascii: "/")
        let bytes = trimmed(text).utf8.map { $0 == UInt8(ascii: "\\") ? slash : $0 }
        let slashed = String(decoding: bytes, as: UTF8.self)
        for part in bytes.split(separator: slash, omittingEmptySubsequences: false) {
            let segment = String(decoding: part, as: UTF8.self)
            guard !segment.isEmpty, segment != ".", segment != "..", segment == trimmed(segment) else {
                throw LibOSError(.validation, "`\(printable(text))` is no namespace", mend: "write segments joined by single slashes")
            }
        }
        // A process's own namespace is `process:<pid>`; nobody makes another one that looks like it.
        guard !slashed.utf8.contains(UInt8(ascii: ":")), !slashed.utf8.contains(UInt8(ascii: "*")) else {
            throw LibOSError(.validation, "the namespace `\(printable(text))` holds `:` or `*`", mend: "leave them out")
        }
        try check(slashed, what: "namespace")
        return slashed
    }

    /// A namespace that is looked up: a path, or a process's own.
    static func existingNamespace(_ text: String) throws(LibOSError) -> String {
        if text.hasPrefix("process:"), ProcessID(String(text.dropFirst("process:".count))) != nil { return text }
        return try namespace(text)
    }

    static func parent(of namespace: String) -> String? {
        namespace.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(namespace[..<$0]) }
    }

    static func checkObjectName(_ name: String) throws(LibOSError) {
        guard !name.isEmpty, name == trimmed(name), !name.utf8.contains(UInt8(ascii: "/")), !name.utf8.contains(UInt8(ascii: "\\")) else {
            throw LibOSError(.validation, "`\(printable(name))` is no name of an object", mend: "leave out slashes and outer blanks")
        }
        try check(name, what: "name")
    }

    private static func check(_ text: String, what: String) throws(LibOSError) {
        guard text.utf8.count <= ObjectMemory.longestName, !text.unicodeScalars.contains(where: isDangerousToPrint) else {
            throw LibOSError(
                .validation, "the \(what) is longer than \(ObjectMemory.longestName) bytes or holds a character that cannot be shown",
                mend: "choose a plain one")
        }
    }

    private static func trimmed(_ text: String) -> String {
        let isBlank: (Character) -> Bool = { $0.isWhitespace }
        var rest = text[...]
        while let first = rest.first, isBlank(first) { rest.removeFirst() }
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return String(rest)
    }
}
