// Owns the stand-in for a variable that the C library has only since 2.32: whether the process has one
// thread, which lets std::shared_ptr count without atomic operations. Here it never has: LibTorch and Node.js
// have threads of their own.

#if defined(__GLIBC__)
extern "C" __attribute__((visibility("hidden"))) char __libc_single_threaded;
char __libc_single_threaded = 0;
#endif
