internal import SandboxPolicy
internal import StrictJSON

extension ToolManifest {
    /// What the tool does, without what is only said about it, as one text. A tool's name outlives its manifest: another program
    /// under the same name is another action.
    ///
    /// - Parameter programs: what the manifest's `files` hold, see `ProgramDigests`.
    func deed(_ programs: [String]) -> String {
        var words: [String]
        switch action {
        case .syscall(let name): words = [name]
        case .command(let templates), .channel(let templates): words = templates.map(\.template.source)
        }
        words.insert(action.word, at: 0)
        let handed = descriptors.map { JSONValue.strings([$0.name, $0.path.name, $0.mode.rawValue]) }
        let bounds = limits.map { "\($0.key.rawValue)=\($0.value)" }.sorted(by: utf8Precedes)
        var parts: [JSONValue] = [
            .strings(words), .strings(needs.map(\.source)), .array(handed), .strings(files), .strings(bounds),
            .strings(syscalls.sorted(by: utf8Precedes)), .strings(programs),
        ]
        if understandsSessions { parts.append(.string("session")) }
        return JSONValue.array(parts).canonicalText
    }
}
