internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

/// What `process.fork` and `process.spawn_child` are told about the child.
enum ChildArguments {
    static func read(_ scope: SyscallScope, _ arguments: SyscallArguments) throws(LibOSError) -> ChildRequest {
        let directory = try scope.transaction.existingProcess(scope.origin.process).workingDirectory
        var inherited: [NeededRight] = []
        for (key, rights) in inheritance {
            for path in try arguments.texts(key, atMost: 256) ?? [] {
                inherited.append(NeededRight(resource: try file(path, from: directory), rights: rights))
            }
        }
        for item in try arguments.list("inherit_capabilities", atMost: 256) ?? [] {
            inherited.append(try capability(item, arguments))
        }
        return ChildRequest(
            goal: try goal(arguments), image: try arguments.text("image", longest: 128), inherited: inherited,
            budget: try budget(arguments), workingDirectory: try arguments.text("working_directory"))
    }

    private static let inheritance: KeyValuePairs<String, Set<CapabilityRight>> = [
        "inherit_read_files": [.read], "inherit_read_dirs": [.read], "inherit_write_files": [.write], "inherit_write_dirs": [.write],
    ]

    static func goal(_ arguments: SyscallArguments) throws(LibOSError) -> ProcessGoal {
        switch arguments.value("goal") {
        case .string(let text)?: .text(text)
        case .some(.object(let members)): .payload(.object(members))
        case nil: .standard
        default: throw arguments.wrong("goal", "a text or an object")
        }
    }

    private static func file(_ path: String, from directory: String) throws(LibOSError) -> Resource {
        let clean = try WorkingDirectory.clean(path, from: directory)
        return try Resource.reading("filesystem:workspace:" + (clean == "." ? "*" : clean))
    }

    private static func capability(_ item: JSONValue, _ arguments: SyscallArguments) throws(LibOSError) -> NeededRight {
        guard case .object(let members) = item, Set(members.map(\.key)) == ["resource", "rights"],
            case .string(let resource)? = item["resource"], case .array(let words)? = item["rights"]
        else { throw arguments.wrong("inherit_capabilities", "objects with `resource` and `rights`") }
        var rights: [String] = []
        for word in words {
            guard case .string(let text) = word else { throw arguments.wrong("inherit_capabilities", "rights as texts") }
            rights.append(text)
        }
        return try NeededRightText.read(resource: resource, rights: rights)
    }

    private static func budget(_ arguments: SyscallArguments) throws(LibOSError) -> ResourceBudget? {
        guard case .object(let members)? = try arguments.object("resource_budget") else { return nil }
        var budget = ResourceBudget()
        for member in members {
            guard let item = BudgetItem(rawValue: member.key), case .int(let limit) = member.value, limit >= 0 else {
                throw arguments.wrong(
                    "resource_budget", "whole numbers under " + BudgetItem.allCases.map(\.rawValue).joined(separator: ", "))
            }
            budget[item] = limit
        }
        return budget
    }
}
