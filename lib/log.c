// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * log.c - messages for the program's log callback
 */
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

void rt_log(const struct sedak_rt *rt, int level, const char *fmt, ...)
{
	char msg[256];
	va_list ap;

	if (!rt->log)
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	rt->log(rt->log_arg, level, msg);
}
