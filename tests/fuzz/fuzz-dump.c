/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The reader of dumps: what it makes of an input does not depend on the pieces in which that comes; and what it takes, it
 * takes again, as the same entries, when it has been restored and dumped. */

#include "backup/kv-dump-reader.h"
#include "backup/kv-dump-writer.h"
#include "backup/kv-restore.h"
#include "core/kv-json-text.h"
#include "fuzz-target.h"

#include <string.h>

/* Short, so that an input can be longer. */
#define MAX_VALUE 200

static void
describe_entry (KvEntry *draft, gpointer user_data)
{
  GString *all = user_data;
  gsize key_length, value_length;
  const char *key = kv_entry_get_key (draft, &key_length);
  const char *value = kv_entry_get_value (draft, &value_length);

  g_assert_true (kv_key_validate (key, (gssize) key_length, NULL));
  g_assert_true (kv_value_validate (value, value_length, NULL));
  g_assert_cmpuint (value_length, <=, MAX_VALUE);
  kv_json_text_append_string (all, key, key_length);
  kv_json_text_append_string (all, value, value_length);
  g_string_append (all, kv_entry_get_deadline (draft) == KV_NO_DEADLINE ? "\n" : " expires\n");
  kv_entry_unref (draft);
}

/* Returns: what has been read, and the error, as a text */
static GString *
read_in_pieces (const char *data, gsize length, gsize piece)
{
  GString *all = g_string_new (NULL);
  g_autoptr (KvDumpReader) reader = kv_dump_reader_new (MAX_VALUE, describe_entry, all);
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; error == NULL && i < length; i += piece)
    kv_dump_reader_feed (reader, data + i, MIN (piece, length - i), &error);
  if (error == NULL && kv_dump_reader_finish (reader, &error))
    g_string_append (all, "whole");
  else
    g_string_append (all, error->message);
  return all;
}

static void
on_over (KvRestore *restore, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

static void
restore_into (KvStore *store, const char *data, gsize length)
{
  const KvRestoreOptions options = { KV_RESTORE_REPLACE, FALSE, MAX_VALUE };
  gboolean over = FALSE;
  g_autoptr (KvRestore) restore = kv_restore_new (store, &options, on_over, &over);
  KvRestoreCounts counts;

  g_assert_cmpint (kv_restore_feed (restore, data, length, NULL), !=, KV_RESTORE_FAILED);
  kv_restore_finish (restore);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (kv_restore_get_outcome (restore, &counts, NULL));
}

static GString *
write_dump (KvStore *store)
{
  g_autoptr (KvDumpWriter) writer = kv_dump_writer_new (kv_snapshot_new (store));
  GString *dump = g_string_new (NULL);

  while (kv_dump_writer_write (writer, dump, 1))
    ;
  return dump;
}

static int
compare_lines (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* All entries of a store as a dump has them, in order, without what differs from one store to the next. */
static char *
describe_store (KvStore *store)
{
  GString *dump = write_dump (store);
  GString *read = read_in_pieces (dump->str, dump->len, 100);
  g_auto (GStrv) lines = g_strsplit (read->str, "\n", -1);
  char *text;

  g_assert_true (g_str_has_suffix (read->str, "whole"));
  qsort (lines, g_strv_length (lines), sizeof *lines, compare_lines);
  text = g_strjoinv ("\n", lines);
  g_string_free (read, TRUE);
  g_string_free (dump, TRUE);
  return text;
}

static void
check_round_trip (const char *data, gsize length)
{
  g_autoptr (KvStore) one = kv_store_new ();
  g_autoptr (KvStore) other = kv_store_new ();
  g_autofree char *before = NULL, *after = NULL;
  GString *dump;

  restore_into (one, data, length);
  dump = write_dump (one);
  restore_into (other, dump->str, dump->len);
  before = describe_store (one);
  after = describe_store (other);
  g_assert_cmpstr (before, ==, after);
  g_string_free (dump, TRUE);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize length)
{
  const char *text = (const char *) data;
  const gsize pieces[] = { 1, 13 };
  GString *whole = read_in_pieces (text, length, MAX (length, 1));

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      GString *again = read_in_pieces (text, length, pieces[i]);

      g_assert_cmpmem (again->str, again->len, whole->str, whole->len);
      g_string_free (again, TRUE);
    }
  if (g_str_has_suffix (whole->str, "whole"))
    check_round_trip (text, length);
  g_string_free (whole, TRUE);
  return 0;
}
