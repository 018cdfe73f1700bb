internal import LibOSModel
internal import StrictJSON
internal import Synchronization

/// Canonical texts of long values that come again and again, such as the descriptions of a process's tools. Identical values have one text.
final class EncodedValues: Sendable {
    private let known = Mutex<[(value: JSONValue, text: String)]>([])
    private static let most = 16

    func text(of value: JSONValue) throws(LibOSError) -> String {
        if let text = known.withLock({ $0.first { $0.value.isIdentical(to: value) }?.text }) { return text }
        let text = try StoredJSON.text(of: value)
        known.withLock { known in
            if known.count >= Self.most { known.removeFirst() }
            known.append((value, text))
        }
        return text
    }
}
