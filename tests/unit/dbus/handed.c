/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "handed.h"

#include <unistd.h>

KvDbusHandle *
handed_take (KvDbusHandles *handles, const char *sender, int descriptor, GError **error)
{
  KvDbusMessage message = {
    .head = { .sender = sender },
    .descriptors = &descriptor,
    .n_descriptors = 1,
  };
  KvDbusHandle *handle = kv_dbus_handles_take (handles, &message, 0, error);

  g_assert_true ((message.descriptors == NULL) == (handle != NULL));
  if (handle == NULL)
    close (descriptor);

  return handle;
}

guint
handed_count (void)
{
  g_autoptr (GDir) descriptors = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (descriptors) != NULL)
    n++;

  return n;
}
