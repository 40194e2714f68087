/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests/windows/delays puts before lines of kmod: now and then some time passes,
 * so that others come in between.
 */
#ifndef SEDA_WINDOW_H
#define SEDA_WINDOW_H

/* of whom a race is that is anybody's */
#define SEDA_ANY	((void *)1)

void seda_window(unsigned int place, const void *object);

#endif
