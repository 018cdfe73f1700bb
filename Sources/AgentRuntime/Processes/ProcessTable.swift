package import LibOSModel
package import StrictJSON

/// The life of agent processes: made, forked, replaced, waited for, signalled, ended. Every operation is one step of a
/// transaction that changes the record and tells of it.
///
/// Parents and children: whatever ends a process ends its living descendants too, each with a record that says why. Nothing that
/// was made on behalf of a process acts after it.
package struct ProcessTable: Sendable {
    let authority: Authority
    let memory: ObjectMemory
    let humans: HumanQueue
    let tools: any ToolDirectory

    package init(authority: Authority, memory: ObjectMemory, humans: HumanQueue, tools: any ToolDirectory) {
        self.authority = authority
        self.memory = memory
        self.humans = humans
        self.tools = tools
    }
}

/// Where the names of an image's tools lead.
package protocol ToolDirectory: Sendable {
    /// The tool that everybody means by this name; nil when there is none.
    func staticTool(named name: String) -> ToolID?
}

/// What a process begins with.
package enum ProcessGoal: Sendable {
    case text(String)
    case payload(JSONValue)
    /// An object that the process is given to read.
    case object(ObjectHandle)
    case standard

    static let standardText = "Follow the instructions of the image and exit when there is nothing to do."

    var payload: JSONValue? {
        switch self {
        case .text(let text): .object(["text": .string(text)])
        case .payload(let payload): payload
        case .standard: .object(["text": .string(Self.standardText)])
        case .object: nil
        }
    }
}
