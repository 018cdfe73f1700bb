internal import CapabilityBroker
internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

/// Some processes and the actions that they choose. Every effect has a name of its own, so that what is on disk says which action
/// it is of, and how often that one was done.
struct CrashScenario: Sendable {
    var name: String
    var capabilities: [CapabilityTerms]
    var budget = ResourceBudget.standard
    /// By the goal of a process, `root` for the first one. `{child}` and `{parent}` in an argument are replaced.
    var parts: [String: [Action]]

    struct Action: Sendable {
        var tool: String
        var arguments: JSONValue

        init(_ tool: String, _ arguments: KeyValuePairs<String, JSONValue> = [:]) {
            self.tool = tool
            self.arguments = .object(arguments)
        }
    }

    static func named(_ name: String) -> CrashScenario? { all.first { $0.name == name } }

    static let all = [file, command, channel, family, people, limits]

    private static func terms(
        _ resource: String, _ rights: Set<CapabilityRight>, effect: Effect = .allow, isDelegable: Bool = false, uses: Int64? = nil
    ) -> CapabilityTerms {
        guard let parsed = try? Resource.parse(resource) else { preconditionFailure("\(resource) is no resource") }
        return CapabilityTerms(resource: parsed, rights: rights, effect: effect, isDelegable: isDelegable, uses: uses)
    }

    /// A built-in file tool with a worker, and one that the broker does itself.
    private static let file = CrashScenario(
        name: "file",
        capabilities: [terms("filesystem:workspace:made.txt", [.read, .write]), terms("filesystem:workspace:old.txt", [.delete])],
        parts: [
            "root": [
                Action("write_text_file", ["path": .string("made.txt"), "text": .string("made")]),
                Action("delete_file", ["path": .string("old.txt")]), Action("process_exit", ["message": .string("done")]),
            ]
        ])

    /// A program in a sandbox under a capability that is good for one use: the second call has none left.
    private static let command = CrashScenario(
        name: "command", capabilities: [terms("filesystem:workspace:log.txt", [.read, .write], uses: 1)],
        parts: [
            "root": [
                Action("append_line", ["line": .string("first")]), Action("append_line", ["line": .string("second")]),
                Action("process_exit", ["message": .string("done")]),
            ]
        ])

    /// A worker that makes libOS calls, one of which a person answers while it waits.
    private static let channel = CrashScenario(
        name: "channel",
        capabilities: [
            terms("filesystem:workspace:nested.txt", [.read, .write]), terms("human:owner", [.write]), terms("clock:now", [.read]),
        ],
        parts: ["root": [Action("libos_calls", ["name": .string("nested.txt")]), Action("process_exit", ["message": .string("done")])]])

    /// A child that is made, told something, heard and waited for.
    private static let family = CrashScenario(
        name: "family", capabilities: [terms("process:spawn", [.execute])],
        parts: [
            "root": [
                Action("spawn_child_process", ["goal": .string("child")]),
                Action("send_process_message", ["recipient_pid": .string("{child}"), "body": .string("begin")]),
                Action("receive_process_messages", ["sender": .string("{child}")]),
                Action("wait_child_process", ["child_pid": .string("{child}")]), Action("process_exit", ["message": .string("done")]),
            ],
            "child": [
                Action("receive_process_messages", ["sender": .string("{parent}")]),
                Action("send_process_message", ["recipient_pid": .string("{parent}"), "body": .string("answer")]),
                Action("process_exit", ["payload": .string("result")]),
            ],
        ])

    /// A question, an action that a person allows and one that a person refuses.
    private static let people = CrashScenario(
        name: "people",
        capabilities: [terms("human:owner", [.write]), terms("filesystem:workspace:*", [.write, .delete], effect: .ask)],
        parts: [
            "root": [
                Action("ask_human", ["question": .string("may it begin?")]), Action("delete_file", ["path": .string("old.txt")]),
                Action("write_directory", ["path": .string("refused")]), Action("process_exit", ["message": .string("done")]),
            ]
        ])

    /// What was never granted, and budgets that end before the plan does: the child's calls, then the questions to the model.
    private static let limits = CrashScenario(
        name: "limits", capabilities: [terms("process:spawn", [.execute]), terms("clock:now", [.read], isDelegable: true)],
        budget: ResourceBudget([.toolCalls: 5, .childProcesses: 1, .modelCalls: 7, .materializedTokens: 65_536]),
        parts: [
            "root": [
                Action("write_directory", ["path": .string("refused")]),
                Action("spawn_child_process", ["goal": .string("child"), "resource_budget": .object(["max_tool_calls": .int(1)])]),
                Action("wait_child_process", ["child_pid": .string("{child}")]),
                Action("write_directory", ["path": .string("refused/again")]),
                Action("write_directory", ["path": .string("refused/more")]),
                Action("write_directory", ["path": .string("refused/most")]),
            ],
            "child": [
                Action("write_directory", ["path": .string("refused/child")]),
                Action("get_current_time"), Action("process_exit", ["message": .string("done")]),
            ],
        ])
}
