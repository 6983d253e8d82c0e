/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "contract-watches.h"

#include "contract-words.h"

#include <string.h>

/* @key: (nullable); @entry: (nullable): what is there; @previous: (nullable): what was */
static void
say_told (guint number,
          const char *kind,
          const char *key,
          const KvEntry *entry,
          guint64 revision,
          gboolean whole,
          const KvEntry *previous)
{
  g_autofree char *key_word = key != NULL ? encode (key, strlen (key)) : g_strdup ("-");
  g_autofree char *value = entry != NULL ? encode_value (entry) : NULL;
  g_autoptr (GString) before = g_string_new (NULL);

  append_entry (before, previous);
  say ("event %u %s %s %s%s %" G_GUINT64_FORMAT " %s%s", number, kind, key_word,
       value != NULL ? "=" : "-", value != NULL ? value : "", revision, whole ? "whole" : "more",
       before->str);
}

static void
say_event (guint number, const KvWatchEvent *event)
{
  static const char *const kinds[] = { "put", "delete", "swap", "expired" };
  const KvChange *change = &event->change;

  switch (event->type)
    {
    case KV_WATCH_SNAPSHOT:
      say_told (number, "now", event->key, event->entry,
                event->entry != NULL ? kv_entry_get_revision (event->entry) : 0, FALSE, NULL);
      return;
    case KV_WATCH_CHANGE:
      say_told (number, kinds[change->kind], kv_change_get_key (change, NULL), change->entry,
                change->revision, change->last, change->previous);
      return;
    case KV_WATCH_SNAPSHOT_END:
      say_told (number, "snapshot_end", NULL, NULL, event->revision, TRUE, NULL);
      return;
    case KV_WATCH_RESET:
      say_told (number, "reset", NULL, NULL, event->revision, TRUE, NULL);
      return;
    }
}

static void
on_watch (KvWatch *watch, gpointer user_data)
{
  KvWatchEvent event = { 0 };

  while (kv_watch_next (watch, &event))
    {
      say_event (GPOINTER_TO_UINT (user_data), &event);
      kv_watch_event_clear (&event);
    }
}

/* Those of @words that begin with @prefix. */
static GStrv
read_names (char **words, const char *prefix)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  for (; *words != NULL; words++)
    {
      if (g_str_has_prefix (*words, prefix))
        {
          g_autofree char *name = g_uri_unescape_string (*words + strlen (prefix), NULL);

          g_strv_builder_add (names, name);
        }
    }
  return g_strv_builder_end (names);
}

void
do_watch (KvStore *store, GPtrArray *watches, char **words)
{
  g_auto (GStrv) keys = read_names (words + 2, "key=");
  g_auto (GStrv) prefixes = read_names (words + 2, "prefix=");
  g_autoptr (GError) error = NULL;
  guint64 since = KV_WATCH_FROM_NOW;
  guint number = watches->len;
  guint64 oldest, current;
  KvWatch *watch;

  if (!g_str_equal (words[1], "-"))
    since = g_ascii_strtoull (words[1], NULL, 10);
  watch = kv_watch_new (store, (const char *const *) keys, (const char *const *) prefixes, since,
                        on_watch, GUINT_TO_POINTER (number), &error);
  g_assert_no_error (error);
  kv_store_get_history (store, &oldest, &current);
  g_ptr_array_add (watches, watch);
  say ("watch %u %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, number,
       kv_watch_resumes (watch) ? "resumes" : "begins", oldest, current);
}

void
do_unwatch (GPtrArray *watches, char **words)
{
  guint number = (guint) g_ascii_strtoull (words[1], NULL, 10);

  kv_watch_free (g_steal_pointer (&g_ptr_array_index (watches, number)));
  say ("ended");
}
