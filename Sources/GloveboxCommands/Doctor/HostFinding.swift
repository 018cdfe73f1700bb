internal import CommandOutput
internal import SandboxPolicy
internal import StrictJSON

/// One fact about the host: what it is, what its lack costs, how to get it.
struct HostFinding: Sendable, Equatable {
    enum Status: String, Sendable {
        case ok
        /// Works, with less.
        case partial
        /// A protection or a convenience that is not there.
        case missing
        /// No sealed run works without it.
        case broken
    }

    /// Word for machines, for example `landlock`.
    var name: String
    var status: Status
    var fact: String
    /// nil when nothing is lost.
    var cost: String?
    var mend: String?

    init(_ name: String, _ status: Status, _ fact: String, cost: String? = nil, mend: String? = nil) {
        self.name = name
        self.status = status
        self.fact = fact
        self.cost = cost
        self.mend = mend
    }

    var value: JSONValue {
        .object([
            "name": .string(name), "status": .string(status.rawValue), "fact": .string(fact), "cost": .optional(cost),
            "mend": .optional(mend),
        ])
    }

    func lines(_ style: TextStyle) -> [String] {
        let colour: TextStyle.Colour = status == .ok ? .green : status == .broken ? .red : .yellow
        let word = status.rawValue + String(repeating: " ", count: max(0, 8 - status.rawValue.count))
        let label = name + String(repeating: " ", count: max(0, 19 - name.count))
        var lines = ["\(style(word, colour))\(label)\(SafeText.line(fact))"]
        let indent = String(repeating: " ", count: 27)
        if let cost { lines.append(indent + "costs: " + SafeText.line(cost)) }
        if let mend { lines.append(indent + "mend:  " + SafeText.line(mend)) }
        return lines
    }
}
