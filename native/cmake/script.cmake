# The table from traditional to simplified characters, out of Debian's OpenCC dictionary.
#
# libopencc-data holds only configuration on Debian 12 and 13; the dictionary itself lies in libopencc1.1, in a binary
# form that `opencc_dict` of the package opencc turns into lines "from<TAB>to[ other]". `apt install opencc` brings both.
#
# include(script) offers `meeting_script(<target>)`. The same file is the build step: cmake -P with DICT, DATA, OUT.

if(CMAKE_SCRIPT_MODE_FILE)
  execute_process(
    COMMAND "${DICT}" -i "${DATA}" -o "${OUT}.txt" -f ocd2 -t text
    RESULT_VARIABLE failed
    ERROR_VARIABLE reason
  )
  if(failed)
    message(FATAL_ERROR "${DICT} could not read ${DATA}: ${reason}")
  endif()
  file(READ "${OUT}.txt" table)
  string(REGEX MATCHALL "[^\n\t]+\t[^\n\t ]+" pairs "${table}")
  list(LENGTH pairs count)
  if(count LESS 3000)
    message(FATAL_ERROR "${DATA} gave only ${count} characters, a few thousand were expected")
  endif()
  # The first of several choices is OpenCC's own default.
  string(REGEX REPLACE "([^;\t]+)\t([^;\t]+);?" "{\"\\1\", \"\\2\"},\n" lines "${pairs}")
  file(WRITE "${OUT}" "${lines}")
  return()
endif()

set(MEETING_SCRIPT_STEP "${CMAKE_CURRENT_LIST_FILE}")
find_program(OPENCC_DICT opencc_dict)
find_file(OPENCC_CHARACTERS TSCharacters.ocd2 PATHS /usr/share/opencc /usr/local/share/opencc)
if(NOT OPENCC_DICT OR NOT OPENCC_CHARACTERS)
  message(
    FATAL_ERROR
      "The table of simplified characters needs opencc_dict and TSCharacters.ocd2. Install them: apt install opencc\n"
      "(elsewhere than on Debian: OpenCC 1.1, and -DOPENCC_DICT=<program> -DOPENCC_CHARACTERS=<TSCharacters.ocd2>)"
  )
endif()

# Makes engine/text/script.inc in the build folder and lets `target` include it.
function(meeting_script target)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/generated")
  set(table "${folder}/engine/text/script.inc")
  file(MAKE_DIRECTORY "${folder}/engine/text")
  add_custom_command(
    OUTPUT "${table}"
    COMMAND ${CMAKE_COMMAND} "-DDICT=${OPENCC_DICT}" "-DDATA=${OPENCC_CHARACTERS}" "-DOUT=${table}" -P
            "${MEETING_SCRIPT_STEP}"
    DEPENDS "${MEETING_SCRIPT_STEP}" "${OPENCC_CHARACTERS}"
    COMMENT "Characters from traditional to simplified script"
    VERBATIM
  )
  target_sources(${target} PRIVATE "${table}")
  target_include_directories(${target} PRIVATE "${folder}")
endfunction()
