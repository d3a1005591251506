// Owns opening LibTorch's libraries for the whole process, in the order given, before the addon is loaded.
// Must not link LibTorch nor include anything of it: this addon loads where LibTorch is missing and says so.
// Plain Node-API in C, without global state, so that any number of worker threads may load it.

#include <node_api.h>

#include <string>

#include "open_library.h"

#ifndef CIFAR10_TORCH_LIBTORCH_VERSION
#error "CIFAR10_TORCH_LIBTORCH_VERSION must be defined, such as \"2.13.0\""
#endif

namespace {

bool read_string(napi_env env, napi_value value, std::string& text) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return false;
  text.resize(length + 1);  // Node-API writes a final zero
  const bool ok = napi_get_value_string_utf8(env, value, text.data(), text.size(), &length) == napi_ok;
  text.resize(length);
  return ok;
}

// Throws an Error whose message is the linker's and whose property `library` is the path.
void throw_linker_error(napi_env env, napi_value library, const std::string& reason) {
  napi_value message = nullptr;
  napi_value error = nullptr;
  napi_create_string_utf8(env, reason.data(), reason.size(), &message);
  napi_create_error(env, nullptr, message, &error);
  napi_set_named_property(env, error, "library", library);
  napi_throw(env, error);
}

// openLibraries(paths: string[]): void
napi_value open_libraries(napi_env env, napi_callback_info info) {
  size_t argument_count = 1;
  napi_value paths = nullptr;
  uint32_t path_count = 0;
  if (napi_get_cb_info(env, info, &argument_count, &paths, nullptr, nullptr) != napi_ok ||
      napi_get_array_length(env, paths, &path_count) != napi_ok) {
    napi_throw_type_error(env, nullptr, "openLibraries expects an array of paths");
    return nullptr;
  }
  for (uint32_t i = 0; i < path_count; ++i) {
    napi_value element = nullptr;
    std::string path;
    if (napi_get_element(env, paths, i, &element) != napi_ok || !read_string(env, element, path)) {
      napi_throw_type_error(env, nullptr, "openLibraries expects an array of paths");
      return nullptr;
    }
    if (const std::string reason = open_library(path); !reason.empty()) {
      throw_linker_error(env, element, reason);
      return nullptr;
    }
  }
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value open_function = nullptr;
  napi_value version = nullptr;
  napi_create_function(env, "openLibraries", NAPI_AUTO_LENGTH, open_libraries, nullptr, &open_function);
  napi_create_string_utf8(env, CIFAR10_TORCH_LIBTORCH_VERSION, NAPI_AUTO_LENGTH, &version);
  napi_set_named_property(env, exports, "openLibraries", open_function);
  napi_set_named_property(env, exports, "builtForVersion", version);
  return exports;
}
