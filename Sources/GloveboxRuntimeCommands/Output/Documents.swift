internal import CommandOutput
internal import StrictJSON

/// What `--json` prints: one object with its schema first.
enum Document {
    static func print(_ schema: String, _ members: [JSONMember]) {
        Console.printJSON(.object([JSONMember("schema", .string("glovebox.\(schema)"))] + members))
    }

    static func print(_ schema: String, _ key: String, _ items: [JSONValue]) { print(schema, [JSONMember(key, .array(items))]) }
}
