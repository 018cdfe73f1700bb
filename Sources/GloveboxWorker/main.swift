internal import Glibc

// The built-in tools, one call per process: descriptor 3 brings the call and takes the result. Parked, it brings first what a process
// of its own would have been started with.
exit(ParkedWorker.isAsked ? ParkedWorker.serve() : WorkerCall.serve())
