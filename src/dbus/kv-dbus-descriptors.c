/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-descriptors.h"

#include <unistd.h>

void
kv_dbus_descriptors_close (const int *descriptors, guint length)
{
  for (guint i = 0; i < length; i++)
    close (descriptors[i]);
}
