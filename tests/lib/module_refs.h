/* SPDX-License-Identifier: GPL-2.0 */
/* How many refer to the module: apps, and those that end later. */
#ifndef MODULE_REFS_H
#define MODULE_REFS_H

#include "tests/lib/seda_rig.h"

static inline int module_refs(void)
{
	FILE *f = fopen("/sys/module/seda/refcnt", "r");
	int n = -1;

	if (f) {
		if (fscanf(f, "%d", &n) != 1)
			n = -1;
		fclose(f);
	}
	return n;
}

/* Within a few seconds they are n. */
static inline bool await_refs(int n)
{
	uint64_t end = now_ns() + LONG;

	while (module_refs() != n && now_ns() < end)
		sleep_ms(5);
	return module_refs() == n;
}

#endif /* MODULE_REFS_H */
