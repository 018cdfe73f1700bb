package import SandboxLauncher

/// What sandbox-probe says of one action: `ok [detail]` or `errno NAME [detail]`.
package enum ProbeAnswer: Equatable, Sendable, CustomStringConvertible {
    case ok(String)
    case errno(String, detail: String)
    /// No line of the probe: it did not run, or died on the way.
    case silent(String)

    package init(_ output: String) {
        let line = output.split(separator: "\n").last { $0 == "ok" || $0.hasPrefix("ok ") || $0.hasPrefix("errno ") } ?? ""
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        switch words.first {
        case "ok": self = .ok(words.dropFirst().joined(separator: " "))
        case "errno" where words.count > 1: self = .errno(words[1], detail: words.count > 2 ? words[2] : "")
        default: self = .silent(output)
        }
    }

    package var isOK: Bool { if case .ok = self { true } else { false } }
    package var detail: String? { if case .ok(let detail) = self { detail } else { nil } }
    /// The error's symbol, such as `EACCES`; nil for `ok`.
    package var error: String? { if case .errno(let name, _) = self { name } else { nil } }

    /// `ok`, or the error's symbol: what two runs of one action are compared by.
    package var verdict: String {
        switch self {
        case .ok: "ok"
        case .errno(let name, _): name
        case .silent(let text): "silent: \(text)"
        }
    }

    /// Value of `NAME=VALUE` in the detail.
    package func value(_ name: String) -> String? {
        detail?.split(separator: " ").first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
    }

    package var description: String {
        switch self {
        case .ok(let detail): "ok \(detail)"
        case .errno(let name, let detail): "errno \(name) \(detail)"
        case .silent(let text): "silent: \(text)"
        }
    }
}

extension RunReport {
    package var output: String { String(decoding: stdout.head + stdout.tail, as: UTF8.self) }
    package var errorOutput: String { String(decoding: stderr.head + stderr.tail, as: UTF8.self) }

    /// The probe's line. A run that failed says why instead.
    package var answer: ProbeAnswer {
        if stdout.totalBytes == 0 { return .silent("\(outcome) \(errorOutput)") }
        return ProbeAnswer(output)
    }

    package func violation(of syscall: String) -> Violation? { violations.first { $0.syscall == syscall } }
    package func hit(_ limit: String) -> LimitHit? { limitHits.first { $0.limit == limit } }
    package func entry(_ layer: String) -> ReceiptEntry? { receipt.first { $0.layer == layer } }
}
