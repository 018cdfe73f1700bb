internal import StrictJSON
internal import Testing
internal import ToolBroker

@Suite struct JSONSchemaTests {
    private func problems(_ schema: String, _ value: String) throws -> [String] {
        try JSONSchema.compile(try json(schema)).problems(with: try json(value)).map(\.description)
    }

    @Test(arguments: [
        (#"{"type": "string"}"#, #""a""#, "1", "the value is an integer, not string"),
        (#"{"type": ["string", "null"]}"#, "null", "[]", "the value is an array, not null or string"),
        (#"{"type": "integer"}"#, "2.0", "2.5", "the value is a number, not integer"),
        (#"{"type": "number"}"#, "1", #""1""#, "the value is a string, not number"),
        (#"{"enum": ["a", 1]}"#, "1.0", #""b""#, #"the value is none of "a", 1"#),
        (#"{"const": {"a": [1]}}"#, #"{"a": [1]}"#, "{}", #"the value is not {"a":[1]}"#),
        (#"{"required": ["a"]}"#, #"{"a": 1}"#, "{}", "the value lacks `a`"),
        (#"{"properties": {"a": {"type": "null"}}}"#, "{}", #"{"a": 1}"#, "/a is an integer, not null"),
        (
            #"{"properties": {"path": {}}, "additionalProperties": false}"#, "{}", #"{"paht": 1}"#,
            "/paht is not known; did you mean `path`?"
        ),
        (#"{"additionalProperties": {"type": "null"}}"#, #"{"x": null}"#, #"{"x/y": 1}"#, "/x~1y is an integer, not null"),
        (#"{"minProperties": 1}"#, #"{"a": 1}"#, "{}", "the value has 0 members, at least 1 are needed"),
        (#"{"maxProperties": 0}"#, "{}", #"{"a": 1}"#, "the value has 1 members, at most 0 are allowed"),
        (#"{"items": {"type": "null"}}"#, "[null]", "[null, 1]", "/1 is an integer, not null"),
        (#"{"prefixItems": [{"type": "null"}], "items": false}"#, "[null]", "[null, 1]", "/1 is not allowed here"),
        (#"{"minItems": 1}"#, "[1]", "[]", "the value has 0 items, at least 1 are needed"),
        (#"{"maxItems": 1}"#, "[1]", "[1, 1]", "the value has 2 items, at most 1 are allowed"),
        (#"{"uniqueItems": true}"#, "[1, 2]", "[1, 1.0]", "/1 stands there twice"),
        (#"{"minLength": 2}"#, #""äö""#, #""ä""#, "the value has 1 characters, at least 2 are needed"),
        (#"{"maxLength": 1}"#, #""ä""#, #""äö""#, "the value has 2 characters, at most 1 are allowed"),
        (#"{"minimum": 1}"#, "1", "0", "the value is less than 1"),
        (#"{"maximum": 1}"#, "1", "1.5", "the value is more than 1"),
        (#"{"exclusiveMinimum": 1}"#, "2", "1", "the value is not more than 1"),
        (#"{"exclusiveMaximum": 1}"#, "0", "1", "the value is not less than 1"),
        (#"{"multipleOf": 3}"#, "6", "7", "the value is no multiple of 3"),
        (#"{"allOf": [{"minimum": 1}, {"maximum": 2}]}"#, "2", "3", "the value is more than 2"),
        (#"{"anyOf": [{"type": "null"}, {"minimum": 3}]}"#, "3", "2", "the value conforms to none of the alternatives"),
        (#"{"oneOf": [{"minimum": 1}, {"minimum": 3}]}"#, "2", "4", "the value conforms to 2 of the alternatives, not to one"),
        (#"{"not": {"type": "null"}}"#, "1", "null", "the value is what it must not be"),
        (##"{"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}"##, "null", "1", "the value is an integer, not null"),
        ("false", "null", "1", "the value is not allowed here"),
    ])
    func `each keyword takes what conforms and names what does not`(schema: String, good: String, bad: String, problem: String) throws {
        if schema != "false" { #expect(try problems(schema, good) == []) }
        #expect(try problems(schema, bad) == [problem])
    }

    @Test(arguments: [
        (#"{"patern": "a"}"#, "/patern"), (#"{"pattern": "(a+)+"}"#, "/pattern"), (#"{"$ref": "https://example.org/s"}"#, "/$ref"),
        (##"{"$ref": "#/$defs/b", "$defs": {"a": {}}}"##, "/$ref"), (##"{"$ref": "#/properties/a"}"##, "/$ref"),
        (##"{"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}"##, "/$defs/a"), (#"{"type": "text"}"#, "/type"),
        (#"{"type": []}"#, "/type"), (#"{"enum": []}"#, "/enum"), (#"{"properties": {"a": 1}}"#, "/properties/a"),
        (#"{"minItems": -1}"#, "/minItems"), (#"{"minItems": 3, "maxItems": 2}"#, "/maxItems"), (#"{"multipleOf": 0}"#, "/multipleOf"),
        (#"{"$schema": "http://json-schema.org/draft-07/schema#"}"#, "/$schema"), (#"{"items": {"$defs": {}}}"#, "/items/$defs"),
        (#"{"anyOf": []}"#, "/anyOf"), ("1", ""),
    ])
    func `what is not checked is refused`(schema: String, pointer: String) throws {
        let problem = #expect(throws: SchemaProblem.self) { try JSONSchema.compile(try json(schema)) }
        #expect(problem?.pointer == pointer)
    }

    @Test func `depth and work are bounded, and what was not worked out does not conform`() throws {
        let deep = String(repeating: #"{"items":"#, count: 40) + "{}" + String(repeating: "}", count: 40)
        #expect(throws: SchemaProblem.self) { try JSONSchema.compile(try json(deep)) }

        // 8 definitions, each asking eight times for the next: 8^8 checks without a bound.
        var definitions = (0..<8).map { level in
            let parts = Array(repeating: ##"{"$ref": "#/$defs/d\##(level + 1)"}"##, count: 8).joined(separator: ",")
            return ##""d\##(level)": {"allOf": [\##(parts)]}"##
        }
        definitions.append(#""d8": {"type": "integer"}"#)
        let wide = ##"{"$ref": "#/$defs/d0", "$defs": {\##(definitions.joined(separator: ","))}}"##
        #expect(try problems(wide, "1").contains { $0.contains("takes too long") })
        let negated = ##"{"not": {"$ref": "#/$defs/d0"}, "$defs": {\##(definitions.joined(separator: ","))}}"##
        #expect(try problems(negated, #""x""#) != ["the value is what it must not be"])
        #expect(try !problems(negated, "1").isEmpty)
    }

    @Test func `keys are compared as bytes`() throws {
        // The Kelvin sign equals K for Swift's strings, and for no tool.
        #expect(try problems(#"{"properties": {"K": {}}, "additionalProperties": false}"#, "{\"\u{212A}\": 1}").count == 1)
        #expect(try problems(#"{"required": ["K"]}"#, "{\"\u{212A}\": 1}").count == 1)
    }

    @Test func `defaults fill in what is absent`() throws {
        let schema = try JSONSchema.compile(try json(#"{"type": "object", "properties": {"b": {"default": 2}, "a": {}}}"#))
        #expect(schema.withDefaults(try json("{}")) == (try json(#"{"b": 2}"#)))
        #expect(schema.withDefaults(try json(#"{"b": null}"#)) == (try json(#"{"b": null}"#)))
    }
}
