// SPDX-License-Identifier: GPL-2.0
/* The layout, as C; that it compiles is the test. */
#include "tests/abi/layout.h"

#include <stdio.h>

int main(void)
{
	printf("1..1\nok 1 layout as C, %zu bits\n", 8 * sizeof(void *));
	return 0;
}
