internal import LibOSModel
internal import ModelContextProtocol
package import StrictJSON
internal import Synchronization

/// What each tool of a server said of itself when it was first seen, or when somebody agreed to what it says since.
package final class ToolPins: Sendable {
    /// Keeps the pins somewhere: called with the whole content after each change, on the relay's thread. What it throws is reported by
    /// whoever saves.
    package typealias Saving = @Sendable (JSONValue) -> Void

    private struct State {
        var pinned: [[UInt8]: JSONValue] = [:]
        /// What differs from the pin, and nobody has agreed to.
        var changed: [[UInt8]: JSONValue] = [:]
    }

    private let state: Mutex<State>
    private let save: Saving

    /// Tools that are remembered of one server.
    package static let most = 2048

    package static let schema = "glovebox.mcp_pins/1"

    /// - Parameter content: as it was saved; nil when nothing is known.
    package init(_ content: JSONValue?, save: @escaping Saving = { _ in }) {
        var state = State()
        if case .object(let members)? = content?["tools"] {
            for member in members.prefix(Self.most) { state.pinned[Array(member.key.utf8)] = member.value }
        }
        self.state = Mutex(state)
        self.save = save
    }

    enum Standing: Sendable, Equatable {
        case new, unchanged
        /// It says something else than what is pinned, which is given.
        case changed(pinned: JSONValue)
        /// There is no room for more.
        case unknown
    }

    /// Compares, and pins what was never seen.
    func see(_ tools: [ToolDefinition]) -> [Standing] {
        let (standings, content) = state.withLock { state in
            var isNew = false
            var standings: [Standing] = []
            for tool in tools {
                let name = Array(tool.name.utf8)
                guard let pinned = state.pinned[name] else {
                    if state.pinned.count >= Self.most {
                        standings.append(.unknown)
                        continue
                    }
                    state.pinned[name] = tool.content
                    isNew = true
                    standings.append(.new)
                    continue
                }
                if haveSameText(pinned, tool.content) {
                    state.changed[name] = nil
                    standings.append(.unchanged)
                } else {
                    state.changed[name] = tool.content
                    standings.append(.changed(pinned: pinned))
                }
            }
            return (standings, isNew ? Self.content(state) : nil)
        }
        if let content { save(content) }
        return standings
    }

    /// What a tool says of itself now, when that is not what is pinned.
    func change(of name: String) -> JSONValue? { state.withLock { $0.changed[Array(name.utf8)] } }

    /// Somebody agreed to what the tool says.
    func agree(to definition: JSONValue, of name: String) {
        let content = state.withLock { state in
            state.pinned[Array(name.utf8)] = definition
            state.changed[Array(name.utf8)] = nil
            return Self.content(state)
        }
        save(content)
    }

    private static func content(_ state: State) -> JSONValue {
        let tools = state.pinned.map { JSONMember(String(decoding: $0.key, as: UTF8.self), $0.value) }.sorted {
            utf8Precedes($0.key, $1.key)
        }
        return .object(["schema": .string(schema), "tools": .object(tools)])
    }
}

private func haveSameText(_ a: JSONValue, _ b: JSONValue) -> Bool { a.canonicalText.utf8.elementsEqual(b.canonicalText.utf8) }
