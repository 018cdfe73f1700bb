/// Splits a `text/event-stream` into the data of its events (WHATWG HTML, section 9.2), bounded in every direction: what sends
/// it is a stranger.
struct EventStream {
    /// Bytes of one event's data.
    let longestEvent: Int
    private var line: [UInt8] = []
    private var data: [UInt8] = []
    private var hasData = false
    private var endedWithCR = false
    private var isFirstLine = true

    init(longestEvent: Int) { self.longestEvent = longestEvent }

    struct TooLong: Error {}

    /// Takes what arrived and returns the events that it completes.
    mutating func take(_ bytes: some Sequence<UInt8>) throws(TooLong) -> [[UInt8]] {
        var events: [[UInt8]] = []
        for byte in bytes {
            // CR, LF and CRLF each end a line.
            if byte == 0x0A, endedWithCR {
                endedWithCR = false
                continue
            }
            endedWithCR = byte == 0x0D
            if byte == 0x0A || byte == 0x0D {
                if let event = endLine() { events.append(event) }
            } else {
                line.append(byte)
                if line.count + data.count > longestEvent { throw TooLong() }
            }
        }
        return events
    }

    /// Whether something stands there that no blank line has ended: a stream that was cut.
    var hasRest: Bool { hasData || !line.isEmpty }

    private mutating func endLine() -> [UInt8]? {
        defer {
            line.removeAll(keepingCapacity: true)
            isFirstLine = false
        }
        if isFirstLine, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        if line.isEmpty {
            defer {
                data.removeAll(keepingCapacity: true)
                hasData = false
            }
            return hasData ? data : nil
        }
        let field = line.prefix { $0 != UInt8(ascii: ":") }
        guard field.elementsEqual("data".utf8) else { return nil }
        var value = line.dropFirst(field.count + 1)
        if value.first == 0x20 { value = value.dropFirst() }
        if hasData { data.append(0x0A) }
        data.append(contentsOf: value)
        hasData = true
        return nil
    }
}
