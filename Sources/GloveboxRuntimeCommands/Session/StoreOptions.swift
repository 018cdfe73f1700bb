internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import SQLiteRuntimeStore

/// Which store a command works with, and how it prints.
struct StoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The directory whose agents are meant; the current one when absent.", valueName: "dir"),
        completion: .directory)
    var workspace: String?

    @Option(
        help: ArgumentHelp(
            "The store's file. Without it: $XDG_STATE_HOME/glovebox/WORKSPACE-HASH/store.sqlite (~/.local/state).", valueName: "file"),
        completion: .file())
    var store: String?

    @Flag(help: "Print JSON, with a versioned `schema`.")
    var json = false

    func place() throws -> StorePlace { try StorePlace.of(workspace: workspace, store: store) }

    /// The store for reading: beside the program that writes, if one does.
    func reading<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreReading) throws(LibOSError) -> Value
    ) async throws -> Value {
        try await withReader { store in try await store.read(body) }
    }

    func withReader<Value: Sendable>(_ body: (SQLiteRuntimeStore) async throws -> Value) async throws -> Value {
        let place = try place()
        guard place.exists else {
            throw CommandFailure.failed(
                "there is no store \(place.file) yet; `glovebox agent spawn` makes it, and --store or --workspace name another")
        }
        let store = try await SQLiteRuntimeStore.openReadOnly(path: place.file)
        do {
            let value = try await body(store)
            await store.close()
            return value
        } catch {
            await store.close()
            throw error
        }
    }
}
