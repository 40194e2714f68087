// SPDX-License-Identifier: GPL-2.0
/*
 * The last programs, in a file that the host shares (tests/vm/run --rw): each is
 * written to its place in a ring before it runs, so that the host has them when
 * the guest is gone.
 */
#include <inttypes.h>

#include "tests/fuzz/fuzz.h"

#define SLOTS		32

static int log_fd = -1;

void log_open(const char *path)
{
	log_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (log_fd < 0) {
		perror(path);
		exit(1);
	}
}

void log_program(const struct program *p)
{
	char text[MAX_TEXT];
	uint64_t nr = shared->programs;
	int n;

	if (log_fd < 0)
		return;
	n = snprintf(text, sizeof(text), "# program %" PRIu64 "\n", nr);
	n += text_print(p, text + n, sizeof(text) - n - 1);
	text[n++] = 0;
	if (pwrite(log_fd, text, n, nr % SLOTS * MAX_TEXT) != n)
		perror("log");
}

/* The ring as text, the oldest program first. */
void log_print(const char *path)
{
	static char ring[SLOTS][MAX_TEXT + 1];
	uint64_t nr[SLOTS] = { 0 }, best;
	unsigned int i, at = 0;
	int fd = open(path, O_RDONLY);

	for (i = 0; i < SLOTS; i++)
		if (pread(fd, ring[i], MAX_TEXT, i * MAX_TEXT) > 0 && *ring[i])
			nr[i] = 1 + strtoull(ring[i] + strlen("# program "),
					     NULL, 10);
	do {
		best = ~0ULL;
		for (i = 0; i < SLOTS; i++) {
			if (nr[i] && nr[i] < best) {
				best = nr[i];
				at = i;
			}
		}
		if (best != ~0ULL)
			printf("%s\n", ring[at]);
		nr[at] = 0;
	} while (best != ~0ULL);
}
