// Owns which versions of the C and C++ libraries' functions a binary asks for: the oldest that do the same,
// so that what was compiled on a new system runs on every one that LibTorch's own binaries run on
// (glibc 2.28). Included before everything else, by a compiler option; scripts/check-symbols.mjs says what is
// asked for.
#pragma once

#ifdef __linux__
#include <features.h>
#endif

#if defined(__x86_64__) && defined(__GLIBC__)
#define CIFAR10_OLDEST(function, version) __asm__(".symver " #function "," #function "@" version)

// Newer ones differ in how they report errors, not in their results.
CIFAR10_OLDEST(log, "GLIBC_2.2.5");
CIFAR10_OLDEST(pow, "GLIBC_2.2.5");
// Moved from libpthread and libdl, which Node.js is linked with, into libc.
CIFAR10_OLDEST(pthread_once, "GLIBC_2.2.5");
CIFAR10_OLDEST(dlopen, "GLIBC_2.2.5");
CIFAR10_OLDEST(dlerror, "GLIBC_2.2.5");
// std::condition_variable::wait, which has become noexcept.
CIFAR10_OLDEST(_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE, "GLIBCXX_3.4.11");

#undef CIFAR10_OLDEST
#endif
