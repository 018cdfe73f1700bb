internal import LibOSModel
internal import StrictJSON

extension ProcessTable {
    /// The tools that a process of this image sees. A name without a tool is recorded and left out; a process never fails because
    /// of it. What an image says it requires is a declaration: children's is recorded as passed over, and nobody is granted it.
    func toolTable(of process: AgentProcess, in transaction: any StoreTransaction) throws(LibOSError) -> [String: ToolID] {
        guard
            let image = try transaction.image(process.image) ?? BuiltInImages.named(process.image)
                ?? BuiltInImages.named(BuiltInImages.base.id)
        else { return [:] }
        var table: [String: ToolID] = [:]
        for name in image.defaultTools {
            if let tool = tools.staticTool(named: name) {
                table[name] = tool
            } else {
                try transaction.audit(
                    "image.default_tool_configure_failed", by: "runtime", target: process.id.resourceText,
                    .object(["image": .string(image.id), "tool": .string(name), "error": .string("there is no tool of this name")]))
            }
        }
        if process.parent != nil, !image.requiredCapabilities.isEmpty {
            try transaction.audit(
                "image.default_capability_skipped_for_child", by: "runtime", target: process.id.resourceText,
                .object(["image": .string(image.id), "capabilities": .strings(image.requiredCapabilities)]))
        }
        try transaction.audit(
            "process.tools.configure", by: "runtime", target: process.id.resourceText,
            .object(["image": .string(image.id), "tools": .strings(table.keys.sorted(by: utf8Precedes))]))
        return table
    }
}
