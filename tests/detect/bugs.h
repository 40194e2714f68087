/* SPDX-License-Identifier: GPL-2.0 */
/* Planted bugs, each of which a detector of a debug kernel must report. */
#ifndef SEDA_BUGS_H
#define SEDA_BUGS_H

struct seda_bug {
	const char *name;
	void (*plant)(void);
};

/* The last has no name. */
extern const struct seda_bug seda_memory_bugs[];
extern const struct seda_bug seda_lock_bugs[];
extern const struct seda_bug seda_race_bugs[];

/* End what these left running. */
void seda_lock_bugs_end(void);
void seda_race_bugs_end(void);

#endif /* SEDA_BUGS_H */
