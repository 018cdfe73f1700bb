internal import Testing

/// `#require` for values with one owner, which the macro does not take.
func unwrap<Value: ~Copyable>(_ value: consuming Value?, _ sourceLocation: SourceLocation = #_sourceLocation) throws -> Value {
    switch consume value {
    case .some(let value): return value
    case .none:
        Issue.record("a value was expected", sourceLocation: sourceLocation)
        throw MissingValue()
    }
}

struct MissingValue: Error {}
