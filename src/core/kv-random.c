/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-random.h"

#include <errno.h>
#include <sys/random.h>

void
kv_random_fill (gpointer bytes, gsize length)
{
  gsize have = 0;

  while (have < length)
    {
      gssize n = getrandom ((guint8 *) bytes + have, length - have, 0);

      if (n > 0)
        have += (gsize) n;
      else if (errno != EINTR)
        g_error ("No random numbers from the kernel: %s", g_strerror (errno));
    }
}
