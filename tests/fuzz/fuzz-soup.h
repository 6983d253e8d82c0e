/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "fuzz-reader.h"

G_BEGIN_DECLS

/**
 * FuzzSoup:
 * @requests: (owned) (element-type FuzzSoupRequest): the requests that it has read, in order
 * @closed: whether it has closed the connection
 *
 * What a SoupServer understands.
 */
typedef struct {
  GPtrArray *requests;
  gboolean closed;
} FuzzSoup;

/**
 * fuzz_soup_read:
 * @soup: (out caller-allocates): clear it with fuzz_soup_clear()
 *
 * Lets a SoupServer read the bytes from a connection that stays open behind them.
 */
void fuzz_soup_read (FuzzSoup *soup, const char *data, gsize length);

void fuzz_soup_clear (FuzzSoup *soup);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FuzzSoup, fuzz_soup_clear)

/**
 * fuzz_soup_check_head:
 *
 * Aborts unless libsoup's parser understands the head of @request as ours did: method, target,
 * version, framing, and the headers that mean something to somebody here; and unless the request is
 * plain for libsoup where the express lane takes it. It may refuse the head for a reason that is
 * known.
 *
 * Returns: %FALSE when it refuses it
 */
gboolean fuzz_soup_check_head (const FuzzRequest *request);

/**
 * fuzz_soup_check_request:
 * @index: which request of the connection it is
 *
 * Aborts unless the SoupServer has read the same request in that place. It may have refused its
 * body for a reason that is known.
 *
 * Returns: %FALSE when what follows cannot be compared
 */
gboolean fuzz_soup_check_request (const FuzzSoup *soup, guint index, const FuzzRequest *request);

G_END_DECLS
