/// The libOS calls that tools can make, by the names of the reference.
package enum LibOSCall {
    /// Done by the broker itself, which holds the workspace.
    package static let files = [
        "filesystem.read_text", "filesystem.write_text", "filesystem.read_directory", "filesystem.write_directory",
        "filesystem.delete_file", "filesystem.delete_directory",
    ]
    /// Between files and memory: the broker does the file's half, the runtime the object's.
    package static let bridges = ["memory.create_object_from_file", "memory.write_object_to_file"]
    /// Done by the runtime.
    package static let runtime = [
        "memory.create_namespace", "memory.list_namespace", "memory.create_object", "memory.read_object", "memory.append_object",
        "human.ask", "human.output", "human.request_permission", "clock.now", "clock.sleep", "process.cwd", "process.chdir",
        "process.fork", "process.spawn_child", "process.wait", "process.list_children", "process.signal", "process.merge_child_memory",
        "process.send_message", "process.read_messages", "process.receive_messages", "process.exec", "process.exit",
    ]
    package static let names = files + bridges + runtime
    private static let known = Set(names)

    package static func isName(_ text: String) -> Bool { known.contains(text) && text.utf8.allSatisfy { $0 < 0x80 } }
}
