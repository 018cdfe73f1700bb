package import StrictJSON

/// What a payload will roughly cost in a model's context: one token for four bytes of its text. Cheap, the same everywhere, and
/// never a real tokenizer's count.
package enum TokenEstimate {
    package static func of(_ text: String) -> Int64 { (Int64(text.utf8.count) + 3) / 4 }

    static func of(bytes: Int) -> Int64 { (Int64(bytes) + 3) / 4 }

    package static func of(_ payload: JSONValue) -> Int64 {
        if case .string(let text) = payload { return of(text) }
        return (Int64(payload.canonicalByteCount) + 3) / 4
    }
}
