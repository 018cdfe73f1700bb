/// Looking into an optional owner without taking it apart: optional chaining would consume the owner.
extension Optional where Wrapped == OwnedDescriptor {
    /// The borrowed number, nil when there is no descriptor.
    package var number: Int32? {
        switch self {
        case .some(let owner): owner.rawValue
        case nil: nil
        }
    }
}

extension Optional where Wrapped == ProcessHandle {
    /// The pidfd's borrowed number, nil when there is no process.
    package var number: Int32? {
        switch self {
        case .some(let handle): handle.rawValue
        case nil: nil
        }
    }
}
