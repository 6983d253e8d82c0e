/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The parsers alone, quickly: whatever they take, libsoup's parser understands in the same way. */

#include "fuzz-soup.h"
#include "fuzz-target.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize length)
{
  g_auto (FuzzReader) reader = { 0 };

  fuzz_reader_read (&reader, (const char *) data, length);
  for (guint i = 0; i < reader.requests->len; i++)
    fuzz_soup_check_head (g_ptr_array_index (reader.requests, i));
  return 0;
}
