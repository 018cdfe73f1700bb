internal import CLaunchABI
internal import Glibc

/// Lays a launch spec out as `launch_spec.h` wants it: header, records, then all strings.
struct LaunchSpecEncoder {
    private var strings: [UInt8] = []
    private var body: [UInt8] = []

    static func encode(_ spec: LaunchSpec) throws(LaunchError) -> [UInt8] {
        var encoder = LaunchSpecEncoder()
        return try encoder.bytes(of: spec)
    }

    private static let headerSize = MemoryLayout<gb_spec>.size

    private mutating func bytes(of spec: LaunchSpec) throws(LaunchError) -> [UInt8] {
        strings.reserveCapacity(2048)
        body.reserveCapacity(
            spec.mounts.count * MemoryLayout<gb_mount>.size + spec.pathRules.count * MemoryLayout<gb_path_rule>.size
                + spec.resourceLimits.count * MemoryLayout<gb_rlimit>.size + spec.filter.count
                + (spec.arguments.count + spec.environment.count) * 4)
        var header = gb_spec()
        header.magic = UInt32(GB_SPEC_MAGIC)
        header.version = UInt32(GB_SPEC_VERSION)
        header.flags = spec.flags.rawValue
        _ = try offset(of: "")
        var mounts: [gb_mount] = []
        for mount in spec.mounts { mounts.append(try record(mount)) }
        var rules: [gb_path_rule] = []
        for rule in spec.pathRules {
            let flags = rule.optional ? GB_PATH_RULE_OPTIONAL.rawValue : 0
            rules.append(gb_path_rule(access: rule.access, path: try offset(of: rule.path), flags: flags))
        }
        header.mounts = append(mounts)
        header.path_rules = append(rules)
        header.rlimits = append(spec.resourceLimits.map { gb_rlimit(resource: $0.resource, reserved: 0, soft: $0.soft, hard: $0.hard) })
        let filterAt = position
        body += spec.filter
        header.filter = gb_section(offset: filterAt, count: UInt32(spec.filter.count))
        // Records of four bytes last: everything before them keeps its alignment of eight.
        header.argv = append(try offsets(of: spec.arguments))
        header.envp = append(try offsets(of: spec.environment))
        header.working_directory = try offset(of: spec.workingDirectory)
        header.hostname = try offset(of: spec.hostname)
        header.search_path = try offset(of: spec.searchPath)
        header.inner_uid = spec.innerID
        header.inner_gid = spec.innerID
        header.outer_uid = spec.outerUser
        header.outer_gid = spec.outerGroup
        header.landlock_abi = spec.landlock.abi
        header.handled_fs = spec.landlock.handledFiles
        header.handled_net = spec.landlock.handledNetwork
        header.scoped = spec.landlock.scoped
        header.root_size = spec.rootBytes
        header.root_inodes = spec.rootInodes
        header.exec_page = spec.execPage
        header.template_count = spec.templateCount
        header.template_key = spec.templateKey
        header.strings = gb_section(offset: position, count: UInt32(strings.count))
        header.size = position + UInt32(strings.count)
        guard header.size <= UInt32(GB_SPEC_MAX) else {
            throw LaunchError(
                .tooLarge, "the command line and environment need \(header.size) bytes; the kernel takes about 2 MiB",
                mend: "pass large data on standard input or in a file")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(header.size))
        withUnsafeBytes(of: header) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: body)
        bytes.append(contentsOf: strings)
        return bytes
    }

    private var position: UInt32 { UInt32(Self.headerSize + body.count) }

    private mutating func append<Record>(_ records: [Record]) -> gb_section {
        let at = position
        records.withUnsafeBytes { body += $0 }
        return gb_section(offset: at, count: UInt32(records.count))
    }

    private mutating func offsets(of texts: [String]) throws(LaunchError) -> [UInt32] {
        var result: [UInt32] = []
        for text in texts { result.append(try offset(of: text)) }
        return result
    }

    private mutating func offset(of text: String) throws(LaunchError) -> UInt32 {
        let at = UInt32(strings.count)
        var text = text
        let isWhole = text.withUTF8 { bytes in
            strings.append(contentsOf: bytes)
            guard let start = bytes.baseAddress else { return true }
            return memchr(start, 0, bytes.count) == nil
        }
        guard isWhole else {
            throw LaunchError(
                .malformed, "an argument, variable or path holds a NUL byte, which no program could receive",
                mend: "remove the NUL byte")
        }
        strings.append(0)
        return at
    }

    private mutating func record(_ mount: MountEntry) throws(LaunchError) -> gb_mount {
        var record = gb_mount()
        record.target = try offset(of: mount.target)
        if mount.readOnly { record.flags |= GB_MOUNT_RDONLY.rawValue }
        if mount.noExec { record.flags |= GB_MOUNT_NOEXEC.rawValue }
        if mount.device { record.flags |= GB_MOUNT_DEVICE.rawValue }
        switch mount.kind {
        case .directory(let mode):
            record.kind = GB_MOUNT_DIRECTORY.rawValue
            record.mode = mode
        case .file(let text, let mode):
            record.kind = GB_MOUNT_FILE.rawValue
            record.source = try offset(of: text)
            record.mode = mode
        case .symlink(let text):
            record.kind = GB_MOUNT_SYMLINK.rawValue
            record.source = try offset(of: text)
        case .bind(let source):
            record.kind = GB_MOUNT_BIND.rawValue
            record.source = try offset(of: source.path)
            record.device = source.device
            record.inode = source.inode
            if let owner = source.owner {
                record.flags |= GB_MOUNT_IDMAP.rawValue
                record.owner_uid = owner.user
                record.owner_gid = owner.group
                if owner.isShared { record.flags |= GB_MOUNT_SHARED.rawValue }
            }
        case .tmpfs(let bytes, let inodes, let mode):
            record.kind = GB_MOUNT_TMPFS.rawValue
            record.size = bytes
            record.inodes = inodes
            record.mode = mode
        case .proc: record.kind = GB_MOUNT_PROC.rawValue
        case .devpts: record.kind = GB_MOUNT_DEVPTS.rawValue
        case .mask: record.kind = GB_MOUNT_MASK.rawValue
        case .restrict: record.kind = GB_MOUNT_RESTRICT.rawValue
        }
        return record
    }
}
