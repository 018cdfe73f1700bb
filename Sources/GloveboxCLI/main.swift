internal import Glibc
internal import GloveboxCommands

exit(GloveboxProgram.main())
