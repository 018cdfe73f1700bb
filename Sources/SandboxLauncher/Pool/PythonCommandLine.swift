/// A command line of `python3`, as far as the interpreter's own options go: what a start-up reads, and not what is run.
struct PythonCommandLine: Sendable, Equatable {
    /// As they were written, without the program and without what is run.
    let options: [String]
    /// One of them takes away the directory of the user's own packages (-s, -I).
    let hasNoUserSite: Bool

    /// Options of one letter without a value that a start-up alone depends on, and that say nothing and ask nothing.
    private static let letters: Set<UInt8> = Set("bBdEIOPqsSux".utf8)
    /// `-X` of these names changes nothing but the interpreter itself.
    private static let features: Set<String> = [
        "dev", "faulthandler", "frozen_modules", "int_max_str_digits", "no_debug_ranges", "tracemalloc", "utf8",
        "warn_default_encoding",
    ]

    /// Nil for a line that an interpreter which has started already could not serve, or that is not understood here.
    ///
    /// - Parameter words: argv.
    init?(_ words: [String]) {
        var rest = words.dropFirst()
        var options: [String] = []
        var hasNoUserSite = false
        func take(_ word: String, takesValue: Bool) -> Bool {
            options.append(word)
            rest = rest.dropFirst()
            guard takesValue else { return true }
            guard let value = rest.popFirst() else { return false }
            options.append(value)
            return true
        }
        while let word = rest.first, word.utf8.first == UInt8(ascii: "-"), word.utf8.count > 1 {
            let letters = word.utf8.dropFirst()
            switch letters.first {
            case UInt8(ascii: "c"), UInt8(ascii: "m"):
                // The value may stand in the word itself; without any it is a mistake.
                guard letters.count > 1 || rest.count > 1 else { return nil }
                (self.options, self.hasNoUserSite) = (options, hasNoUserSite)
                return
            case UInt8(ascii: "W"):
                guard take(word, takesValue: letters.count == 1) else { return nil }
            case UInt8(ascii: "X"):
                let isSeparate = letters.count == 1
                let value = isSeparate ? rest.dropFirst().first ?? "" : String(decoding: letters.dropFirst(), as: UTF8.self)
                let name = value.utf8.prefix { $0 != UInt8(ascii: "=") }
                guard Self.features.contains(String(decoding: name, as: UTF8.self)), take(word, takesValue: isSeparate) else { return nil }
            case UInt8(ascii: "-"):
                guard word == "--check-hash-based-pycs", take(word, takesValue: true) else { return nil }
            default:
                guard letters.allSatisfy({ Self.letters.contains($0) }) else { return nil }
                if letters.contains(where: { $0 == UInt8(ascii: "s") || $0 == UInt8(ascii: "I") }) { hasNoUserSite = true }
                guard take(word, takesValue: false) else { return nil }
            }
        }
        (self.options, self.hasNoUserSite) = (options, hasNoUserSite)
    }
}
