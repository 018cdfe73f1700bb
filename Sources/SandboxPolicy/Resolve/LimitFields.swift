extension Limits {
    /// The field behind a key of `limits:`.
    package subscript(name: LimitName) -> UInt64 {
        get {
            switch name {
            case .wall: wallMilliseconds
            case .cpu: cpuMilliseconds
            case .memory: memoryBytes
            case .pids: pids
            case .output: outputBytes
            case .openFiles: openFiles
            case .file: fileBytes
            case .disk: diskBytes
            case .created: createdFiles
            case .tmp: tmpBytes
            }
        }
        set {
            switch name {
            case .wall: wallMilliseconds = newValue
            case .cpu: cpuMilliseconds = newValue
            case .memory: memoryBytes = newValue
            case .pids: pids = newValue
            case .output: outputBytes = newValue
            case .openFiles: openFiles = newValue
            case .file: fileBytes = newValue
            case .disk: diskBytes = newValue
            case .created: createdFiles = newValue
            case .tmp: tmpBytes = newValue
            }
        }
    }
}

extension LimitName {
    package enum Unit: Sendable { case milliseconds, bytes, count }

    package var unit: Unit {
        switch self {
        case .wall, .cpu: .milliseconds
        case .memory, .output, .file, .disk, .tmp: .bytes
        case .pids, .openFiles, .created: .count
        }
    }

    /// Reads a value of this limit as policies write it.
    package func parse(_ text: String) throws(Quantity.Problem) -> UInt64 {
        switch unit {
        case .milliseconds: try Quantity.milliseconds(text)
        case .bytes: try Quantity.bytes(text)
        case .count: try Quantity.count(text)
        }
    }

    /// The value as policies write it.
    package func text(_ value: UInt64) -> String {
        switch unit {
        case .milliseconds: Quantity.durationText(value)
        case .bytes: Quantity.sizeText(value)
        case .count: String(value)
        }
    }
}
