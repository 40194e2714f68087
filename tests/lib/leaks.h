/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before all else where AddressSanitizer is built in: the children in
 * which kselftest runs tests end with _exit(), where nobody looks for leaks.
 */
#ifndef TESTS_LEAKS_H
#define TESTS_LEAKS_H

#include <sanitizer/lsan_interface.h>
#include <unistd.h>

static inline __attribute__((noreturn)) void exit_without_leaks(int status)
{
	_exit(__lsan_do_recoverable_leak_check() ? 99 : status);
}

#define _exit(status)	exit_without_leaks(status)

#endif
