internal import StrictJSON

/// What a log of pytest says: how many tests ended how, and which ones failed with what.
enum PytestLog {
    private static let words = [
        "passed", "failed", "error", "errors", "skipped", "xfailed", "xpassed", "warning", "warnings", "deselected",
    ]
    private static let mostFailures = 200

    static func parse(_ call: WorkerCall) throws(WorkerFailure) -> JSONValue {
        let log = try call.text("log")
        var counts: [(String, Int64)] = []
        var duration: JSONValue = .null
        var failures: [JSONValue] = []
        for line in log.split(whereSeparator: \.isNewline) {
            if let summary = summary(line) { (counts, duration) = summary }
            if let failure = failure(line), failures.count < mostFailures { failures.append(failure) }
        }
        if counts.isEmpty, failures.isEmpty { throw WorkerFailure("validation_error", "the text is no log of pytest: it has no summary") }
        let isPassing = !counts.contains { ["failed", "errors"].contains($0.0) && $0.1 > 0 } && failures.isEmpty
        let text = counts.map { "\($0.1) \($0.0)" }.joined(separator: ", ")
        return .object([
            "data": .object([
                "passed": .bool(isPassing && !counts.isEmpty), "counts": .object(counts.map { JSONMember($0.0, .int($0.1)) }),
                "duration_seconds": duration, "failures": .array(failures),
            ]), "content": .string(text),
        ])
    }

    /// `===== 1 failed, 3 passed in 0.12s =====`; with `-q` there are no equals signs.
    private static func summary(_ line: Substring) -> ([(String, Int64)], JSONValue)? {
        let bare = line.drop { $0 == "=" || $0 == " " }.split(separator: "=").first ?? ""
        let halves = bare.split(separator: " in ", maxSplits: 1)
        guard halves.count == 2, let end = halves[1].firstIndex(of: "s"), let seconds = Double(halves[1][..<end]) else { return nil }
        var counts: [(String, Int64)] = []
        for part in halves[0].split(separator: ",") {
            let pair = part.split(separator: " ")
            guard pair.count == 2, let number = Int64(pair[0]), words.contains(String(pair[1])) else { return nil }
            let word = pair[1] == "error" ? "errors" : pair[1] == "warning" ? "warnings" : String(pair[1])
            counts.append((word, number))
        }
        return counts.isEmpty ? nil : (counts, .double(seconds))
    }

    /// `FAILED tests/test_a.py::test_b - AssertionError: …`
    private static func failure(_ line: Substring) -> JSONValue? {
        for word in ["FAILED ", "ERROR "] where line.hasPrefix(word) && line.contains("::") {
            let rest = line.dropFirst(word.count).split(separator: " - ", maxSplits: 1)
            return .object([
                "test": .string(String(rest[0])), "kind": .string(word == "FAILED " ? "failed" : "error"),
                "message": .optional(rest.count > 1 ? String(rest[1]) : nil),
            ])
        }
        return nil
    }
}
