internal import StrictJSON

/// Words of others for a form that a person reads: nothing in them moves the cursor, turns the reading direction or is invisible.
package enum SafeWords {
    /// Shortened, with a word about what is missing.
    package static func line(_ text: String, longest: Int) -> String {
        var result = ""
        var count = 0
        for scalar in text.unicodeScalars {
            if count == longest {
                let left = text.unicodeScalars.count - longest
                return result + "… (\(left) more characters)"
            }
            count += 1
            if isHidden(scalar) {
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value >= 0x20, scalar.value < 0x7F { return false }
        if isDangerousToPrint(scalar) { return true }
        let properties = scalar.properties
        if properties.isDefaultIgnorableCodePoint { return true }
        switch properties.generalCategory {
        case .format, .control, .privateUse, .surrogate, .unassigned, .lineSeparator, .paragraphSeparator: return true
        // A space that is none of ours looks like one.
        case .spaceSeparator: return scalar.value != 0x20
        default: return false
        }
    }
}
