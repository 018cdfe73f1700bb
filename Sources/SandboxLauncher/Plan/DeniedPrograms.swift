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
        for path in Set(grants.map(\.path)).sorted() where !kept.contains(where: { path.isAtOrBelow($0) }) { kept.append(path) }
        return kept
    }

    private struct Search {
        var paths: [(path: String, denial: Int)] = []
        /// Files with more than one name, by inode.
        var linked: [UInt64: (device: UInt64, denial: Int)] = [:]
        private var seen: Set<String> = []

        mutating func add(_ path: String, of denial: Int, isNamed: Bool) {
            guard let identity = try? FileIdentity.of(path: path), !identity.isDirectory else { return }
            if !isNamed, let wanted = linked[identity.inode], wanted.device != identity.device { return }
            guard seen.insert(path).inserted else { return }
            paths.append((path, denial))
            if identity.links > 1 { linked[identity.inode] = (identity.device, denial) }
        }
    }
}

/// One pass over trees, for names or for inodes. Links are met and not followed: what they lead to is denied with them.
private struct ProgramWalk {
    private let denials: [ProgramDenial]
    private var names: [(bytes: [CChar], denial: Int)] = []
    private var inodes: [UInt64: (device: UInt64, denial: Int)] = [:]
    private var left = DeniedPrograms.mostEntries

    init(names: [(String, Int)], _ denials: [ProgramDenial]) {
        self.denials = denials
        self.names = names.map { (Array($0.0.utf8CString), $0.1) }
    }

    init(inodes: [UInt64: (device: UInt64, denial: Int)], _ denials: [ProgramDenial]) {
        self.denials = denials
        self.inodes = inodes
    }

    mutating func walk(_ places: [String], _ found: (String, Int) -> Void) throws(LaunchError) {
        var pending: [String] = []
        for place in places {
            // A grant may be one file.
            if let identity = try? FileIdentity.of(path: place), identity.isDirectory {
                pending.append(place)
            } else {
                visit(place, place.lastPathComponent.utf8CString.withUnsafeBufferPointer { match($0.baseAddress, inode(of: place)) }, found)
            }
        }
        while let directory = pending.popLast() { try list(directory, &pending, found) }
    }

    private func inode(of path: String) -> UInt64 { (try? FileIdentity.of(path: path, followingLink: false))?.inode ?? 0 }

    private mutating func list(_ directory: String, _ pending: inout [String], _ found: (String, Int) -> Void) throws(LaunchError) {
        guard let stream = opendir(directory) else {
            // Names in a directory that cannot be listed may still be known to the tool.
            for name in names {
                let path = directory + "/" + denials[name.denial].name
                if (try? FileIdentity.of(path: path, followingLink: false)) != nil { visit(path, name.denial, found) }
            }
            return
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
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
            guard denial != nil || type == DT_DIR || type == DT_UNKNOWN, let text = String(validatingCString: name) else { continue }
            let path = directory == "/" ? "/" + text : directory + "/" + text
            visit(path, denial, found)
            if type == DT_DIR || type == DT_UNKNOWN && isDirectory(path) { pending.append(path) }
        }
    }

    private func isDirectory(_ path: String) -> Bool { (try? FileIdentity.of(path: path, followingLink: false))?.isDirectory ?? false }

    private func visit(_ path: String, _ denial: Int?, _ found: (String, Int) -> Void) {
        guard let denial, !denials[denial].except.contains(path) else { return }
        found(path, denial)
    }

    private func match(_ name: UnsafePointer<CChar>?, _ inode: UInt64) -> Int? {
        if let wanted = inodes[inode] { return wanted.denial }
        guard let name else { return nil }
        return names.first { strcmp($0.bytes, name) == 0 }?.denial
    }
}
