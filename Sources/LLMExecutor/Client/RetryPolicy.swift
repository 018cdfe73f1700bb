internal import LibOSModel

/// Which failures are tried again, and when.
struct RetryPolicy: Sendable {
    var retries: Int
    /// Seconds before the first retry; doubled for each further one.
    var firstDelay = 0.5
    /// Seconds between two tries at most, when the provider does not ask for more.
    var longestDelay = 8.0

    static func isTransient(status: Int) -> Bool { status == 408 || status == 409 || status == 429 || status >= 500 }

    /// Seconds to wait before the try after `attempt` (from 1); nil when it was the last. What the provider asks for counts as it is.
    func delay(after attempt: Int, asked: Double?, jitter: Double = .random(in: 0.75...1)) -> Double? {
        guard attempt <= retries else { return nil }
        if let asked { return max(0, asked) }
        var delay = firstDelay
        for _ in 1..<max(1, attempt) { delay = min(longestDelay, delay * 2) }
        return delay * jitter
    }

    /// Seconds that `Retry-After` or `retry-after-ms` ask for. Dates are read as RFC 9110 writes them.
    static func asked(milliseconds: String?, seconds: String?, now: Int64) -> Double? {
        if let milliseconds, let value = Double(milliseconds.trimmed), value >= 0, value.isFinite { return value / 1000 }
        guard let text = seconds?.trimmed else { return nil }
        if let value = Double(text), value >= 0, value.isFinite { return value }
        return HTTPDate.seconds(text).map { Double(max(0, $0 - now)) }
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7), the one form that senders may still write.
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Seconds since 1970.
    static func seconds(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", words[0].hasSuffix(","), let month = months.firstIndex(of: String(words[2])) else {
            return nil
        }
        func two(_ text: Substring) -> String { text.utf8.count == 1 ? "0\(text)" : String(text) }
        return Timestamp("\(words[3])-\(two(Substring(String(month + 1))))-\(two(words[1]))T\(words[4])Z").map {
            $0.microseconds / 1_000_000
        }
    }
}
