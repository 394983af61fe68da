# sockq_embed(OUTPUT FILE...): a C file with the bytes of each FILE, by its name in the source tree,
# and of the Lua files their bytecode as well.
function(sockq_embed output)
  set(blobs "")
  set(entries "")
  set(index 0)
  set(compiled_dir ${PROJECT_BINARY_DIR}/compiled)
  foreach(file IN LISTS ARGN)
    sockq_blob(${index} ${PROJECT_SOURCE_DIR}/${file})
    set(code "0, 0")
    if(file MATCHES "\\.lua$")
      sockq_blob(code_${index} ${compiled_dir}/${file})
      set(code "sockq_blob_code_${index}, sockq_blob_end_code_${index}")
      get_filename_component(folder ${compiled_dir}/${file} DIRECTORY)
      file(MAKE_DIRECTORY ${folder})
      list(APPEND lua ${file})
      list(APPEND compiled ${compiled_dir}/${file})
    endif()
    string(APPEND entries
      "    {\"${file}\", sockq_blob_${index}, sockq_blob_end_${index}, ${code}},\n")
    math(EXPR index "${index} + 1")
    list(APPEND sources ${PROJECT_SOURCE_DIR}/${file})
  endforeach()
  add_custom_command(OUTPUT ${compiled} COMMAND compile_lua ${compiled_dir} ${lua}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} DEPENDS compile_lua ${lua} VERBATIM)
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
"/* Made by the build from lua/ and the headers that the FFI reads. */
#include \"lua.h\"

${blobs}
const struct sockq_embedded sockq_embedded_files[] = {
${entries}    {0, 0, 0, 0, 0},
};
")
  set_source_files_properties(${output} PROPERTIES OBJECT_DEPENDS "${sources};${compiled}")
endfunction()

# The bytes of a file between two symbols.
function(sockq_blob name path)
  string(APPEND blobs
    "__asm__(\".section .rodata\\n\"\n"
    "        \"sockq_blob_${name}:\\n\"\n"
    "        \".incbin \\\"${path}\\\"\\n\"\n"
    "        \"sockq_blob_end_${name}:\\n\"\n"
    "        \".byte 0\\n\"\n"
    "        \".previous\\n\");\n"
    "extern const char sockq_blob_${name}[] __attribute__((visibility(\"hidden\")));\n"
    "extern const char sockq_blob_end_${name}[] __attribute__((visibility(\"hidden\")));\n")
  set(blobs "${blobs}" PARENT_SCOPE)
endfunction()
