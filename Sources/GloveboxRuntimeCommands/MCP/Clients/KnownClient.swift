internal import ArgumentParser
internal import Glibc
internal import LinuxPrimitives
internal import MCPClients

/// A program that starts MCP servers, and where it keeps which ones.
enum KnownClient: String, CaseIterable, ExpressibleByArgument, Sendable {
    case claudeDesktop = "claude-desktop"
    case claudeCode = "claude-code"
    case cursor
    case vscode
    case codex
    case copilot

    /// One file that the client reads, whether it is there or not.
    struct Place: Sendable, Equatable {
        var client: KnownClient
        var path: String
        var layout: ClientConfiguration.Layout
        /// Everything that the file may be a link to lies below this directory.
        var root: String
        /// The project that is looked at, which a policy must not come from.
        var workspace: String?
    }

    /// Of the user, and of the project in `workspace`.
    func places(home: String, workspace: String, environment: (String) -> String?) -> [Place] {
        let settings = environment("XDG_CONFIG_HOME") ?? home + "/.config"
        func user(_ path: String, _ layout: ClientConfiguration.Layout) -> Place {
            Place(client: self, path: path, layout: layout, root: home, workspace: workspace)
        }
        func project(_ path: String, _ layout: ClientConfiguration.Layout) -> Place {
            Place(client: self, path: workspace + "/" + path, layout: layout, root: workspace, workspace: workspace)
        }
        switch self {
        case .claudeDesktop: return [user(settings + "/Claude/claude_desktop_config.json", .servers)]
        case .claudeCode:
            let own = environment("CLAUDE_CONFIG_DIR").map { $0 + "/.claude.json" } ?? home + "/.claude.json"
            return [user(own, .projects), project(".mcp.json", .servers)]
        case .cursor: return [user(home + "/.cursor/mcp.json", .servers), project(".cursor/mcp.json", .servers)]
        case .vscode:
            let directories = ["Code", "Code - Insiders", "VSCodium"].map { settings + "/\($0)/User" }
            let profiles = directories.flatMap { directory in
                Self.names(in: directory + "/profiles").map { "\(directory)/profiles/\($0)" }
            }
            return (directories + profiles).map { user($0 + "/mcp.json", .editor) } + [project(".vscode/mcp.json", .editor)]
        case .codex:
            let own = environment("CODEX_HOME") ?? home + "/.codex"
            return [user(own + "/config.toml", .codex), project(".codex/config.toml", .codex)]
        case .copilot:
            let own = environment("COPILOT_HOME") ?? home + "/.copilot"
            return [user(own + "/mcp-config.json", .servers)]
        }
    }

    private static func names(in directory: String) -> [String] {
        guard let opened = try? PathResolution.openDirectory(path: directory, resolve: .ordinary) else { return [] }
        return ((try? DirectoryListing.names(opened.rawValue)) ?? []).sorted()
    }
}

/// The files of all clients on this host, read.
struct ClientFiles {
    /// One file that is there.
    struct Found {
        var place: KnownClient.Place
        var content: Result<(ConfigurationFile, ClientConfiguration), CommandProblem>
    }

    /// What a file cannot be read for.
    struct CommandProblem: Error {
        var message: String
    }

    static func find(_ clients: [KnownClient], home: String, workspace: String) -> [Found] {
        let places = clients.flatMap { $0.places(home: home, workspace: workspace, environment: directory) }
        var seen: Set<String> = []
        return places.compactMap { place in
            // In the home directory itself a project's file may be the user's.
            guard seen.insert(place.path).inserted else { return nil }
            do {
                guard let file = try ConfigurationFile.read(place.path) else { return nil }
                return Found(place: place, content: .success((file, try ClientConfiguration.read(file.bytes, place.layout))))
            } catch let error as ConfigurationReadError {
                return Found(place: place, content: .failure(CommandProblem(message: "\(place.path):\(error)")))
            } catch {
                return Found(place: place, content: .failure(CommandProblem(message: "\(place.path): \(error)")))
            }
        }
    }

    /// An absolute path in a variable.
    private static func directory(_ name: String) -> String? {
        guard let value = getenv(name), let text = String(validatingCString: value), text.hasPrefix("/") else { return nil }
        return text
    }
}
