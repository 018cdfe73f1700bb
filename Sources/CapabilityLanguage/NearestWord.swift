/// Finds the word that somebody probably meant.
package enum NearestWord {
    /// The closest of the known words, when it is close enough to be worth saying: at most a third of the letters differ.
    package static func suggestion(for word: String, among known: some Sequence<String>) -> String? {
        // A longer word is no typing slip, and comparing it would cost.
        guard word.utf8.count <= 64 else { return nil }
        var best: (word: String, distance: Int)?
        for candidate in known {
            let distance = editDistance(Array(word.lowercased().utf8), Array(candidate.lowercased().utf8))
            if distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        guard let best, best.distance <= max(1, (word.utf8.count + 1) / 3) else { return nil }
        return best.word
    }

    /// ` did you mean …?` or the list of what is known.
    package static func mend(for word: String, among known: [String]) -> String {
        if let near = suggestion(for: word, among: known) { return "did you mean `\(near)`?" }
        return "known are: " + known.joined(separator: ", ")
    }

    /// Insertions, deletions, substitutions and swaps of neighbours, each counting one.
    package static func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
                row.append(cost)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
