#include "open_library.h"

#ifdef _WIN32
#include <windows.h>

#include <system_error>
#else
#include <dlfcn.h>
#endif

#ifdef _WIN32

// Not tested. Symbols are bound to the library by name here, and a library that is open already is found by
// its name: opening it first by its path is enough. What it needs in turn is looked for beside it, not in
// PATH.
std::string open_library(const std::string& path) {
  const int size = static_cast<int>(path.size());
  std::wstring wide(MultiByteToWideChar(CP_UTF8, 0, path.data(), size, nullptr, 0), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.data(), size, wide.data(), static_cast<int>(wide.size()));
  constexpr DWORD kBesideIt = LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS;
  if (LoadLibraryExW(wide.c_str(), nullptr, kBesideIt) != nullptr) return "";
  return std::system_category().message(static_cast<int>(GetLastError()));
}

#else

// RTLD_GLOBAL: the addon has no path to LibTorch and takes its symbols from here. On macOS, where it has not
// been tested, it names the libraries as @rpath/…, and dyld takes one that is open under that name already.
std::string open_library(const std::string& path) {
  return dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr ? dlerror() : "";
}

#endif
