internal import CapabilityBroker
internal import CapabilityLanguage
package import LibOSModel
package import StrictJSON

/// What processes tell and ask people. A question that blocks puts its process into a wait in the same transaction; a decision,
/// whichever it is, lets it go on: nobody waits for ever because of a no.
package struct HumanQueue: Sendable {
    let authority: Authority

    package init(authority: Authority) { self.authority = authority }

    package static let standardHuman = "owner"
    /// The only channel of output there is.
    package static let channel = "terminal"
    /// Bytes of a question, a reason or an output.
    package static let longestText = 65_536
    /// Seconds within which an approval may be given. How long a given one stands is the broker's.
    package static let approvalLifetime: Double = 3_600
    /// Actions of one process that people are asked about at the same time. Nobody reads more of them, and each one more makes all later
    /// ones dearer to compare.
    package static let mostOpenApprovals = 64
}

extension HumanQueue {
    /// Asks a question. Needs write on `human:<name>`. The process waits for the answer.
    package func ask(
        _ text: String, context: JSONValue = .object([]), human: String = standardHuman, by origin: ActionOrigin,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> HumanRequest {
        try authority.require([.write], on: try .human(human), for: origin, in: transaction)
        try Self.check(text, what: "question")
        try Self.check(context.canonicalText, what: "context")
        return try put(.question(text: text, context: context), to: human, from: origin.process, expiresAt: nil, in: transaction)
    }

    /// Asks for authority from now on, for the asking process and nobody else. Needs write on `human:<name>`. Scopes that no
    /// process should ask for are refused: people grant those themselves.
    package func requestPermission(
        _ permission: PermissionRequest, reason: String, human: String = standardHuman, by origin: ActionOrigin,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> HumanRequest {
        try authority.require([.write], on: try .human(human), for: origin, in: transaction)
        try Self.check(reason, what: "reason")
        if let denial = PermissionBreadth.denial(of: permission) { throw .denied(denial) }
        let rights = CapabilityRight.inOrder(permission.rights).map(\.rawValue).joined(separator: ", ")
        let question = "Process \(origin.process) asks for \(rights) on \(permission.resource)."
        return try put(
            .permission(permission, question: question, reason: reason), to: human, from: origin.process, expiresAt: nil, in: transaction)
    }

    /// Puts one action before a person, bound by its hash. The broker decided that it must be asked for, so the process needs no
    /// authority for the question. Beyond `mostOpenApprovals` of the process it is denied.
    package func requestApproval(
        _ approval: ApprovalRequest, human: String = standardHuman, of process: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> HumanRequest {
        // The same action asked for again, before it is decided, is the same question.
        let pending = try transaction.humanRequests(status: .pending, process: process)
        var open = 0
        for request in pending {
            guard case .approval(let asked, _) = request.content, !request.isExpired(at: transaction.now) else { continue }
            open += 1
            guard Self.areOne(asked, approval) else { continue }
            try transaction.beginWait(.human([request.id]), of: process)
            return request
        }
        guard open < Self.mostOpenApprovals else { throw .denied(Self.tooManyOpen) }
        // What nobody has looked at in time is not read over and over.
        if pending.count >= Self.mostOpenApprovals { try expireOverdue(in: transaction) }
        let question = "Process \(process) asks to do \(approval.tool) once."
        return try put(
            .approval(approval, question: question), to: human, from: process,
            expiresAt: transaction.now.adding(seconds: Self.approvalLifetime), in: transaction)
    }

    private static let tooManyOpen = Denial(
        layer: .human, rule: "open-questions",
        reason: "a person would have to agree to it, and \(mostOpenApprovals) questions of this process wait for an answer already",
        suggestion: "have the user answer them (`glovebox human list`), and then do it again")

    /// Whether both are about one action. Whoever wants it asked by now, and in whatever order an object's members were written: a store
    /// keeps them in its own.
    private static func areOne(_ a: ApprovalRequest, _ b: ApprovalRequest) -> Bool {
        func same(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }
        return same(a.actionHash, b.actionHash) && same(a.tool, b.tool) && same(a.policyHash, b.policyHash) && a.needs == b.needs
            && same(a.arguments.canonicalText, b.arguments.canonicalText) && same(a.facts.canonicalText, b.facts.canonicalText)
    }

    /// Tells a person something. Needs write on `human:<name>`. Delivered at once; the event and audit records hold its length,
    /// never its words.
    package func output(
        _ message: String, human: String = standardHuman, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> HumanRequest {
        try authority.require([.write], on: try .human(human), for: origin, in: transaction)
        try Self.check(message, what: "message")
        let request = HumanRequest(
            process: origin.process, human: human, content: .output(message: message, channel: Self.channel), status: .delivered,
            isBlocking: false, createdAt: transaction.now)
        try transaction.insert(request)
        let facts: JSONValue = .object([
            "request_id": .string(request.id.text), "channel": .string(Self.channel), "chars": .int(Int64(message.count)),
        ])
        try transaction.emit(.humanOutput, from: origin.process.text, to: "human:\(human)", facts)
        try transaction.audit("human.output", by: origin.process.text, target: "human:\(human)", facts)
        return request
    }

    /// Requests that wait for a decision, oldest first. Those whose time is over are closed first, so that nobody decides them.
    package func pending(human: String? = nil, in transaction: any StoreTransaction) throws(LibOSError) -> [HumanRequest] {
        try expireOverdue(in: transaction)
        return try transaction.humanRequests(status: .pending, process: nil).filter { human == nil || $0.human == human }
    }

    private func put(
        _ content: HumanRequest.Content, to human: String, from process: ProcessID, expiresAt: Timestamp?,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> HumanRequest {
        try transaction.existingProcess(process).requireAlive(to: "ask a person")
        let request = HumanRequest(
            process: process, human: human, content: content, expiresAt: expiresAt, createdAt: transaction.now)
        try transaction.insert(request)
        try transaction.beginWait(.human([request.id]), of: process)
        let facts: JSONValue = .object([
            "request_id": .string(request.id.text), "request": request.content.json(subject: process), "blocking": .bool(true),
        ])
        try transaction.emit(.humanQuery, from: process.text, to: "human:\(human)", facts)
        try transaction.audit("human.query", by: process.text, target: "human_request:\(request.id)", facts)
        return request
    }

    private static func check(_ text: String, what: String) throws(LibOSError) {
        guard text.utf8.count <= longestText else {
            throw LibOSError(.validation, "the \(what) is longer than \(longestText) bytes", mend: "say it shorter")
        }
    }
}

extension HumanRequest {
    func isExpired(at instant: Timestamp) -> Bool { expiresAt.map { $0 <= instant } ?? false }
}
