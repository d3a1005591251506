// Owns opening one shared library for the whole process, on each system in its way.
#pragma once

#include <string>

// Opens the library at this absolute path, in UTF-8, and never closes it: static objects of LibTorch do not
// survive that (pytorch#46171). Returns the linker's reason where it cannot be opened, else an empty text.
std::string open_library(const std::string& path);
