// SPDX-License-Identifier: GPL-2.0
/* The layout, as C++; that it compiles is the test. */
#include "tests/abi/layout.h"

#include <cstdio>

int main()
{
	struct seda_event event = {};
	struct seda_op op = {};

	event.child = 1;
	op.to.family = 2;
	std::printf("1..1\nok 1 layout as C++, %d\n",
		    static_cast<int>(event.buf + op.to.family));
	return 0;
}
