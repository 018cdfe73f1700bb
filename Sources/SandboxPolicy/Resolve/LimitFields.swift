extension Limits {
    /// The field behind a key of `limits:`.
    package subscript(name: LimitName) -> UInt64 {
        get { self[keyPath: name.field] }
        set { self[keyPath: name.field] = newValue }
    }
}

extension LimitName {
    var field: WritableKeyPath<Limits, UInt64> {
        switch self {
        case .wall: \.wallMilliseconds
        case .cpu: \.cpuMilliseconds
        case .memory: \.memoryBytes
        case .pids: \.pids
        case .output: \.outputBytes
        case .openFiles: \.openFiles
        case .file: \.fileBytes
        case .disk: \.diskBytes
        case .created: \.createdFiles
        case .tmp: \.tmpBytes
        }
    }

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
