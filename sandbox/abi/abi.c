// SwiftPM wants one source file per C target; the wire is all in the header.
#include "launch_spec.h"
