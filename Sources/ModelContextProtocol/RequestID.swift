internal import StrictJSON

/// The id of a request, by which its answer is known. Compared byte by byte: what two ids look like to Unicode says nothing.
package struct RequestID: Sendable, Hashable {
    /// The id as canonical JSON: `7`, `"a"`. A number beyond Int64 or with a fraction is kept as it was written.
    package let bytes: [UInt8]

    package init(canonical bytes: [UInt8]) { self.bytes = bytes }
    package init(_ number: Int64) { bytes = Array(String(number).utf8) }
    package init(_ text: String) { bytes = Array(JSONValue.string(text).canonicalText.utf8) }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
}
