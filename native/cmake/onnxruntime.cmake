# onnxruntime::headers: the headers of ONNX Runtime and nothing to link. The library itself is loaded at run time from
# the path that the caller gives (the installed wheel's), because the wheel has no link name and a linked build would be
# tied to one exact release. The C API only grows, so older headers serve any newer library.
#
# Searched in this order:
#   1. the system's (Debian 13: libonnxruntime-dev)
#   2. -DONNXRUNTIME_INCLUDE=FOLDER
#   3. on another Debian, the header package of Debian 13, by cmake/headers.sh; installs nothing
#   4. the official release archive, with -DONNXRUNTIME_ARCHIVE_URL=… -DONNXRUNTIME_ARCHIVE_SHA256=… ; both have to
#      be given, because this project pins only hashes that it has checked itself
set(ONNXRUNTIME_INCLUDE "" CACHE PATH "Folder that holds onnxruntime_cxx_api.h")
set(ONNXRUNTIME_ARCHIVE_URL "" CACHE STRING "Release archive of ONNX Runtime, 1.21 or newer, for its headers")
set(ONNXRUNTIME_ARCHIVE_SHA256 "" CACHE STRING "sha256 of that archive")

find_path(
  ONNXRUNTIME_HEADERS onnxruntime_cxx_api.h
  PATHS /usr/include/onnxruntime "${ONNXRUNTIME_INCLUDE}" "${CMAKE_BINARY_DIR}/onnxruntime/root/usr/include/onnxruntime"
  NO_DEFAULT_PATH
)

if(NOT ONNXRUNTIME_HEADERS AND EXISTS /etc/debian_version)
  execute_process(
    COMMAND sh "${CMAKE_CURRENT_LIST_DIR}/headers.sh" "${CMAKE_BINARY_DIR}/onnxruntime"
    OUTPUT_VARIABLE found
    ERROR_VARIABLE reason
    RESULT_VARIABLE failed
    OUTPUT_STRIP_TRAILING_WHITESPACE
  )
  if(failed)
    message(STATUS "ONNX Runtime headers could not be fetched from Debian 13: ${reason}")
  else()
    set(ONNXRUNTIME_HEADERS "${found}" CACHE PATH "" FORCE)
  endif()
endif()

if(NOT ONNXRUNTIME_HEADERS AND ONNXRUNTIME_ARCHIVE_URL AND ONNXRUNTIME_ARCHIVE_SHA256)
  include(FetchContent)
  FetchContent_Declare(
    onnxruntime_archive
    URL "${ONNXRUNTIME_ARCHIVE_URL}"
    URL_HASH "SHA256=${ONNXRUNTIME_ARCHIVE_SHA256}"
  )
  FetchContent_MakeAvailable(onnxruntime_archive)
  find_path(
    ONNXRUNTIME_HEADERS onnxruntime_cxx_api.h
    PATHS "${onnxruntime_archive_SOURCE_DIR}/include"
    NO_DEFAULT_PATH
  )
endif()

if(NOT ONNXRUNTIME_HEADERS)
  message(
    FATAL_ERROR
      "The ONNX Runtime headers were not found. On Debian 13: apt-get install libonnxruntime-dev. Elsewhere unpack "
      "a release archive (1.21 or newer) and pass -DONNXRUNTIME_INCLUDE=<its include folder>, or pass "
      "-DONNXRUNTIME_ARCHIVE_URL=<archive> and -DONNXRUNTIME_ARCHIVE_SHA256=<its sha256>."
  )
endif()
message(STATUS "ONNX Runtime headers: ${ONNXRUNTIME_HEADERS}")

add_library(onnxruntime::headers INTERFACE IMPORTED GLOBAL)
target_include_directories(onnxruntime::headers SYSTEM INTERFACE "${ONNXRUNTIME_HEADERS}")
# No Ort:: object may be usable before the library is loaded (engine/onnx.cc).
target_compile_definitions(onnxruntime::headers INTERFACE ORT_API_MANUAL_INIT)
