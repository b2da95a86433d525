/* Smooth weighted round robin: the default way to choose. */
#pragma once

#include "upstream/table.h"

balance_fn round_robin_pick;
