internal import LibOSModel
internal import StrictJSON

/// An action as a model selected it, with what records say of the answer that it came in.
struct Selection: Sendable {
    var action: ModelAction
    var contentPreview: String
    var toolCallCount: Int64
}

/// How an action came back to be done: records say so.
enum Resumption: Sendable {
    case none
    case afterHuman(HumanRequestID?)
    case afterChild
    case afterMessage

    var request: HumanRequestID? { if case .afterHuman(let id) = self { id } else { nil } }
    var isResumed: Bool { if case .none = self { false } else { true } }

    /// The flags of the outer payload. A child's end leaves none, as in the reference.
    var flags: [JSONMember] {
        switch self {
        case .afterHuman: [JSONMember("resumed_after_human", .bool(true))]
        case .afterMessage: [JSONMember("resumed_after_message", .bool(true))]
        case .none, .afterChild: []
        }
    }
}

extension WaitState {
    /// What a quantum that ends in this wait returns.
    func payload(of process: ProcessID) -> JSONValue {
        switch self {
        case .human(let ids):
            .object(["ok": .bool(false), "waiting_human": .bool(true), "request_id": .optional(ids.map(\.text).min())])
        case .child(let child): .object(["ok": .bool(false), "waiting_event": .bool(true), "child_pid": .string(child.text)])
        case .message(let filter): .object(["ok": .bool(false), "waiting_message": .bool(true), "filters": filter.record])
        }
    }

    var auditAction: String {
        switch self {
        case .human: "llm.action_waiting_human"
        case .child: "llm.action_waiting_child"
        case .message: "llm.action_waiting_message"
        }
    }

    func auditTarget(of process: ProcessID) -> String {
        switch self {
        case .human(let ids): "human_request:\(ids.map(\.text).min() ?? "")"
        case .child(let child): "process:\(child)"
        case .message: "process:\(process)"
        }
    }

    /// The wait's own keys in an audit record.
    var auditKeys: [JSONMember] {
        switch self {
        case .human(let ids): [JSONMember("request_id", .optional(ids.map(\.text).min()))]
        case .child(let child): [JSONMember("child_pid", .string(child.text))]
        case .message(let filter): [JSONMember("filters", filter.record)]
        }
    }

    var message: String {
        switch self {
        case .human(let ids): "waiting for a decision on \(ids.map(\.text).sorted().joined(separator: ", "))"
        case .child(let child): "waiting for the end of \(child)"
        case .message: "waiting for a message"
        }
    }
}
