package import LibOSModel

/// Who changes authority. What the runtime and people do is trusted; a process must hold the right to do it.
package enum CapabilityActor: Sendable, Hashable {
    /// A part of the runtime, for example `process.fork:pid_…`.
    case runtime(String)
    /// A person by name, at the human queue or the command line.
    case human(String)
    case process(ProcessID)

    /// As records, events and audit rows name it.
    package var text: String {
        switch self {
        case .runtime(let part): part
        case .human(let name): "human:\(name)"
        case .process(let id): id.text
        }
    }

    /// The actor whose text stands in a record or in a person's decision.
    package init(text: String) {
        if let id = ProcessID(text) {
            self = .process(id)
        } else if text.hasPrefix("human:") {
            self = .human(String(text.dropFirst("human:".count)))
        } else {
            self = .runtime(text)
        }
    }

    /// nil for the trusted ones.
    var process: ProcessID? {
        if case .process(let id) = self { id } else { nil }
    }

    /// A part of the runtime that is named like a process would let that process pass for the issuer of its records.
    func validate() throws(LibOSError) {
        guard case .runtime(let part) = self, part.isEmpty || CapabilityActor(text: part) != self else { return }
        throw LibOSError(.validation, "`\(part)` is no name of a part of the runtime", mend: "name the part: process.fork:<pid>")
    }
}
