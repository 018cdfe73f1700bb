internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxPolicy

/// Places that all records in question treat alike: one named resource, or the unnamed ones right below it.
struct Cell {
    var path: [ResourcePart]
    var strictlyBelow: Bool
}

extension Resource {
    /// The cells that the resource itself stands for, without those that records name inside it.
    var ownCells: [Cell] {
        switch extent {
        case .exact: [Cell(path: parts, strictlyBelow: false)]
        case .members: [Cell(path: parts, strictlyBelow: true)]
        // A file and what lies below it are covered by the same rules.
        case .tree where kind == .filesystem: [Cell(path: parts, strictlyBelow: false)]
        case .tree: [Cell(path: parts, strictlyBelow: false), Cell(path: parts, strictlyBelow: true)]
        }
    }

    func resource(of cell: Cell) -> Resource {
        Resource(kind: kind, parts: cell.path.map(\.text), extent: cell.strictlyBelow ? .members : .exact).asGranted
    }
}

extension SubjectAuthority.Holdings {
    /// Cells strictly inside a resource that some of these records name, each once.
    func cells(inside resource: Resource, of indices: some Sequence<Int>) -> [Cell] {
        guard resource.extent != .exact else { return [] }
        var places: Set<[ResourcePart]> = []
        for index in indices {
            let parts = records[index].resource.parts
            if parts.count > resource.parts.count, parts.starts(with: resource.parts) { places.insert(parts) }
        }
        return places.sorted { $0.lexicographicallyPrecedes($1) }.flatMap { place in
            resource.kind == .filesystem
                ? [Cell(path: place, strictlyBelow: false)]
                : [Cell(path: place, strictlyBelow: false), Cell(path: place, strictlyBelow: true)]
        }
    }

    func decider(_ cell: Cell, _ right: CapabilityRight) -> Int? {
        rules.covering(cell.path, strictlyBelow: cell.strictlyBelow).decidingIndex(right)
    }
}
