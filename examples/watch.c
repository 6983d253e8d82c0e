/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Follows every key that begins with "weather/" while a main loop runs, and reads how the store changes. */

#include <kvstore.h>

static void
on_ready (KvWatch *watch, gpointer user_data)
{
  KvWatchEvent event;

  while (kv_watch_next (watch, &event))
    {
      if (event.type == KV_WATCH_CHANGE && event.change.entry != NULL)
        g_print ("%s is now %s\n", kv_change_get_key (&event.change, NULL),
                 kv_entry_get_value (event.change.entry, NULL));
      else if (event.type == KV_WATCH_CHANGE)
        {
          g_print ("%s is gone\n", kv_change_get_key (&event.change, NULL));
          g_main_loop_quit (user_data);
        }
      kv_watch_event_clear (&event);
    }
}

int
main (void)
{
  const char *prefixes[] = { "weather/", NULL };
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (KvStore) store = kv_store_new ();
  G_GNUC_UNUSED g_autoptr (KvWatch) watch =
    kv_watch_new (store, NULL, prefixes, KV_WATCH_FROM_NOW, on_ready, loop, NULL);

  kv_store_put (store, "weather/brno", "sun", -1, NULL);
  kv_store_put (store, "traffic/brno", "jam", -1, NULL);
  kv_store_put (store, "weather/brno", "rain", 50 * G_TIME_SPAN_MILLISECOND, NULL);
  g_main_loop_run (loop);
  return 0;
}
