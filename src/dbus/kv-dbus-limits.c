/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-limits.h"

#include "core/kv-error.h"

gboolean
kv_dbus_limits_check_count (gsize count, const char *what, GError **error)
{
  if (count <= KV_DBUS_MAX_KEYS)
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_TOO_LARGE,
               "There are %" G_GSIZE_FORMAT " %s; at most %d are taken at a time", count, what,
               KV_DBUS_MAX_KEYS);

  return FALSE;
}

gboolean
kv_dbus_limits_check_value (gsize length, gsize max_value_size, GError **error)
{
  if (length <= max_value_size)
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_TOO_LARGE,
               "The value has %" G_GSIZE_FORMAT " bytes; at most %" G_GSIZE_FORMAT " are allowed",
               length, max_value_size);

  return FALSE;
}
