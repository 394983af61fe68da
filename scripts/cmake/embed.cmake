# sockq_embed(OUTPUT FILE...): a C file with the bytes of each FILE, by its name in the source tree.
function(sockq_embed output)
  set(blobs "")
  set(entries "")
  set(index 0)
  foreach(file IN LISTS ARGN)
    string(APPEND blobs
      "__asm__(\".section .rodata\\n\"\n"
      "        \"sockq_blob_${index}:\\n\"\n"
      "        \".incbin \\\"${PROJECT_SOURCE_DIR}/${file}\\\"\\n\"\n"
      "        \"sockq_blob_end_${index}:\\n\"\n"
      "        \".byte 0\\n\"\n"
      "        \".previous\\n\");\n"
      "extern const char sockq_blob_${index}[] __attribute__((visibility(\"hidden\")));\n"
      "extern const char sockq_blob_end_${index}[] __attribute__((visibility(\"hidden\")));\n")
    string(APPEND entries "    {\"${file}\", sockq_blob_${index}, sockq_blob_end_${index}},\n")
    math(EXPR index "${index} + 1")
    list(APPEND sources ${PROJECT_SOURCE_DIR}/${file})
  endforeach()
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
"/* Made by the build from lua/ and the headers that the FFI reads. */
#include \"lua.h\"

${blobs}
const struct sockq_embedded sockq_embedded_files[] = {
${entries}    {0, 0, 0},
};
")
  set_source_files_properties(${output} PROPERTIES OBJECT_DEPENDS "${sources}")
endfunction()
