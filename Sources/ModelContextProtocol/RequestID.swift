internal import StrictJSON

/// The id of a request, by which its answer is known. Compared byte by byte: what two ids look like to Unicode says nothing.
package struct RequestID: Sendable, Hashable {
    /// Most ids are counted up, and a number costs neither memory of its own nor much hashing. One number has one canonical spelling, so
    /// that the two cases never hold the same id.
    private enum Spelling: Sendable, Hashable {
        case number(Int64)
        case other([UInt8])
    }

    private let spelling: Spelling

    /// The id as canonical JSON: `7`, `"a"`. A number beyond Int64 or with a fraction is kept as it was written.
    package var bytes: [UInt8] {
        switch spelling {
        case .number(let number): Array(String(number).utf8)
        case .other(let bytes): bytes
        }
    }

    package init(canonical bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let number = Int64(text), String(number).utf8.elementsEqual(bytes) {
            spelling = .number(number)
        } else {
            spelling = .other(bytes)
        }
    }

    package init(_ number: Int64) { spelling = .number(number) }
    package init(_ text: String) { spelling = .other(Array(JSONValue.string(text).canonicalText.utf8)) }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
}
