/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The next chunk of a transfer's body, read from its file.  Blocks. */
#ifndef SEDAHTTPD_BODY_H
#define SEDAHTTPD_BODY_H

#include "exchange.h"

/*
 * Fills x->chunk, allocating it as the number of transfers allows, and sets
 * x->last after the body's end or x->failed if the file has less than was
 * promised.  Returns 0, or a negated status if nothing could be read at all.
 */
int body_read(struct exchange *x);

#endif
