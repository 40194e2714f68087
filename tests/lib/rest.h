/* SPDX-License-Identifier: GPL-2.0 */
/* Is a thread off its CPU, and nobody about to wake it? */
#ifndef REST_H
#define REST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "tests/lib/memcg.h"

/*
 * A thread whose wake-up still waits for its CPU (the host may not run that one
 * for a while) is at R; who asks for the system call of one that has gone to
 * sleep waits until it is off its CPU.
 */
static inline bool at_rest(pid_t pid, pid_t tid)
{
	const char *state;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	state = strstr(get_text(path), ") ");
	if (!state)
		abort();
	if (state[2] == 'R')
		return false;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	state = get_text(path);
	if (!*state)
		abort();
	return strncmp(state, "running", 7);
}

#endif /* REST_H */
