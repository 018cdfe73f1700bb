package import StrictJSON

/// What a tool wrote, in a report.
///
/// `text`, or `base64` when it is no UTF-8, holds everything when `cut_bytes` is 0; otherwise it holds the head, and `tail_text`
/// or `tail_base64` what came after the cut.
package enum CapturedOutputJSON {
    package static func value(_ output: CapturedOutput) -> JSONValue {
        var members: [JSONMember] = []
        var head = output.head[...]
        var tail = output.tail[...]
        let kept = UInt64(head.count) + UInt64(tail.count)
        if output.totalBytes <= kept {
            members.append(member(Array(head + tail), ""))
        } else {
            // The cut may go through a character: its pieces count as cut.
            head = head.dropLast(brokenEnd(head))
            tail = tail.dropFirst(min(3, tail.prefix { $0 & 0xC0 == 0x80 }.count))
            members.append(member(Array(head), ""))
            members.append(member(Array(tail), "tail_"))
        }
        let shown = UInt64(head.count) + UInt64(tail.count)
        members.append(JSONMember("cut_bytes", .unsigned(output.totalBytes > shown ? output.totalBytes - shown : 0)))
        members.append(JSONMember("total_bytes", .unsigned(output.totalBytes)))
        return .object(members)
    }

    private static func member(_ bytes: [UInt8], _ prefix: String) -> JSONMember {
        if let text = String(validating: bytes, as: UTF8.self) { return JSONMember(prefix + "text", .string(text)) }
        return JSONMember(prefix + "base64", .string(base64(bytes)))
    }

    /// Bytes at the end that begin a character and do not complete it.
    private static func brokenEnd(_ bytes: ArraySlice<UInt8>) -> Int {
        for (offset, byte) in bytes.suffix(3).reversed().enumerated() where byte & 0xC0 != 0x80 {
            let needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return needed > offset + 1 ? offset + 1 : 0
        }
        return 0
    }

    /// RFC 4648, section 4.
    package static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let piece = bytes[start..<min(start + 3, bytes.count)]
            var word: UInt32 = 0
            for (offset, byte) in piece.enumerated() { word |= UInt32(byte) << UInt32(16 - 8 * offset) }
            for place in 0..<4 {
                result.append(place <= piece.count ? alphabet[Int(word >> UInt32(18 - 6 * place) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
