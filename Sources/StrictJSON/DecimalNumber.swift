/// The number that a spelling says, exactly: to tell whether a Double that was read from it is still the same.
struct DecimalNumber: Equatable {
    private var isNegative = false
    /// Without zeros at either end; empty for zero.
    private var digits: [UInt8] = []
    /// Places from the point to the first of them: 0.5 has 0, 5 has 1.
    private var magnitude = 0

    /// - Parameter spelling: a number as JSON or Swift writes it; nil for an exponent that nobody means.
    init?(_ spelling: some Collection<UInt8>) {
        var exponent = 0
        var isWhole = true
        var rest = spelling[...]
        if rest.first == UInt8(ascii: "-") {
            isNegative = true
            rest = rest.dropFirst()
        }
        if let place = rest.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
            let text = String(decoding: rest[rest.index(after: place)...], as: UTF8.self)
            guard let given = Int(text), given.magnitude < 1_000_000 else { return nil }
            exponent = given
            rest = rest[..<place]
        }
        for byte in rest {
            if byte == UInt8(ascii: ".") {
                isWhole = false
                continue
            }
            if digits.isEmpty, byte == UInt8(ascii: "0") {
                if !isWhole { magnitude -= 1 }
                continue
            }
            digits.append(byte)
            if isWhole { magnitude += 1 }
        }
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        if digits.isEmpty { (isNegative, magnitude) = (false, 0) } else { magnitude += exponent }
    }

    /// Whether a Double, which is written with as many digits as tell it from every other, says this number.
    static func isKept(_ spelling: some Collection<UInt8>, as number: Double) -> Bool {
        guard let said = DecimalNumber(spelling) else { return false }
        return said == DecimalNumber(Array("\(number)".utf8))
    }
}
