/* Thread numbers. */
#include "base/thread.h"

__thread unsigned thread_index;
unsigned thread_count = 1;
