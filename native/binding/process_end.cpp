#include "process_end.h"

#include <cstdlib>

Napi::Value exit_immediately(const Napi::CallbackInfo& info) { std::_Exit(info[0].ToNumber().Int32Value()); }
