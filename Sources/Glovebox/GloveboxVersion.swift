/// The version of this build.
public enum GloveboxVersion {
    /// After Semantic Versioning.
    public static let current = "0.1.0"
}
