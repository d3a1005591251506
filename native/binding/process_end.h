// Owns ending the process at once, when what would come first may wait for ever or crash: destructors of
// static objects, threads to be joined.
#pragma once

#include <napi.h>

// exitImmediately(code): does not return. Runs no `exit` listener and no destructor, flushes nothing, and
// ends every thread of the process, workers included.
Napi::Value exit_immediately(const Napi::CallbackInfo& info);
