// The engine's arithmetic as functions of arrays, for tests that compare it with numpy.
#pragma once

#include <pybind11/pybind11.h>

namespace meeting {

// numpy is imported when one of them is called, not before.
void bind_pure(pybind11::module_& module);

}  // namespace meeting
