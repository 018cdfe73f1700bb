internal import Glibc

// The built-in tools, one call per process: descriptor 3 brings the call and takes the result.
exit(WorkerCall.serve())
