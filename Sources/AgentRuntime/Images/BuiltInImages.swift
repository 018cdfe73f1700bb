package import LibOSModel

/// The images that come with the runtime. What they require is said for an operator to read; it is never granted.
package enum BuiltInImages {
    package static let all = [base, coding]

    package static func named(_ id: String) -> AgentImage? { all.first { $0.id == id } }

    package static let base = AgentImage(
        id: "base-agent:v0", name: "base-agent",
        systemPrompt: "Work towards the goal with the tools that you see, one step at a time. Keep what matters in memory objects.",
        defaultTools: memoryTools + processTools + messageTools + humanTools + clockTools,
        requiredCapabilities: ["human:owner write", "clock:now read", "clock:sleep execute"])

    package static let coding = AgentImage(
        id: "coding-agent:v0", name: "coding-agent",
        systemPrompt: """
            Read the code before you change it, change as little as the goal needs, and run the tests before you say that you are \
            done. Ask a person before you do what you are not sure to be wanted.
            """,
        defaultTools: base.defaultTools + fileTools + ["run_shell_command", "parse_pytest_log"],
        contextPolicy: .errorDebug,
        requiredCapabilities: base.requiredCapabilities + ["filesystem:workspace:* read"])

    private static let memoryTools = [
        "create_memory_object", "append_memory_object", "read_memory_object", "create_memory_namespace", "list_memory_namespace",
    ]
    private static let processTools = [
        "process_exit", "exec_process", "fork_child_process", "spawn_child_process", "wait_child_process", "list_child_processes",
        "signal_child_process", "merge_child_memory", "get_working_directory", "set_working_directory",
    ]
    private static let messageTools = ["send_process_message", "read_process_messages", "receive_process_messages"]
    private static let humanTools = ["ask_human", "human_output", "request_permission"]
    private static let clockTools = ["get_current_time", "sleep"]
    private static let fileTools = [
        "read_text_file", "write_text_file", "read_directory", "write_directory", "delete_file", "delete_directory",
        "create_object_from_file", "write_object_to_file",
    ]
}

extension StoreTransaction {
    /// Stores the built-in images that are not there yet.
    package func installBuiltInImages() throws(LibOSError) {
        for image in BuiltInImages.all where try self.image(image.id) != image { try put(image) }
    }
}
