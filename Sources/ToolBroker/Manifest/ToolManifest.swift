package import LibOSModel
package import SandboxPolicy
internal import StrictJSON

/// What a tool is: what people and models see of it, what it runs, and which authority a call of it needs.
package struct ToolManifest: Sendable, Equatable {
    package var spec: ToolSpec
    package var action: Action
    /// What a call needs, as a function of its arguments.
    package var needs: [NeedTemplate]
    /// Files that a worker gets as open descriptors, instead of a file system.
    package var descriptors: [DescriptorTemplate]
    /// The libOS calls that a channel worker may make, each still decided on its own. A process's authority is not its tools': one that
    /// is talked into something by what it reads can do no more than it was written for.
    package var syscalls: Set<String>
    /// What the tool consists of on this host: its own programs and modules, absolute paths. Readable and executable in each call.
    package var files: [String]
    /// Policy that a call is confined by, before it is narrowed to the call's own grants. For calls on files it decides beside the
    /// capabilities. Nil for other syscalls.
    package var policy: String?
    /// Tighter than the policy's where given.
    package var limits: [LimitName: UInt64]
    /// Its worker can serve one call after the other; whether it may is the policy's to say.
    package var understandsSessions = false
    package var input: JSONSchema
    package var output: JSONSchema?
    /// File that it was read from, for messages.
    package var file: String

    package enum Action: Sendable, Equatable {
        /// A libOS call, no process.
        case syscall(String)
        /// stdout, stderr and exit status are the result.
        case command([WordTemplate])
        /// JSON-RPC on descriptor 3.
        case channel([WordTemplate])

        package var word: String {
            switch self {
            case .syscall: "syscall"
            case .command: "command"
            case .channel: "channel"
            }
        }
    }

    package var name: String { spec.name }

    package init(
        spec: ToolSpec, action: Action, needs: [NeedTemplate], descriptors: [DescriptorTemplate] = [],
        syscalls: Set<String> = [], files: [String] = [], policy: String?,
        limits: [LimitName: UInt64], input: JSONSchema,
        output: JSONSchema?, file: String
    ) {
        self.spec = spec
        self.action = action
        self.needs = needs
        self.descriptors = descriptors
        self.syscalls = syscalls
        self.files = files
        self.policy = policy
        self.limits = limits
        self.input = input
        self.output = output
        self.file = file
    }

    /// 1 to 128 of `A-Z a-z 0-9 _ . -`.
    package static func isName(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || "_.-".utf8.contains($0)
            }
    }
}

/// A file of the workspace that the supervisor opens for a worker.
package struct DescriptorTemplate: Sendable, Equatable {
    /// Under which the worker finds it.
    package var name: String
    /// An argument that is a path of the workspace.
    package var path: ArgumentTemplate.Place
    package var mode: Mode

    package enum Mode: String, Sendable, CaseIterable {
        case read
        /// New content that takes the file's place when the tool ended well; the file must not exist.
        case create
        /// The same; the file may exist.
        case replace
    }
}

extension JSONValue {
    /// A member whose key is this very text, byte for byte.
    func member(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key.utf8.elementsEqual(name.utf8) }?.value
    }

    func replacing(_ name: String, _ value: JSONValue) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.map { $0.key.utf8.elementsEqual(name.utf8) ? JSONMember($0.key, value) : $0 })
    }

    func adding(_ key: String, _ value: JSONValue) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members + [JSONMember(key, value)])
    }
}
