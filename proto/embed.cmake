# Writes the bytes of the file FROM to the C file TO, as the array NAME and its size NAME_size.
file(READ "${FROM}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes
    "${bytes}")
file(WRITE "${TO}" "#include <stddef.h>\n#include <stdint.h>\n"
    "extern const uint8_t ${NAME}[];\nextern const size_t ${NAME}_size;\n"
    "const uint8_t ${NAME}[] = {\n${bytes}\n};\nconst size_t ${NAME}_size = sizeof ${NAME};\n")
