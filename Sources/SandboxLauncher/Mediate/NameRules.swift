internal import Glibc
internal import SandboxPolicy

/// The policy's word on names, for calls that the supervisor carries out itself: since the kernel's rules do not bind the
/// supervisor, every right is checked here first. Paths are real ones, as the sandbox sees them.
struct NameRules {
    let plan: SandboxPlan
    let denials: NameDenials
    /// The workspace's path, the same inside and outside; nil when the run has none.
    let workspace: String?

    /// A refusal: what the tool gets, and what the record says.
    struct Refusal: Error {
        var errno: Int32
        var layer: String
        var reason: String
        var allowedBy: String?
        var rule: String?
        /// What the record shows as the call's arguments, where the registers hold a pointer only.
        var arguments: String? = nil
    }

    /// Making anything but a directory: where names below are denied, only a real directory may stand. A link or a file there
    /// (`.git` may be either) would bring the denied names in from somewhere else.
    func checkCreateLeaf(_ path: String) throws(Refusal) {
        try checkCreate(path)
        try checkNothingDeniedBelow(path)
    }

    /// Making a name: the directory must be writable, and the name not denied. A name that is denied for reading only could
    /// not be read back, so it is refused as well.
    func checkCreate(_ path: String) throws(Refusal) {
        try checkDenial(path, [.write, .read, .delete])
        // What may not be run may be written where a cover keeps it from running; without one the name is not made at all.
        if let denial = denials.denial(of: path, for: .execute), !denials.isCovered(denial) { try checkDenial(path, .execute) }
        try checkGrant(path.parentPath, .write, of: path)
    }

    /// Opening what exists.
    func checkOpen(_ path: String, rights: FileRights) throws(Refusal) {
        try checkDenial(path, rights)
        try checkGrant(path, rights, of: path)
    }

    /// Taking a name away, as the source of a rename.
    func checkRemove(_ path: String) throws(Refusal) {
        try checkDenial(path, [.delete, .write])
        try checkGrant(path.parentPath, .delete, of: path)
        try checkNothingDeniedBelow(path)
    }

    /// Moving a directory to or from a place where names below are denied would bring those names into being, or out of sight.
    func checkNothingDeniedBelow(_ path: String) throws(Refusal) {
        guard let denial = denials.denialBelow(path) else { return }
        throw Refusal(
            errno: EACCES, layer: "name-denial", reason: "names below \(path) are denied (\(denial.rule.text))", allowedBy: nil,
            rule: denial.rule.location)
    }

    /// Moving or linking must not give a file more rights than it had (Landlock's own rule for REFER: EXDEV, so that tools copy).
    func checkNotWidened(from old: String, to new: String) throws(Refusal) {
        guard plan.rights(on: new).subtracting(plan.rights(on: old)).isEmpty else {
            throw Refusal(
                errno: EXDEV, layer: "name-denial", reason: "\(new) grants more rights than \(old); a copy is possible, a move is not",
                allowedBy: nil, rule: nil)
        }
    }

    private func checkDenial(_ path: String, _ rights: FileRights) throws(Refusal) {
        guard let denial = denials.denial(of: path, for: rights) else { return }
        let because = denial.rule.because.map { " because \($0)" } ?? ""
        throw Refusal(
            errno: EACCES, layer: "name-denial", reason: "\(path) is denied\(because)",
            allowedBy: "remove `\(denial.rule.text)` at \(denial.rule.location)", rule: denial.rule.location)
    }

    private func checkGrant(_ place: String, _ rights: FileRights, of path: String) throws(Refusal) {
        guard !plan.rights(on: place).isSuperset(of: rights) else { return }
        let names = rights.names.joined(separator: ", ")
        throw Refusal(
            errno: EACCES, layer: "landlock", reason: "no grant gives \(names) on \(place)",
            allowedBy: "capabilities: [{allow: \"\(resource(place, isDirectory: !place.isSamePath(as: path)))\", rights: [\(names)]}]",
            rule: nil)
    }

    /// The smallest thing that a rule can name here. What is in the workspace is named as such: a policy is for any workspace, and a
    /// grant on the host's path would hold for this one alone.
    private func resource(_ place: String, isDirectory: Bool) -> String {
        guard let workspace, place.isAtOrBelow(workspace) else { return "filesystem:host:\(place)" }
        let below = String(decoding: place.utf8.dropFirst(workspace.utf8.count + 1), as: UTF8.self)
        if below.isEmpty { return "filesystem:workspace:*" }
        return "filesystem:workspace:\(below)" + (isDirectory ? "/*" : "")
    }
}
