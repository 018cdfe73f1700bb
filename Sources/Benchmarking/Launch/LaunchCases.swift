/// What `bench launch` knows to measure, by the names of its JSON.
package enum LaunchCaseName {
    package static let bare = "bare"
    package static let pythonBare = "python-bare"
    package static let pythonParked = "python-parked"
    package static let fileReadCold = "file-read-cold"
    package static let fileReadParked = "file-read-parked"
    package static let command = "glovebox-command"

    package static let all =
        [bare, "cold", "template", "prepared", pythonBare, pythonParked, fileReadCold, fileReadParked, command]
        + Peer.allCases.map(\.rawValue)
}
