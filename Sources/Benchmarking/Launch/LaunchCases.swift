/// What `bench launch` knows to measure, by the names of its JSON.
package enum LaunchCaseName {
    package static let bare = "bare"
    package static let pythonBare = "python-bare"
    package static let pythonCold = "python-cold"
    package static let pythonParked = "python-parked"
    package static let fileReadCold = "file-read-cold"
    package static let fileReadParked = "file-read-parked"
    package static let command = "glovebox-command"
    package static let servedCommand = "glovebox-command-served"

    package static let all =
        [
            bare, "cold", "template", "prepared", pythonBare, pythonCold, pythonParked, fileReadCold, fileReadParked, command,
            servedCommand,
        ]
        + Peer.allCases.map(\.rawValue)
}
