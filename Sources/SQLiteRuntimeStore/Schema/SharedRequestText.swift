/// The third step: a request is what an earlier one began with, and what is new in it. A model is asked the same again and again with a
/// little more at the end; written out each time, a hundred calls of one process are three megabytes.
enum SharedRequestText {
    /// `base` is the call whose messages are written out, `shared` how many bytes of them come first. Both NULL: written out here.
    static let sql = """
        ALTER TABLE model_request ADD COLUMN base INTEGER;
        ALTER TABLE model_request ADD COLUMN shared INTEGER;
        """
}
