/* As much of Lua as it takes to find the end of a block of it. Private to the config room. */
#pragma once

#include "base/str.h"

/* The text up to the brace that closes the block it begins in; all of it when there is none. */
struct str lua_until_brace(struct str text);
