internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// Sees which files a long-lived tool opens that a reviewer should know of: a person's own, and places where secrets are kept.
///
/// What is not mounted in a sandbox is just not there, and no layer that refuses calls hears of it. A tool that looks for keys is known
/// by its looking, so a run may ask that plain opens are shown to the supervisor on their way. Nothing is decided here: such a call goes
/// on whatever it names, and everything that would confine it without this confines it all the same.
struct OpeningWatch {
    let plan: SandboxPlan
    /// The person's home directory on the host; nil when it cannot be told.
    let home: String?
    private let denied: [(path: [UInt8], denial: PathDenial)]
    private let personal: [[UInt8]]

    init(plan: SandboxPlan, denials: NameDenials, home: String? = Self.ownHome()) {
        self.plan = plan
        self.home = home
        denied = denials.real.filter { !$0.rights.isDisjoint(with: .read) }.map { (Array($0.path.utf8), $0) }
        personal = ["/root", "/home", home].compactMap { $0 }.map { Array($0.utf8) }
    }

    struct Finding: Equatable {
        var layer: String
        var answer: String
        var reason: String
        var allowedBy: String?
        var rule: String?
        /// Neither denied nor a place where secrets are kept: just not there.
        var isStray = false
    }

    /// O_CREAT, O_PATH and the part of O_TMPFILE that is not O_DIRECTORY: with one of them a call is no plain opening.
    private static let otherFlags: UInt64 = 0x40 | 0x20_0000 | 0x40_0000

    /// Where a call's path and its directory stand, when the call is a plain opening.
    static func place(_ number: Int32, _ arguments: [UInt64]) -> (path: UInt64, directory: Int32)? {
        switch number {
        case 2 where arguments[1] & otherFlags == 0: (arguments[0], AT_FDCWD) // open
        case 257 where arguments[2] & otherFlags == 0: (arguments[1], Int32(truncatingIfNeeded: arguments[0])) // openat
        default: nil
        }
    }

    /// What is to be said of opening a file; nil for what a tool may open, and for what is of nobody's interest.
    ///
    /// The name is judged as it is written, and the host is never looked at: how long this takes says nothing about what is there.
    /// Most openings are decided here on bytes: every one of them is waited for.
    func finding(_ bytes: [UInt8]) -> Finding? {
        let (denial, isPersonal) = bytes.withUnsafeBytes { raw -> (PathDenial?, Bool) in
            let denial = denied.first {
                PathBytes.isAtOrBelow(raw, $0.path, ignoringCase: true) && ($0.denial.subtree || raw.count == $0.path.count)
            }
            return (denial?.denial, personal.contains { PathBytes.isAtOrBelow(raw, $0) })
        }
        let isSecret = SecretNames.contain(bytes)
        guard denial != nil || isPersonal || isSecret else { return nil }
        let path = String(decoding: bytes, as: UTF8.self)
        if let denial {
            let because = denial.rule.because.map { " because it \($0)" } ?? ""
            return Finding(
                layer: "name-denial", answer: "EACCES", reason: "tried to open \(path), which is denied\(because)",
                allowedBy: "remove `\(denial.rule.text)` at \(denial.rule.location)", rule: denial.rule.location)
        }
        if isMounted(path) { return nil }
        if isPersonal || plan.rights(on: path).isEmpty {
            return Finding(
                layer: "mount-namespace", answer: "ENOENT",
                reason: "tried to open \(path): not in the sandbox, nothing of the host is mounted there",
                allowedBy: "capabilities: [{allow: \"filesystem:host:\(path)\", rights: [read]}]", rule: nil, isStray: !isSecret)
        }
        guard isSecret else { return nil }
        return Finding(
            layer: "mount-namespace", answer: "the sandbox's own",
            reason: "tried to open \(path): a directory of the sandbox's own, in which nothing of the person's is", allowedBy: nil,
            rule: nil)
    }

    /// Whether a grant of the policy brings it in from the host.
    private func isMounted(_ path: String) -> Bool {
        plan.grants.contains { grant in
            grant.rule != nil
                && (path.isSamePath(as: grant.path) || grant.subtree && path.isAtOrBelow(grant.path) || grant.path.isAtOrBelow(path))
        }
    }

    /// Said when a program opens files faster than they are looked at.
    static let tooFast = Finding(
        layer: "watch", answer: "not looked at",
        reason: "opened so many files in so little time that not all of them were looked at: what it opened then is not on record",
        allowedBy: nil, rule: nil)

    static let unseen = Finding(
        layer: "watch", answer: "not known", reason: "opened a file whose name cannot be seen: the program made itself unreadable",
        allowedBy: nil, rule: nil)

    /// The path without `.`, `..` and empty parts, as the letters say.
    static func absolute<Failure: Error>(
        _ path: [UInt8], from directory: () throws(Failure) -> [UInt8]
    ) throws(Failure) -> [UInt8] {
        let whole = path.first == UInt8(ascii: "/") ? path : try directory() + [UInt8(ascii: "/")] + path
        return PathBytes.isPlain(whole) ? whole : PathBytes.plain(whole)
    }

    private static func ownHome() -> String? {
        guard let value = getenv("HOME"), let text = String(validatingCString: value), text.hasPrefix("/"), text != "/", text != "/tmp"
        else { return nil }
        return text
    }
}
