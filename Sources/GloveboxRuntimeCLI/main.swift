internal import Glibc
internal import GloveboxRuntimeCommands

exit(GloveboxRuntimeProgram.main())
