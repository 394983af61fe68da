# Calls that fail: a library that stands between the program and libc.
add_library(fault MODULE ${CMAKE_CURRENT_LIST_DIR}/fault.c ${CMAKE_CURRENT_LIST_DIR}/calls.c)
target_compile_options(fault PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
set(FAULT_ARGUMENTS --sockq $<TARGET_FILE:sockq> --library $<TARGET_FILE:fault>)
if(SOCKQ_SANITIZE)
  target_compile_definitions(fault PRIVATE FAULT_NO_MALLOC)
  # All of them are tried without sanitizers.
  list(APPEND FAULT_ARGUMENTS --every 60)
else()
  # All of malloc's by hand, after a change of what is allocated.
  list(APPEND FAULT_ARGUMENTS --malloc 3)
endif()
file(GLOB FAULT_TESTS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS fault/*_test.lua)
if(SOCKQ_SANITIZE)
  # Signals come when they come, which the sanitizers' slow start makes no clearer.
  list(REMOVE_ITEM FAULT_TESTS fault/signals_test.lua)
endif()
foreach(file IN LISTS FAULT_TESTS)
  get_filename_component(name ${file} NAME_WE)
  lua_test(fault.${name} tests/${file} ${FAULT_ARGUMENTS})
endforeach()
# Ten thousand faults take half a minute, and on a slow machine ten.
set_tests_properties(fault.fault_test PROPERTIES TIMEOUT 1500)
