/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-status.h"

#include <string.h>

void
kv_status_get_figures (const KvStoreStatus *status, KvStatusFigure figures[KV_STATUS_N_FIGURES])
{
  guint64 swaps = status->swaps_succeeded + status->swaps_failed;
  const KvStatusFigure all[] = {
    { "total_keys", status->keys },
    { "total_operations", status->gets + status->puts + status->deletes + swaps },
    { "get_operations", status->gets },
    { "put_operations", status->puts },
    { "delete_operations", status->deletes },
    { "cas_operations", swaps },
    { "successful_cas_operations", status->swaps_succeeded },
    { "failed_cas_operations", status->swaps_failed },
    { "watch_requests_count", status->watches },
    { "batch_requests_count", status->batches },
  };

  G_STATIC_ASSERT (G_N_ELEMENTS (all) == KV_STATUS_N_FIGURES);
  memcpy (figures, all, sizeof all);
}

char *
kv_status_format_uptime (const KvStoreStatus *status)
{
  static const struct {
    gint64 milliseconds;
    const char *name;
  } units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" }, { 1, "ms" } };
  g_autoptr (GString) text = g_string_new (NULL);
  gint64 rest = status->uptime / 1000;

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    {
      if (rest >= units[i].milliseconds)
        g_string_append_printf (text, "%s%" G_GINT64_FORMAT "%s", text->len > 0 ? " " : "",
                                rest / units[i].milliseconds, units[i].name);
      rest %= units[i].milliseconds;
    }
  return g_strdup (text->len > 0 ? text->str : "0s");
}

char *
kv_status_format_now (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();

  return g_date_time_format (now, "%Y-%m-%dT%H:%M:%S.%f%:z");
}
