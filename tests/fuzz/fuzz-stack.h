/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-store.h"

G_BEGIN_DECLS

/**
 * FuzzPace:
 * @FUZZ_PACE_WHOLE: all bytes at once
 * @FUZZ_PACE_PIECES: in pieces, cut at places that depend on the bytes; between the pieces another
 *   connection of the same worker goes on with a request of its own
 * @FUZZ_PACE_BYTES: byte by byte
 */
typedef enum {
  FUZZ_PACE_WHOLE,
  FUZZ_PACE_PIECES,
  FUZZ_PACE_BYTES,
} FuzzPace;

/**
 * fuzz_stack_run:
 * @store: what the requests are run on
 * @express: whether there is the express lane, or libsoup's only
 *
 * Says the bytes on a connection to the real gate with its lanes, and closes that half of it behind
 * them. Aborts when the connection does not come to its end, and when the other connection does not
 * get the answer that it should.
 *
 * Returns: (transfer full) (element-type gchar): what came back
 */
GString *
fuzz_stack_run (KvStore *store, gboolean express, FuzzPace pace, const char *data, gsize length);

G_END_DECLS
