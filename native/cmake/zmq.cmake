# zmq::zmq: the system's libzmq with the C++ header. The shared library, also for the executable: Debian's libzmq.a is not
# position independent, so a Python module can't hold it, and one way of linking is easier to trust than two. pyzmq brings
# a libzmq of its own under another name; the two don't meet.
find_path(ZMQ_INCLUDE zmq.hpp) # Debian: cppzmq-dev
find_library(ZMQ_LIBRARY zmq) # Debian: libzmq3-dev
if(NOT ZMQ_INCLUDE OR NOT ZMQ_LIBRARY)
  message(FATAL_ERROR "ZeroMQ was not found. On Debian: apt-get install libzmq3-dev cppzmq-dev")
endif()
add_library(zmq::zmq INTERFACE IMPORTED GLOBAL)
target_include_directories(zmq::zmq SYSTEM INTERFACE "${ZMQ_INCLUDE}")
target_link_libraries(zmq::zmq INTERFACE "${ZMQ_LIBRARY}")
