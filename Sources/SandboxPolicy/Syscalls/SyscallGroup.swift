/// A named set of system calls: the words of `syscalls:` in a policy. Every call is in exactly one group.
package struct SyscallGroup: Sendable {
    /// `@name`
    package let name: String
    /// What the calls are for, and why allowing them is safe, or what it opens.
    package let purpose: String
    package let standing: Standing
    package let answer: Answer
    package let members: [String]

    package enum Standing: Sendable, Equatable {
        /// In both bases.
        case compute
        /// In the base `default`.
        case standard
        /// In no base; a policy may allow the group, or one of its calls, by name.
        case onRequest
        /// No policy may allow it; the text says why.
        case never(String)
    }

    /// What a call of the group answers while it is not allowed.
    package enum Answer: Sendable, Equatable {
        /// EPERM, and one row in the record of violations.
        case reported
        /// ENOSYS and no record: ordinary programs try these at start-up and go on without them, so that a record would say
        /// nothing about the tool.
        case quiet
    }

    init(_ name: String, _ standing: Standing, _ answer: Answer = .reported, purpose: String, _ members: String) {
        self.name = name
        self.standing = standing
        self.answer = answer
        self.purpose = purpose
        self.members = members.utf8.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// Whether a base profile allows the group.
    package func isIn(base: SyscallBase) -> Bool {
        switch standing {
        case .compute: true
        case .standard: base == .default
        case .onRequest, .never: false
        }
    }
}

/// The profiles that `syscalls: {base: …}` chooses from.
package enum SyscallBase: String, Sendable, CaseIterable {
    /// Comfortable for interpreters, compilers and version control.
    case `default`
    /// Files, memory, threads and time: no sockets, no new processes.
    case compute
}
