# Writes the proto FROM to TO without the keyword `optional` (see CMakeLists.txt for why).
file(READ "${FROM}" text)
string(REGEX REPLACE "optional ([A-Z][A-Za-z0-9_.]*) " "\\1 " text "${text}")
string(REGEX REPLACE "optional ([a-z0-9]+) ([a-z_]+) = ([0-9]+);"
    "oneof _\\2 { \\1 \\2 = \\3; }" text "${text}")
file(WRITE "${TO}" "${text}")
