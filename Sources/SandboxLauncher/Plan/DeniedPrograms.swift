internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// Finds the files of programs that a policy refuses, wherever the sandbox could run them: the kernel compares files, so neither
/// PATH nor another name of the same file may lead around a rule.
///
/// A bare name costs a walk through every tree that may be executed, at each launch; an absolute path costs one look, and a walk
/// only when its file has further names.
enum DeniedPrograms {
    /// Names in all trees together. A tree beyond this is refused: what was not looked at cannot be told to be free of the program.
    static let mostEntries = 4_000_000

    static func find(_ denials: [ProgramDenial], within grants: [SandboxPlan.ResolvedGrant]) throws(LaunchError) -> [PathDenial] {
        if denials.isEmpty { return [] }
        let places = outermost(grants.filter { $0.rule != nil && $0.rights.contains(.execute) })
        var found = Search()
        for (index, denial) in denials.enumerated() where denial.path != nil { found.add(denial.path ?? "", of: index, isNamed: true) }
        let names = denials.indices.filter { denials[$0].path == nil }
        if !names.isEmpty {
            var walk = ProgramWalk(names: names.map { (denials[$0].name, $0) }, denials)
            try walk.walk(places) { path, index in found.add(path, of: index, isNamed: true) }
        }
        if !found.linked.isEmpty {
            var walk = ProgramWalk(inodes: found.linked, denials)
            try walk.walk(places) { path, index in found.add(path, of: index, isNamed: false) }
        }
        return found.paths.map { PathDenial(path: $0.path, subtree: true, rights: .all, rule: denials[$0.denial].rule) }
    }

    /// Grants that lie in others are walked with them.
    private static func outermost(_ grants: [SandboxPlan.ResolvedGrant]) -> [String] {
        var kept: [String] = []
        // By bytes: to Swift two spellings of one letter are equal, to the kernel they are two names.
        for path in grants.map({ $0.path }).sorted(by: { $0.precedesAsPath($1) }) where !kept.contains(where: { path.isAtOrBelow($0) }) {
            kept.append(path)
        }
        return kept
    }

    private struct Search {
        var paths: [(path: String, denial: Int)] = []
        /// Files with more than one name, by inode; file systems number their inodes alike.
        var linked: [UInt64: [(device: UInt64, denial: Int)]] = [:]
        private var seen: Set<[UInt8]> = []

        mutating func add(_ path: String, of denial: Int, isNamed: Bool) {
            guard let identity = try? FileIdentity.of(path: path), !identity.isDirectory else { return }
            var denial = denial
            let known = linked[identity.inode, default: []].first { $0.device == identity.device }
            if !isNamed {
                guard let known else { return }
                denial = known.denial
            }
            guard seen.insert(Array(path.utf8)).inserted else { return }
            paths.append((path, denial))
            if identity.links > 1, known == nil { linked[identity.inode, default: []].append((identity.device, denial)) }
        }
    }
}

/// One pass over trees, for names or for inodes. Links are met and not followed: what they lead to is denied with them. Paths are
/// bytes, since a name on the way need not be text.
private struct ProgramWalk {
    private let denials: [ProgramDenial]
    private var names: [(bytes: [CChar], denial: Int)] = []
    private var inodes: [UInt64: [(device: UInt64, denial: Int)]] = [:]
    private var left = DeniedPrograms.mostEntries

    init(names: [(String, Int)], _ denials: [ProgramDenial]) {
        self.denials = denials
        self.names = names.map { (Array($0.0.utf8CString), $0.1) }
    }

    init(inodes: [UInt64: [(device: UInt64, denial: Int)]], _ denials: [ProgramDenial]) {
        self.denials = denials
        self.inodes = inodes
    }

    mutating func walk(_ places: [String], _ found: (String, Int) -> Void) throws(LaunchError) {
        var pending: [[CChar]] = []
        for place in places {
            let path = Array(place.utf8CString)
            // A grant may be one file.
            guard let identity = identity(path) else { continue }
            if identity.isDirectory {
                pending.append(path)
            } else if let denial = match(Array(place.lastPathComponent.utf8CString), identity.inode) {
                try visit(path, denial, found)
            }
        }
        while let directory = pending.popLast() { try list(directory, &pending, found) }
    }

    private mutating func list(
        _ directory: [CChar], _ pending: inout [[CChar]], _ found: (String, Int) -> Void
    ) throws(LaunchError) {
        guard let stream = opendir(directory) else {
            switch errno {
            case ENOENT, ENOTDIR: return // gone since
            case EACCES: break
            case let error: throw unreadable(directory, error)
            }
            // Names in a directory that cannot be listed may still be known to the tool.
            for name in names {
                let path = Self.path(directory, name.bytes)
                if identity(path) != nil { try visit(path, name.denial, found) }
            }
            return
        }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw unreadable(directory, errno) }
                return
            }
            left -= 1
            guard left > 0 else {
                throw LaunchError(
                    .tooLarge, "there are too many files to look for the programs that `\(denials.first?.rule.text ?? "")` denies",
                    mend: "deny them by absolute paths, or grant less to be executed")
            }
            let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 0
            let name = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
            let type = Int(entry.pointee.d_type)
            if name[0] == 0x2E, name[1] == 0 || name[1] == 0x2E && name[2] == 0 { continue }
            let denial = match(name, UInt64(entry.pointee.d_ino))
            guard denial != nil || type == DT_DIR || type == DT_UNKNOWN else { continue }
            let path = Self.path(directory, Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1)))
            if let denial { try visit(path, denial, found) }
            if type == DT_DIR || type == DT_UNKNOWN && identity(path)?.isDirectory == true { pending.append(path) }
        }
    }

    /// Both end in NUL.
    private static func path(_ directory: [CChar], _ name: [CChar]) -> [CChar] { directory.dropLast() + [0x2F] + name }

    private func identity(_ path: [CChar]) -> FileIdentity? {
        guard let found = try? FileIdentity.ifPresent(name: path, at: AT_FDCWD) else { return nil }
        return found
    }

    private func visit(_ path: [CChar], _ denial: Int, _ found: (String, Int) -> Void) throws(LaunchError) {
        guard let text = String(validating: path.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self) else {
            throw LaunchError(
                .path, "\(denials[denial].rule.location): \(denials[denial].name) is denied, and one lies under a name that is not UTF-8",
                mend: "rename it, or grant less to be executed")
        }
        if !denials[denial].except.contains(where: { $0.isSamePath(as: text) }) { found(text, denial) }
    }

    private func unreadable(_ directory: [CChar], _ error: Int32) -> LaunchError {
        let path = TerminalText.cleaned(String(decoding: directory.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
        let symbol = SystemError(errno: error, operation: "readdir").symbol
        return LaunchError(
            .path, "\(path) cannot be searched for the programs that `\(denials.first?.rule.text ?? "")` denies (\(symbol))",
            mend: "deny them by absolute paths, or grant less to be executed")
    }

    private func match(_ name: UnsafePointer<CChar>, _ inode: UInt64) -> Int? {
        if let wanted = inodes[inode]?.first { return wanted.denial }
        return names.first { strcmp($0.bytes, name) == 0 }?.denial
    }
}
