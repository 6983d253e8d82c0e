/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-details.h"

static const char *const names[] = {
  [KV_DBUS_DETAIL_REVISION] = "revision",       [KV_DBUS_DETAIL_EXPIRES] = "expires",
  [KV_DBUS_DETAIL_VALUE_BYTES] = "value_bytes", [KV_DBUS_DETAIL_VALUE_OMITTED] = "value_omitted",
  [KV_DBUS_DETAIL_PRESENT] = "present",         [KV_DBUS_DETAIL_MORE] = "more",
};
G_STATIC_ASSERT (G_N_ELEMENTS (names) == KV_DBUS_N_DETAILS);

/* The names as variants, made once: any number of messages may hold one. */
static GVariant *
get_name (KvDbusDetail detail)
{
  static GVariant *variants[KV_DBUS_N_DETAILS];
  static gsize made = 0;

  if (g_once_init_enter (&made))
    {
      for (guint i = 0; i < KV_DBUS_N_DETAILS; i++)
        variants[i] = g_variant_ref_sink (g_variant_new_string (names[i]));
      g_once_init_leave (&made, 1);
    }

  return variants[detail];
}

void
kv_dbus_details_add (KvDbusDetails *details, KvDbusDetail detail, GVariant *value)
{
  g_return_if_fail (details->length < KV_DBUS_N_DETAILS);

  details->entries[details->length++] =
    g_variant_new_dict_entry (get_name (detail), g_variant_new_variant (value));
}

GVariant *
kv_dbus_details_end (KvDbusDetails *details)
{
  return g_variant_new_array (G_VARIANT_TYPE ("{sv}"), details->entries, details->length);
}
