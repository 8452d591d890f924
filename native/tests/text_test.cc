#include <doctest/doctest.h>

#include "engine/text/script.h"
#include "engine/text/utf8.h"

using namespace meeting::text;

TEST_CASE("traditional characters become simplified, all else stays") {
    CHECK_EQ(simplified("廣州市房地產中介協會分析"), "广州市房地产中介协会分析");
    CHECK_EQ(simplified("富士康在印度工廠出现大规模感染, 50%"),
             "富士康在印度工厂出现大规模感染, 50%");
    CHECK_EQ(simplified("Grüße, 世界! 🎉"), "Grüße, 世界! 🎉");
    CHECK_EQ(simplified(""), "");
}

TEST_CASE("simplified script is left as it is") {
    CHECK_EQ(simplified("今天下午三点我们开会讨论后面的里程"),
             "今天下午三点我们开会讨论后面的里程");
}

TEST_CASE("only well-formed characters remain") {
    CHECK_EQ(well_formed("a\xFF"
                         "b"),
             "ab");
    CHECK_EQ(well_formed("\xC0\xAF"
                         "x"),
             "x");                              // longer than needed
    CHECK_EQ(well_formed("\xE0\x80\xAF"), "");  // of three bytes, too
    CHECK_EQ(well_formed("\xED\xA0\x80"
                         "x"),
             "x");  // half a UTF-16 pair
    CHECK_EQ(well_formed("\xF4\x90\x80\x80"
                         "x"),
             "x");                          // beyond Unicode
    CHECK_EQ(well_formed("\xE4\xBD"), "");  // cut off
    CHECK_EQ(well_formed("é你🎉"), "é你🎉");
}

TEST_CASE("white space at both ends is not text") {
    CHECK_EQ(trimmed("  a b\n"), "a b");
    CHECK_EQ(trimmed(" \t"), "");
}
