internal import StrictJSON

/// The report of a sealed run (`glovebox.run/1`) as it was stored with its call.
enum RunReportText {
    static func lines(_ report: JSONValue) -> [String] {
        var lines: [String] = []
        if let outcome = report["outcome"] { lines.append("outcome    \(Self.outcome(outcome))") }
        if let session = report["session"], case .string(let id)? = session["id"] {
            lines.append("session    \(id), call \(session["call"]?.plainText ?? "") of one worker: \(Self.session(session))")
        }
        if let policy = report["policy"] {
            lines.append("policy     \(policy["name"]?.plainText ?? "") \(policy["hash"]?.plainText ?? "")")
        }
        if let usage = report["usage"], case .int(let wall)? = usage["wall_us"], case .int(let cpu)? = usage["cpu_us"] {
            lines.append("used       \(wall / 1_000) ms, \(cpu / 1_000) ms of CPU")
        }
        let receipt = list(report["receipt"])
        for state in ["enforced", "partial", "unavailable", "waived", "not_requested"] {
            let layers = receipt.filter { $0["state"] == .string(state) }.compactMap { $0["layer"]?.plainText }
            if !layers.isEmpty { lines.append("\(state.padded(to: 11))\(layers.joined(separator: ", "))") }
        }
        for hit in list(report["limit_hits"]) {
            lines.append("limit      \(hit["limit"]?.plainText ?? "") \(hit["value"]?.plainText ?? ""): \(hit["detail"]?.plainText ?? "")")
        }
        lines += violations(report).map { "refused    \($0)" }
        if case .int(let dropped)? = report["violations_dropped"], dropped > 0 { lines.append("refused    and \(dropped) times more") }
        return lines
    }

    /// What the sandbox refused while the tool ran.
    static func violations(_ report: JSONValue) -> [String] {
        list(report["violations"]).map { violation in
            let what = "\(violation["syscall"]?.plainText ?? "")(\(violation["arguments"]?.plainText ?? ""))"
            var text = "\(what) of \(violation["program"]?.plainText ?? ""): \(violation["reason"]?.plainText ?? "")"
            text += " [\(violation["layer"]?.plainText ?? "")"
            if case .string(let rule)? = violation["rule"] { text += ", \(rule)" }
            return text + "]"
        }
    }

    private static func session(_ session: JSONValue) -> String {
        if session["stays"] == .bool(true) { return "it stays for the next call (\(session["bounds"]?.plainText ?? ""))" }
        return "the last one, because \(session["because"]?.plainText ?? "the worker ended")"
    }

    private static func outcome(_ outcome: JSONValue) -> String {
        let kind = outcome["kind"]?.plainText ?? ""
        switch kind {
        case "exited": return "exited with \(outcome["code"]?.plainText ?? "")"
        case "cancelled": return "cancelled: ended by the supervisor"
        case "completed", "failed":
            let worker = outcome["worker"]
            // A channel tool's result ends the call, and whatever still runs of the tool.
            if worker?["kind"] == .string("stays") { return "\(kind), and its worker stays for the next call" }
            let end = worker?["kind"] == .string("ended_after_result") ? "ended by the supervisor" : worker.map(Self.outcome) ?? "gone"
            return "\(kind), and its worker then \(end)"
        default: return [kind, outcome["message"]?.plainText].compactMap { $0 }.joined(separator: ": ")
        }
    }

    private static func list(_ value: JSONValue?) -> [JSONValue] {
        if case .array(let items)? = value { items } else { [] }
    }
}
